//! Official accesses: an authority's orders, who signed them, and what became of them.

mod row;

use async_trait::async_trait;
use cyberid_domain::id::{OfficialAccessId, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::official::OfficialStatus;
use cyberid_storage::Result;
use cyberid_storage::official::{
    BeginningEnrolment, NumberSalts, OfficialAccess, OfficialAccesses, OfficialStep, Turn,
};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::release::Stepped;
use cyberid_storage::single_use::SingleUse;
use sqlx::SqliteConnection;

use crate::fault::{Answer, Fault};
use crate::promise::promise;
use crate::registry::RegistryDb;
use crate::single_use::use_up;
use crate::subject::enrolment;
use crate::value::{array, seconds};

#[async_trait]
impl OfficialAccesses for RegistryDb {
    async fn order(&self, access: &OfficialAccess, leaf: &PromisedLeaf, uses: &SingleUse) -> Result<Stepped> {
        let mut tx = self.db.begin("official_order").await?;
        if !use_up(&mut tx, uses).await? || !keep(&mut tx, access).await? {
            return Ok(Stepped::Replayed);
        }
        record_leaf(&mut tx, &access.id, leaf).await?;
        tx.commit().await?;
        Ok(Stepped::Now)
    }

    async fn official(&self, id: &OfficialAccessId) -> Result<Option<OfficialAccess>> {
        Ok(row::by_id(&self.db, id).await?)
    }

    async fn official_step(&self, step: &OfficialStep<'_>) -> Result<Stepped> {
        let mut tx = self.db.begin("official_step").await?;
        let stepped = take(&mut tx, step).await?;
        if stepped == Stepped::Now {
            tx.commit().await?;
        }
        Ok(stepped)
    }

    async fn officials_of(&self, subject: &SubjectId) -> Result<Vec<OfficialAccess>> {
        Ok(row::of_subject(&self.db, subject).await?)
    }

    async fn officials_in(&self, status: OfficialStatus) -> Result<Vec<OfficialAccess>> {
        Ok(row::in_status(&self.db, status).await?)
    }

    async fn subject_of(&self, number: &NetworkNumber) -> Result<Option<SubjectId>> {
        let sql = "SELECT subject FROM subject WHERE number = ?1 AND status <> 'cancelled'";
        let subject: Option<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(number.compact())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let subject = subject.map(|subject| array(&subject, "subject").map(SubjectId::from_bytes));
        Ok(subject.transpose()?)
    }
}

#[async_trait]
impl NumberSalts for RegistryDb {
    async fn keep_number_salt(
        &self,
        subject: &SubjectId,
        number: &NetworkNumber,
        salt: &[u8; 32],
    ) -> Result<bool> {
        let sql = "INSERT INTO number_salt (subject, salt) SELECT ?1, ?2 \
                   WHERE NOT EXISTS (SELECT 1 FROM subject WHERE number = ?3) \
                   AND NOT EXISTS (SELECT 1 FROM retired_number WHERE number = ?3) \
                   AND NOT EXISTS (SELECT 1 FROM renumbering WHERE number = ?3) \
                   ON CONFLICT (subject) DO UPDATE SET salt = excluded.salt";
        let keep = sqlx::query(sql)
            .bind(subject.as_bytes().as_slice())
            .bind(salt.as_slice())
            .bind(number.compact());
        Ok(self.db.write("keep_number_salt", keep).await? > 0)
    }

    async fn begin_numbered(&self, begun: &BeginningEnrolment) -> Result<bool> {
        let mut tx = self.db.begin("begin_numbered").await?;
        let ended = self.ended.write(&mut tx).await?;
        let is_free = enrolment::begin_numbered(&mut tx, begun).await?;
        tx.commit().await?;
        self.ended.forget(&ended);
        Ok(is_free)
    }

    async fn number_salt(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>> {
        let salt: Option<Vec<u8>> = sqlx::query_scalar("SELECT salt FROM number_salt WHERE subject = ?1")
            .bind(subject.as_bytes().as_slice())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(salt.map(|salt| array(&salt, "number salt")).transpose()?)
    }
}

/// `false` if this very order is kept already.
async fn keep(tx: &mut SqliteConnection, access: &OfficialAccess) -> Answer<bool> {
    let sql = "INSERT INTO official_access (id, authority, compact_order, salt, created_at, expires_at, \
               notice_after, status) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'requested') ON CONFLICT DO NOTHING";
    let kept = sqlx::query(sql)
        .bind(access.id.as_str())
        .bind(access.authority.as_str())
        .bind(&access.order)
        .bind(access.salt.as_slice())
        .bind(seconds(access.created_at))
        .bind(seconds(access.expires_at))
        .bind(seconds(access.notice_after))
        .execute(tx)
        .await?;
    Ok(kept.rows_affected() > 0)
}

/// Takes the step with all that belongs to it. What it wrote is kept only if the answer is `Now`.
async fn take(tx: &mut SqliteConnection, step: &OfficialStep<'_>) -> Answer<Stepped> {
    let sql = "UPDATE official_access SET status = ?3, countersignature = coalesce(?4, countersignature), \
               subject = coalesce(?5, subject), refusal = ?6 WHERE id = ?1 AND status = ?2";
    let (countersignature, subject, refusal) = match step.to {
        Turn::Countersigned(compact) => (Some(compact), None, None),
        Turn::Intended(subject) => (None, Some(subject.as_bytes().as_slice()), None),
        Turn::Delivered | Turn::Presumed => (None, None, None),
        Turn::Refused(refusal) => (None, None, Some(refusal.as_str())),
    };
    let moved = sqlx::query(sql)
        .bind(step.id.as_str())
        .bind(step.from.as_str())
        .bind(step.to.status().as_str())
        .bind(countersignature)
        .bind(subject)
        .bind(refusal)
        .execute(&mut *tx)
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(Stepped::Elsewhere);
    }
    if let Some(uses) = step.uses
        && !use_up(tx, uses).await?
    {
        return Ok(Stepped::Replayed);
    }
    if let Some(leaf) = step.leaf {
        record_leaf(tx, step.id, leaf).await?;
    }
    Ok(Stepped::Now)
}

/// Promises a leaf, as the next of an official access's life.
async fn record_leaf(tx: &mut SqliteConnection, id: &OfficialAccessId, leaf: &PromisedLeaf) -> Answer<()> {
    promise(tx, leaf).await?;
    sqlx::query("INSERT INTO official_leaf (access, leaf) VALUES (?1, ?2)")
        .bind(id.as_str())
        .bind(leaf.id.as_str())
        .execute(tx)
        .await?;
    Ok(())
}
