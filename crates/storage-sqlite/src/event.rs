//! Events that a relying party is told.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_storage::Result;
use cyberid_storage::event::{Events, NewEvent, Push, Pushes};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{count, integer, parsed, seconds};

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

#[async_trait]
impl Pushes for RegistryDb {
    async fn pushes_due(&self, now: UnixTime, limit: u32) -> Result<Vec<Push>> {
        let sql = "SELECT client_id, settled, failures FROM event_push \
                   WHERE settled < newest AND next_at <= ?1 ORDER BY next_at LIMIT ?2";
        let rows: Vec<(String, i64, u32)> = sqlx::query_as(sql)
            .bind(seconds(now))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let pushes: Answer<_> = rows.into_iter().map(push).collect();
        Ok(pushes?)
    }

    async fn settle_push(&self, client_id: &ClientId, sequence: u64) -> Result<()> {
        let sql = "UPDATE event_push SET settled = MIN(?2, newest), failures = 0, next_at = 0 \
                   WHERE client_id = ?1 AND settled < ?2";
        let settle = sqlx::query(sql).bind(client_id.as_str()).bind(integer(sequence)?);
        self.db.write("settle_push", settle).await?;
        Ok(())
    }

    async fn postpone_push(&self, client_id: &ClientId, failures: u32, until: UnixTime) -> Result<()> {
        let sql = "UPDATE event_push SET failures = ?2, next_at = ?3 WHERE client_id = ?1";
        let postpone = sqlx::query(sql)
            .bind(client_id.as_str())
            .bind(failures)
            .bind(seconds(until));
        self.db.write("postpone_push", postpone).await?;
        Ok(())
    }
}

fn push((client_id, settled, failures): (String, i64, u32)) -> Answer<Push> {
    Ok(Push {
        client_id: parsed(&client_id, "client id")?,
        settled: count(settled, "sequence")?,
        failures,
    })
}

/// Writes an event at the end of the feed; that it is to be pushed is written with it, by the table's trigger.
pub(crate) async fn tell(tx: &mut SqliteConnection, event: &NewEvent) -> Answer<()> {
    sqlx::query("INSERT INTO event (client_id, token) VALUES (?1, ?2)")
        .bind(event.client_id.as_str())
        .bind(&event.token)
        .execute(tx)
        .await?;
    Ok(())
}
