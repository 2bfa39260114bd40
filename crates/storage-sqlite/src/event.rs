//! Events that a relying party is told.

use async_trait::async_trait;
use cyberid_domain::id::ClientId;
use cyberid_storage::Result;
use cyberid_storage::event::{Events, NewEvent};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{count, integer};

#[async_trait]
impl Events for RegistryDb {
    async fn events_after(&self, client_id: &ClientId, after: u64, limit: u32) -> Result<Vec<(u64, String)>> {
        let sql = "SELECT sequence, token FROM event WHERE client_id = ?1 AND sequence > ?2 \
                   ORDER BY sequence LIMIT ?3";
        let rows: Vec<(i64, String)> = sqlx::query_as(sql)
            .bind(client_id.as_str())
            .bind(integer(after).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let events: Answer<_> = rows
            .into_iter()
            .map(|(sequence, token)| Ok((count(sequence, "sequence")?, token)))
            .collect();
        Ok(events?)
    }
}

/// Writes an event at the end of the feed.
pub(crate) async fn tell(tx: &mut SqliteConnection, event: &NewEvent) -> Answer<()> {
    sqlx::query("INSERT INTO event (client_id, token) VALUES (?1, ?2)")
        .bind(event.client_id.as_str())
        .bind(&event.token)
        .execute(tx)
        .await?;
    Ok(())
}
