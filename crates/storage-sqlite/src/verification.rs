//! Verifications that a relying party asked for and polls.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::VerificationId;
use cyberid_storage::Result;
use cyberid_storage::journal::Visit;
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Verification, VerificationState, Verifications};
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::journal::keep_visit;
use crate::registry::RegistryDb;
use crate::single_use::use_up;
use crate::value::{list, listed, moment, parsed, seconds};

#[async_trait]
impl Verifications for RegistryDb {
    async fn ask(&self, verification: &Verification) -> Result<()> {
        let sql = "INSERT INTO verification (id, client_id, purpose, checks, factors, nonce, sub, created_at, \
                   expires_at, state, attestation) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";
        let (state, attestation) = written(&verification.state);
        let ask = sqlx::query(sql)
            .bind(verification.id.as_str())
            .bind(verification.client_id.as_str())
            .bind(&verification.purpose)
            .bind(list(verification.checks.iter().map(|check| check.as_str())))
            .bind(list(verification.factors.iter().map(|factor| factor.as_str())))
            .bind(verification.nonce.as_str())
            .bind(&verification.sub)
            .bind(seconds(verification.created_at))
            .bind(seconds(verification.expires_at))
            .bind(state)
            .bind(attestation);
        self.db.write("ask", ask).await?;
        Ok(())
    }

    async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>> {
        let row: Option<Row> = sqlx::query_as("SELECT * FROM verification WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(Row::read).transpose()?)
    }

    async fn conclude(
        &self,
        id: &VerificationId,
        state: &VerificationState,
        proof: Option<&SingleUse>,
        visit: Option<&Visit>,
        now: UnixTime,
    ) -> Result<Answered> {
        let mut tx = self.db.begin("conclude").await?;
        if !answer(&mut tx, id, state, now).await? {
            return Ok(Answered::Closed);
        }
        if !consume(&mut tx, proof, visit).await? {
            return Ok(Answered::Replayed);
        }
        tx.commit().await?;
        Ok(Answered::Now)
    }

    async fn conclude_direct(&self, proof: &SingleUse, visit: &Visit) -> Result<Answered> {
        let mut tx = self.db.begin("conclude_direct").await?;
        if !consume(&mut tx, Some(proof), Some(visit)).await? {
            return Ok(Answered::Replayed);
        }
        tx.commit().await?;
        Ok(Answered::Now)
    }

    async fn forget_verifications(&self, before: UnixTime) -> Result<u64> {
        let forget = sqlx::query("DELETE FROM verification WHERE expires_at < ?1").bind(seconds(before));
        Ok(self.db.write("forget_verifications", forget).await?)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    client_id: String,
    purpose: String,
    checks: String,
    factors: String,
    nonce: String,
    sub: Option<String>,
    created_at: i64,
    expires_at: i64,
    state: String,
    attestation: Option<String>,
}

impl Row {
    fn read(self) -> Answer<Verification> {
        let check = |name: &str| Check::ALL.into_iter().find(|check| check.as_str() == name);
        let factor = |name: &str| Factor::ALL.into_iter().find(|factor| factor.as_str() == name);
        Ok(Verification {
            id: parsed(&self.id, "verification id")?,
            client_id: parsed(&self.client_id, "client id")?,
            purpose: self.purpose,
            checks: listed(&self.checks, "check", check)?,
            factors: listed(&self.factors, "factor", factor)?,
            nonce: parsed(&self.nonce, "nonce")?,
            sub: self.sub,
            created_at: moment(self.created_at)?,
            expires_at: moment(self.expires_at)?,
            state: read_state(&self.state, self.attestation)?,
        })
    }
}

fn written(state: &VerificationState) -> (&'static str, Option<&str>) {
    match state {
        VerificationState::Pending => ("pending", None),
        VerificationState::Passed { attestation } => ("passed", Some(attestation)),
        VerificationState::Failed { attestation } => ("failed", Some(attestation)),
        VerificationState::Declined => ("declined", None),
    }
}

fn read_state(state: &str, attestation: Option<String>) -> Answer<VerificationState> {
    match (state, attestation) {
        ("pending", None) => Ok(VerificationState::Pending),
        ("passed", Some(attestation)) => Ok(VerificationState::Passed { attestation }),
        ("failed", Some(attestation)) => Ok(VerificationState::Failed { attestation }),
        ("declined", None) => Ok(VerificationState::Declined),
        _ => Err(Fault::Corrupt("verification state")),
    }
}

/// `false` if it is not there, answered or over.
async fn answer(
    tx: &mut SqliteConnection,
    id: &VerificationId,
    state: &VerificationState,
    now: UnixTime,
) -> Answer<bool> {
    let sql = "UPDATE verification SET state = ?2, attestation = ?3 \
               WHERE id = ?1 AND state = 'pending' AND expires_at > ?4";
    let (state, attestation) = written(state);
    let answered = sqlx::query(sql)
        .bind(id.as_str())
        .bind(state)
        .bind(attestation)
        .bind(seconds(now))
        .execute(tx)
        .await?;
    Ok(answered.rows_affected() > 0)
}

/// Consumes the proof and keeps the visit; `false` if the proof was used before.
async fn consume(
    tx: &mut SqliteConnection,
    proof: Option<&SingleUse>,
    visit: Option<&Visit>,
) -> Answer<bool> {
    if let Some(proof) = proof
        && !use_up(tx, proof).await?
    {
        return Ok(false);
    }
    if let Some(visit) = visit {
        keep_visit(tx, visit).await?;
    }
    Ok(true)
}
