//! Things that are used once.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_storage::Result;
use cyberid_storage::single_use::{SingleUse, SingleUses};
use sqlx::SqliteConnection;

use crate::fault::Answer;
use crate::registry::RegistryDb;
use crate::value::seconds;

#[async_trait]
impl SingleUses for RegistryDb {
    async fn use_once(&self, thing: &SingleUse) -> Result<bool> {
        let mut tx = self.db.begin("use_once").await?;
        let first = use_up(&mut tx, thing).await?;
        tx.commit().await?;
        Ok(first)
    }

    async fn forget_single_uses(&self, before: UnixTime) -> Result<u64> {
        let forget = sqlx::query("DELETE FROM single_use WHERE forget_at < ?1").bind(seconds(before));
        Ok(self.db.write("forget_single_uses", forget).await?)
    }
}

/// Uses a thing: `true` the first time.
pub(crate) async fn use_up(tx: &mut SqliteConnection, thing: &SingleUse) -> Answer<bool> {
    let sql = "INSERT INTO single_use (digest, forget_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let used = sqlx::query(sql)
        .bind(thing.digest.as_slice())
        .bind(seconds(thing.forget_at))
        .execute(tx)
        .await?;
    Ok(used.rows_affected() > 0)
}
