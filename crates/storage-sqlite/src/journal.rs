//! The journal of visits.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_storage::Result;
use cyberid_storage::journal::{Journal, Visit};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::seconds;

#[async_trait]
impl Journal for RegistryDb {
    async fn visits(&self, day: UnixTime, tag: &[u8; 16]) -> Result<Vec<Vec<u8>>> {
        let sealed = sqlx::query_scalar("SELECT sealed FROM visit WHERE day = ?1 AND tag = ?2")
            .bind(seconds(day))
            .bind(tag.as_slice())
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(sealed)
    }

    async fn forget_visits(&self, before: UnixTime) -> Result<u64> {
        let forget = sqlx::query("DELETE FROM visit WHERE day < ?1").bind(seconds(before));
        let forgotten = self.db.write("forget_visits", forget).await?;
        if forgotten > 0 {
            self.db.wipe_log().await;
        }
        Ok(forgotten)
    }
}

/// Keeps the record of a visit.
pub(crate) async fn keep_visit(tx: &mut SqliteConnection, visit: &Visit) -> Answer<()> {
    sqlx::query("INSERT INTO visit (day, tag, sealed) VALUES (?1, ?2, ?3)")
        .bind(seconds(visit.day))
        .bind(visit.tag.as_slice())
        .bind(visit.sealed.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}
