//! Among how many custodians the other half of every key is shared. It is chosen before the first record: what was sealed to
//! one never opens with three, nor the other way round.

use cyberid_storage::Result;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::vault::VaultDb;

/// Keeps the number where there is no record yet, or none was kept.
macro_rules! settle {
    ($records:literal) => {
        concat!(
            "INSERT INTO custodians (one, count) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET count = excluded.count \
             WHERE NOT EXISTS (SELECT 1 FROM ",
            $records,
            ")"
        )
    };
}

impl VaultDb {
    /// Says how many custodians there are; how many there were when the first record came, if there is one.
    pub async fn settle_custodians(&self, count: u32) -> Result<u32> {
        Ok(settle(self.database(), settle!("record"), count).await?)
    }
}

impl RegistryDb {
    /// Says how many custodians there are; how many there were when the first subject came, if there is one.
    pub async fn settle_custodians(&self, count: u32) -> Result<u32> {
        Ok(settle(&self.db, settle!("subject"), count).await?)
    }
}

async fn settle(db: &Database, sql: &'static str, count: u32) -> Answer<u32> {
    let mut tx = db.begin("settle_custodians").await?;
    sqlx::query(sql).bind(count).execute(&mut *tx).await?;
    let kept: i64 = sqlx::query_scalar("SELECT count FROM custodians")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    u32::try_from(kept).map_err(|_| Fault::Corrupt("number of custodians"))
}
