//! What the regulator reads of the registry.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_storage::Result;
use cyberid_storage::oversight::{Evidence, OutstandingErasure, OverseenParty, Oversight, TracedRelease};

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, count, moment, parsed, seconds};

/// Keys whose time has come are in force, whether anybody has written so or not.
macro_rules! select_party {
    ($now:literal, $rest:literal) => {
        concat!(
            "SELECT client_id, status, expires_at, coalesce((SELECT registration FROM waiting_keys \
             WHERE waiting_keys.client_id = relying_party.client_id AND in_force_at <= ",
            $now,
            "), registration) AS registration FROM relying_party ",
            $rest
        )
    };
}

#[async_trait]
impl Oversight for RegistryDb {
    async fn over_asking(&self) -> Result<Vec<(ClientId, u64)>> {
        let sql = "SELECT client_id, times FROM over_asking ORDER BY client_id";
        let rows: Vec<(String, i64)> = sqlx::query_as(sql)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let counts: Answer<_> = rows
            .into_iter()
            .map(|(client_id, times)| Ok((parsed(&client_id, "client id")?, count(times, "count")?)))
            .collect();
        Ok(counts?)
    }

    async fn parties(
        &self,
        after: Option<&ClientId>,
        limit: u32,
        now: UnixTime,
    ) -> Result<Vec<OverseenParty>> {
        let sql = select_party!("?2", "WHERE client_id > ?1 ORDER BY client_id LIMIT ?3");
        let rows: Vec<PartyRow> = sqlx::query_as(sql)
            .bind(after.map_or("", ClientId::as_str))
            .bind(seconds(now))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let parties: Answer<_> = rows.into_iter().map(|row| row.read(now)).collect();
        Ok(parties?)
    }

    async fn party(&self, client_id: &ClientId, now: UnixTime) -> Result<Option<OverseenParty>> {
        let row: Option<PartyRow> = sqlx::query_as(select_party!("?2", "WHERE client_id = ?1"))
            .bind(client_id.as_str())
            .bind(seconds(now))
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(|row| row.read(now)).transpose()?)
    }

    async fn outstanding_erasures(&self) -> Result<Vec<OutstandingErasure>> {
        let sql = "SELECT erasure.release, release.client_id, erasure.erase_by \
                   FROM erasure JOIN release ON release.id = erasure.release \
                   WHERE erasure.confirmed IS NULL ORDER BY erasure.erase_by, erasure.release";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let erasures: Answer<_> = rows.into_iter().map(outstanding).collect();
        Ok(erasures?)
    }

    async fn traced(&self, release: &ReleaseId) -> Result<Option<TracedRelease>> {
        let sql = "SELECT consent.consent, consent.request_object, consent.salt, device.key AS device_key, \
                   (SELECT json_group_array(promise.leaf_index ORDER BY release_leaf.place) FROM release_leaf \
                   JOIN promise ON promise.id = release_leaf.leaf \
                   WHERE release_leaf.release = release.id AND promise.leaf_index IS NOT NULL) AS places \
                   FROM release LEFT JOIN consent ON consent.release = release.id \
                   LEFT JOIN device ON device.jkt = consent.device_jkt WHERE release.id = ?1 \
                   AND EXISTS (SELECT 1 FROM release_leaf WHERE release_leaf.release = release.id)";
        let row: Option<TraceRow> = sqlx::query_as(sql)
            .bind(release.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(TraceRow::read).transpose()?)
    }
}

#[derive(sqlx::FromRow)]
struct PartyRow {
    client_id: String,
    registration: String,
    status: String,
    expires_at: Option<i64>,
}

impl PartyRow {
    fn read(self, now: UnixTime) -> Answer<OverseenParty> {
        let decided = RegistrationStatus::named(&self.status).ok_or(Fault::Corrupt("registration status"))?;
        let expires_at = self.expires_at.map(moment).transpose()?;
        Ok(OverseenParty {
            client_id: parsed(&self.client_id, "client id")?,
            registration: self.registration,
            status: decided.at(expires_at, now),
            expires_at,
        })
    }
}

#[derive(sqlx::FromRow)]
struct TraceRow {
    consent: Option<String>,
    request_object: Option<String>,
    salt: Option<Vec<u8>>,
    device_key: Option<Vec<u8>>,
    places: String,
}

impl TraceRow {
    fn read(self) -> Answer<TracedRelease> {
        let places = serde_json::from_str(&self.places).map_err(|_| Fault::Corrupt("leaf index"))?;
        let evidence = match (self.consent, self.request_object, self.salt) {
            (Some(consent), Some(request_object), Some(salt)) => Some(Evidence {
                consent,
                request_object,
                salt: array(&salt, "salt")?,
                device_key: self.device_key.map(|key| array(&key, "device key")).transpose()?,
            }),
            _ => None,
        };
        Ok(TracedRelease { places, evidence })
    }
}

fn outstanding((release, client_id, erase_by): (String, String, i64)) -> Answer<OutstandingErasure> {
    Ok(OutstandingErasure {
        release: parsed(&release, "release id")?,
        client_id: parsed(&client_id, "client id")?,
        erase_by: moment(erase_by)?,
    })
}
