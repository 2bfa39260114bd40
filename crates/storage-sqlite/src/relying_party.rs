//! Relying parties, and how often they ask for more than is registered.

use async_trait::async_trait;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_storage::Result;
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::relying_party::{InForce, Oversight, RelyingParties, RelyingParty};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::promise::promise;
use crate::registry::RegistryDb;
use crate::value::{count, list, listed, moment, parsed, seconds};

#[async_trait]
impl RelyingParties for RegistryDb {
    async fn apply(&self, application: &RelyingParty) -> Result<()> {
        let sql = "INSERT INTO relying_party \
                   (client_id, registration, status, applied_by, applied_at, expires_at, certificates) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        let apply = sqlx::query(sql)
            .bind(application.client_id.as_str())
            .bind(&application.registration)
            .bind(application.status.as_str())
            .bind(application.applied_by.as_str())
            .bind(seconds(application.applied_at))
            .bind(application.expires_at.map(seconds))
            .bind(list(&application.certificates));
        self.db.write("apply", apply).await?;
        Ok(())
    }

    async fn relying_party(&self, client_id: &ClientId) -> Result<Option<RelyingParty>> {
        let row: Option<Row> = sqlx::query_as("SELECT * FROM relying_party WHERE client_id = ?1")
            .bind(client_id.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(Row::read).transpose()?)
    }

    async fn relying_parties(&self) -> Result<Vec<RelyingParty>> {
        let rows: Vec<Row> = sqlx::query_as("SELECT * FROM relying_party ORDER BY client_id")
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let all: Answer<_> = rows.into_iter().map(Row::read).collect();
        Ok(all?)
    }

    async fn approve(&self, client_id: &ClientId, force: &InForce, leaf: &PromisedLeaf) -> Result<bool> {
        let mut tx = self.db.begin("approve").await?;
        if status_of(&mut tx, client_id).await? != Some(RegistrationStatus::Applied) {
            return Ok(false);
        }
        put_in_force(&mut tx, client_id, force).await?;
        promise(&mut tx, leaf).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn suspend(&self, client_id: &ClientId, leaf: &PromisedLeaf) -> Result<bool> {
        let sql = "UPDATE relying_party SET status = 'suspended' \
                   WHERE client_id = ?1 AND status = 'approved'";
        let mut tx = self.db.begin("suspend").await?;
        let suspended = sqlx::query(sql)
            .bind(client_id.as_str())
            .execute(&mut *tx)
            .await
            .map_err(Fault::from)?;
        if suspended.rows_affected() == 0 {
            return Ok(false);
        }
        promise(&mut tx, leaf).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn change_keys(
        &self,
        client_id: &ClientId,
        was: &str,
        force: &InForce,
        leaf: &PromisedLeaf,
    ) -> Result<bool> {
        let mut tx = self.db.begin("change_keys").await?;
        let approved = status_of(&mut tx, client_id).await? == Some(RegistrationStatus::Approved);
        if !approved || !is_registered(&mut tx, client_id, was).await? {
            return Ok(false);
        }
        put_in_force(&mut tx, client_id, force).await?;
        promise(&mut tx, leaf).await?;
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
}

#[derive(sqlx::FromRow)]
struct Row {
    client_id: String,
    registration: String,
    status: String,
    applied_by: String,
    applied_at: i64,
    expires_at: Option<i64>,
    certificates: String,
}

impl Row {
    fn read(self) -> Answer<RelyingParty> {
        Ok(RelyingParty {
            client_id: parsed(&self.client_id, "client id")?,
            registration: self.registration,
            status: named(&self.status)?,
            applied_by: parsed(&self.applied_by, "client id")?,
            applied_at: moment(self.applied_at)?,
            expires_at: self.expires_at.map(moment).transpose()?,
            certificates: listed(&self.certificates, "certificates", |text| Some(text.to_owned()))?,
        })
    }
}

fn named(status: &str) -> Answer<RegistrationStatus> {
    RegistrationStatus::named(status).ok_or(Fault::Corrupt("registration status"))
}

async fn status_of(tx: &mut SqliteConnection, client_id: &ClientId) -> Answer<Option<RegistrationStatus>> {
    let status: Option<String> = sqlx::query_scalar("SELECT status FROM relying_party WHERE client_id = ?1")
        .bind(client_id.as_str())
        .fetch_optional(tx)
        .await?;
    status.map(|status| named(&status)).transpose()
}

async fn is_registered(tx: &mut SqliteConnection, client_id: &ClientId, was: &str) -> Answer<bool> {
    let sql = "SELECT registration = ?2 FROM relying_party WHERE client_id = ?1";
    Ok(sqlx::query_scalar(sql)
        .bind(client_id.as_str())
        .bind(was)
        .fetch_one(tx)
        .await?)
}

async fn put_in_force(tx: &mut SqliteConnection, client_id: &ClientId, force: &InForce) -> Answer<()> {
    let sql = "UPDATE relying_party \
               SET status = 'approved', registration = ?2, certificates = ?3, expires_at = ?4 \
               WHERE client_id = ?1";
    sqlx::query(sql)
        .bind(client_id.as_str())
        .bind(&force.registration)
        .bind(list(&force.certificates))
        .bind(seconds(force.expires_at))
        .execute(tx)
        .await?;
    Ok(())
}
