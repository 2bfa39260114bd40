//! Relying parties, and how often they ask for more than is registered.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_storage::Result;
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::relying_party::{RelyingParties, RelyingParty, WaitingKeys, WaitingRenewal};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::promise::promise;
use crate::registry::RegistryDb;
use crate::value::{count, integer, list, listed, moment, parsed, seconds};

/// A row with what waits beside it.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT relying_party.*, waiting_keys.registration AS keys_registration, \
             waiting_keys.certificates AS keys_certificates, waiting_keys.in_force_at AS keys_in_force_at, \
             waiting_renewal.applied_by AS renewal_by, waiting_renewal.applied_at AS renewal_at, \
             waiting_renewal.particulars AS renewal_particulars, waiting_renewal.days AS renewal_days \
             FROM relying_party LEFT JOIN waiting_keys USING (client_id) LEFT JOIN waiting_renewal USING (client_id) ",
            $rest
        )
    };
}

#[async_trait]
impl RelyingParties for RegistryDb {
    async fn apply(&self, application: &RelyingParty) -> Result<()> {
        let sql = "INSERT INTO relying_party \
                   (client_id, registration, status, applied_by, applied_at, expires_at, certificates, leaf) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
        let apply = sqlx::query(sql)
            .bind(application.client_id.as_str())
            .bind(&application.registration)
            .bind(application.status.as_str())
            .bind(application.applied_by.as_str())
            .bind(seconds(application.applied_at))
            .bind(application.expires_at.map(seconds))
            .bind(list(&application.certificates))
            .bind(application.leaf.as_ref().map(LeafId::as_str));
        self.db.write("apply", apply).await?;
        Ok(())
    }

    async fn relying_party(&self, client_id: &ClientId, now: UnixTime) -> Result<Option<RelyingParty>> {
        let row: Option<Row> = sqlx::query_as(select!("WHERE relying_party.client_id = ?1"))
            .bind(client_id.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(|row| row.read(now)).transpose()?)
    }

    async fn relying_parties(&self, now: UnixTime) -> Result<Vec<RelyingParty>> {
        let rows: Vec<Row> = sqlx::query_as(select!("ORDER BY relying_party.client_id"))
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        read_all(rows, now)
    }

    async fn active(&self, after: Option<&ClientId>, limit: u32, now: UnixTime) -> Result<Vec<RelyingParty>> {
        let sql = select!(
            "WHERE relying_party.client_id > ?1 AND status = 'approved' AND expires_at > ?2 \
             ORDER BY relying_party.client_id LIMIT ?3"
        );
        let rows: Vec<Row> = sqlx::query_as(sql)
            .bind(after.map_or("", ClientId::as_str))
            .bind(seconds(now))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        read_all(rows, now)
    }

    async fn keys_due(&self, now: UnixTime, limit: u32) -> Result<Vec<RelyingParty>> {
        let sql = select!("WHERE waiting_keys.in_force_at <= ?1 ORDER BY waiting_keys.in_force_at LIMIT ?2");
        let rows: Vec<Row> = sqlx::query_as(sql)
            .bind(seconds(now))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        read_all(rows, now)
    }

    async fn replace(
        &self,
        was: &RelyingParty,
        next: &RelyingParty,
        leaf: Option<&PromisedLeaf>,
    ) -> Result<bool> {
        let mut tx = self.db.begin("replace_relying_party").await?;
        if !put(&mut tx, was, next).await? {
            return Ok(false);
        }
        put_waiting_keys(&mut tx, &was.client_id, next.waiting_keys.as_ref()).await?;
        put_renewal(&mut tx, &was.client_id, next.renewal.as_ref()).await?;
        if let Some(leaf) = leaf {
            promise(&mut tx, leaf).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn count_over_asking(&self, client_id: &ClientId) -> Result<()> {
        let sql = "INSERT INTO over_asking (client_id, times) \
                   SELECT client_id, 1 FROM relying_party WHERE client_id = ?1 \
                   ON CONFLICT (client_id) DO UPDATE SET times = times + 1";
        let count = sqlx::query(sql).bind(client_id.as_str());
        self.db.write("count_over_asking", count).await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    client_id: String,
    revision: i64,
    registration: String,
    status: String,
    applied_by: String,
    applied_at: i64,
    expires_at: Option<i64>,
    certificates: String,
    leaf: Option<String>,
    keys_registration: Option<String>,
    keys_certificates: Option<String>,
    keys_in_force_at: Option<i64>,
    renewal_by: Option<String>,
    renewal_at: Option<i64>,
    renewal_particulars: Option<String>,
    renewal_days: Option<i64>,
}

impl Row {
    fn read(mut self, now: UnixTime) -> Answer<RelyingParty> {
        let (waiting_keys, renewal) = (self.waiting_keys()?, self.renewal()?);
        let leaf = self.leaf.as_deref().map(|leaf| parsed(leaf, "leaf id"));
        let row = RelyingParty {
            client_id: parsed(&self.client_id, "client id")?,
            revision: count(self.revision, "revision")?,
            registration: self.registration,
            status: named(&self.status)?,
            applied_by: parsed(&self.applied_by, "client id")?,
            applied_at: moment(self.applied_at)?,
            expires_at: self.expires_at.map(moment).transpose()?,
            certificates: certificates(&self.certificates)?,
            leaf: leaf.transpose()?,
            waiting_keys,
            renewal,
        };
        Ok(row.at(now))
    }

    fn waiting_keys(&mut self) -> Answer<Option<WaitingKeys>> {
        let Some(registration) = self.keys_registration.take() else {
            return Ok(None);
        };
        Ok(Some(WaitingKeys {
            registration,
            certificates: certificates(self.keys_certificates.as_deref().unwrap_or_default())?,
            in_force_at: moment(self.keys_in_force_at.unwrap_or(-1))?,
        }))
    }

    fn renewal(&mut self) -> Answer<Option<WaitingRenewal>> {
        let Some(applied_by) = self.renewal_by.take() else {
            return Ok(None);
        };
        Ok(Some(WaitingRenewal {
            applied_by: parsed(&applied_by, "client id")?,
            applied_at: moment(self.renewal_at.unwrap_or(-1))?,
            particulars: self.renewal_particulars.take(),
            days: count(self.renewal_days.unwrap_or(-1), "days")?,
        }))
    }
}

fn read_all(rows: Vec<Row>, now: UnixTime) -> Result<Vec<RelyingParty>> {
    let all: Answer<_> = rows.into_iter().map(|row| row.read(now)).collect();
    Ok(all?)
}

fn named(status: &str) -> Answer<RegistrationStatus> {
    RegistrationStatus::named(status).ok_or(Fault::Corrupt("registration status"))
}

fn certificates(text: &str) -> Answer<Vec<String>> {
    listed(text, "certificates", |text| Some(text.to_owned()))
}

/// Writes the row itself, unless it was replaced since it was read.
async fn put(tx: &mut SqliteConnection, was: &RelyingParty, next: &RelyingParty) -> Answer<bool> {
    let sql = "UPDATE relying_party SET revision = revision + 1, registration = ?3, status = ?4, applied_by = ?5, \
               applied_at = ?6, expires_at = ?7, certificates = ?8, leaf = ?9 \
               WHERE client_id = ?1 AND revision = ?2";
    let written = sqlx::query(sql)
        .bind(was.client_id.as_str())
        .bind(integer(was.revision)?)
        .bind(&next.registration)
        .bind(next.status.as_str())
        .bind(next.applied_by.as_str())
        .bind(seconds(next.applied_at))
        .bind(next.expires_at.map(seconds))
        .bind(list(&next.certificates))
        .bind(next.leaf.as_ref().map(LeafId::as_str))
        .execute(tx)
        .await?;
    Ok(written.rows_affected() == 1)
}

async fn put_waiting_keys(
    tx: &mut SqliteConnection,
    client_id: &ClientId,
    keys: Option<&WaitingKeys>,
) -> Answer<()> {
    sqlx::query("DELETE FROM waiting_keys WHERE client_id = ?1")
        .bind(client_id.as_str())
        .execute(&mut *tx)
        .await?;
    let Some(keys) = keys else {
        return Ok(());
    };
    let sql = "INSERT INTO waiting_keys (client_id, registration, certificates, in_force_at) VALUES (?1, ?2, ?3, ?4)";
    sqlx::query(sql)
        .bind(client_id.as_str())
        .bind(&keys.registration)
        .bind(list(&keys.certificates))
        .bind(seconds(keys.in_force_at))
        .execute(tx)
        .await?;
    Ok(())
}

async fn put_renewal(
    tx: &mut SqliteConnection,
    client_id: &ClientId,
    renewal: Option<&WaitingRenewal>,
) -> Answer<()> {
    sqlx::query("DELETE FROM waiting_renewal WHERE client_id = ?1")
        .bind(client_id.as_str())
        .execute(&mut *tx)
        .await?;
    let Some(renewal) = renewal else {
        return Ok(());
    };
    let sql = "INSERT INTO waiting_renewal (client_id, applied_by, applied_at, particulars, days) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    sqlx::query(sql)
        .bind(client_id.as_str())
        .bind(renewal.applied_by.as_str())
        .bind(seconds(renewal.applied_at))
        .bind(&renewal.particulars)
        .bind(integer(renewal.days)?)
        .execute(tx)
        .await?;
    Ok(())
}
