//! Releases of plaintext: from the request over the consent to the erasure.

mod row;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ConsentId, ReleaseId, SubjectId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_storage::Result;
use cyberid_storage::event::NewEvent;
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::release::{Grant, OwedErasure, Release, Releases, Step, Stepped};
use cyberid_storage::single_use::SingleUse;
use sqlx::SqliteConnection;

use crate::cancellation;
use crate::event::tell;
use crate::fault::{Answer, Fault};
use crate::promise::promise;
use crate::registry::RegistryDb;
use crate::single_use::use_up;
use crate::value::{list, moment, parsed, seconds};

#[async_trait]
impl Releases for RegistryDb {
    async fn request(&self, release: &Release) -> Result<()> {
        let sql = "INSERT INTO release \
                   (id, client_id, sub, purpose, fields, nonce, created_at, expires_at, status) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'requested') ON CONFLICT DO NOTHING";
        let request = sqlx::query(sql)
            .bind(release.id.as_str())
            .bind(release.client_id.as_str())
            .bind(&release.sub)
            .bind(&release.purpose)
            .bind(list(release.fields.iter().map(|field| field.as_str())))
            .bind(release.nonce.as_str())
            .bind(seconds(release.created_at))
            .bind(seconds(release.expires_at));
        self.db.write("request", request).await?;
        Ok(())
    }

    async fn release(&self, id: &ReleaseId) -> Result<Option<Release>> {
        Ok(row::by_id(&self.db, id).await?)
    }

    async fn keep_request_object(&self, id: &ReleaseId, locale: &str, compact: &str) -> Result<String> {
        let mut tx = self.db.begin("keep_request_object").await?;
        let kept = keep_request_object(&mut tx, id, locale, compact).await?;
        tx.commit().await?;
        Ok(kept)
    }

    async fn request_objects(&self, id: &ReleaseId) -> Result<Vec<String>> {
        let objects = sqlx::query_scalar("SELECT compact FROM request_object WHERE release = ?1")
            .bind(id.as_str())
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(objects)
    }

    async fn by_consent(&self, id: &ConsentId) -> Result<Option<Release>> {
        Ok(row::by_consent(&self.db, id).await?)
    }

    async fn of_subject(&self, subject: &SubjectId) -> Result<Vec<Release>> {
        Ok(row::of_subject(&self.db, subject).await?)
    }

    async fn grant(
        &self,
        id: &ReleaseId,
        grant: &Grant,
        leaf: &PromisedLeaf,
        uses: &SingleUse,
    ) -> Result<Stepped> {
        let step = Step {
            id,
            from: ReleaseStatus::Requested,
            to: ReleaseStatus::Granted,
            leaf: Some(leaf),
            event: None,
            uses: Some(uses),
        };
        let mut tx = self.db.begin("grant").await?;
        if cancellation::is_begun(&mut tx, &grant.subject).await? {
            return Ok(Stepped::Elsewhere);
        }
        let stepped = take(&mut tx, &step).await?;
        if stepped != Stepped::Now {
            return Ok(stepped);
        }
        if !keep_grant(&mut tx, id, grant).await? {
            return Ok(Stepped::Replayed);
        }
        tx.commit().await?;
        Ok(Stepped::Now)
    }

    async fn step(&self, step: &Step<'_>) -> Result<Stepped> {
        let mut tx = self.db.begin("step").await?;
        let stepped = take(&mut tx, step).await?;
        if stepped == Stepped::Now {
            tx.commit().await?;
        }
        Ok(stepped)
    }

    async fn withdraw_delivered(&self, step: &Step<'_>, erase_by: UnixTime) -> Result<Stepped> {
        let mut tx = self.db.begin("withdraw_delivered").await?;
        let stepped = take(&mut tx, step).await?;
        if stepped == Stepped::Now {
            owe_erasure(&mut tx, step.id, erase_by).await?;
            tx.commit().await?;
        }
        Ok(stepped)
    }

    async fn confirm_erasure(&self, id: &ReleaseId, leaf: &PromisedLeaf) -> Result<bool> {
        let sql = "UPDATE erasure SET confirmed = ?2 WHERE release = ?1 AND confirmed IS NULL";
        let mut tx = self.db.begin("confirm_erasure").await?;
        record_leaf(&mut tx, id, leaf).await?;
        if !record_erasure(&mut tx, sql, id, leaf).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn overdue_erasures(&self, now: UnixTime) -> Result<Vec<OwedErasure>> {
        let sql = "SELECT release.id, release.client_id, erase_by \
                   FROM erasure JOIN release ON release.id = erasure.release \
                   WHERE overdue IS NULL AND confirmed IS NULL AND erase_by < ?1 ORDER BY erase_by";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql)
            .bind(seconds(now))
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let owed: Answer<_> = rows.into_iter().map(owed_erasure).collect();
        Ok(owed?)
    }

    async fn record_overdue(&self, id: &ReleaseId, leaf: &PromisedLeaf, event: &NewEvent) -> Result<bool> {
        let sql = "UPDATE erasure SET overdue = ?2 \
                   WHERE release = ?1 AND overdue IS NULL AND confirmed IS NULL";
        let mut tx = self.db.begin("record_overdue").await?;
        record_leaf(&mut tx, id, leaf).await?;
        if !record_erasure(&mut tx, sql, id, leaf).await? {
            return Ok(false);
        }
        tell(&mut tx, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn in_status(&self, status: ReleaseStatus) -> Result<Vec<Release>> {
        Ok(row::in_status(&self.db, status).await?)
    }
}

/// Returns the one that is kept.
async fn keep_request_object(
    tx: &mut SqliteConnection,
    id: &ReleaseId,
    locale: &str,
    compact: &str,
) -> Answer<String> {
    let sql =
        "INSERT INTO request_object (release, locale, compact) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(id.as_str())
        .bind(locale)
        .bind(compact)
        .execute(&mut *tx)
        .await?;
    let kept = sqlx::query_scalar("SELECT compact FROM request_object WHERE release = ?1 AND locale = ?2");
    Ok(kept.bind(id.as_str()).bind(locale).fetch_one(tx).await?)
}

/// Takes the step with all that belongs to it. What it wrote is kept only if the answer is `Now`.
async fn take(tx: &mut SqliteConnection, step: &Step<'_>) -> Answer<Stepped> {
    let moved = sqlx::query("UPDATE release SET status = ?3 WHERE id = ?1 AND status = ?2")
        .bind(step.id.as_str())
        .bind(step.from.as_str())
        .bind(step.to.as_str())
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
    if let Some(event) = step.event {
        tell(tx, event).await?;
    }
    Ok(Stepped::Now)
}

/// Promises a leaf, as the next of a release's life.
async fn record_leaf(tx: &mut SqliteConnection, id: &ReleaseId, leaf: &PromisedLeaf) -> Answer<()> {
    promise(tx, leaf).await?;
    let sql = "INSERT INTO release_leaf (release, leaf) SELECT id, ?2 FROM release WHERE id = ?1";
    sqlx::query(sql)
        .bind(id.as_str())
        .bind(leaf.id.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

/// Keeps what the holder granted; `false` if a consent of this id was kept before: its holder chose the id.
async fn keep_grant(tx: &mut SqliteConnection, id: &ReleaseId, grant: &Grant) -> Answer<bool> {
    let sql = "INSERT INTO consent \
               (release, consent_id, consent, request_object, subject, device_jkt, salt, redeem_by) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (consent_id) DO NOTHING";
    let kept = sqlx::query(sql)
        .bind(id.as_str())
        .bind(grant.consent_id.as_str())
        .bind(&grant.consent)
        .bind(&grant.request_object)
        .bind(grant.subject.as_bytes().as_slice())
        .bind(&grant.device_jkt)
        .bind(grant.salt.as_slice())
        .bind(seconds(grant.redeem_by))
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE release SET expires_at = ?2 WHERE id = ?1")
        .bind(id.as_str())
        .bind(seconds(grant.redeem_by))
        .execute(tx)
        .await?;
    Ok(kept.rows_affected() > 0)
}

async fn owe_erasure(tx: &mut SqliteConnection, id: &ReleaseId, erase_by: UnixTime) -> Answer<()> {
    sqlx::query("INSERT INTO erasure (release, erase_by) VALUES (?1, ?2)")
        .bind(id.as_str())
        .bind(seconds(erase_by))
        .execute(tx)
        .await?;
    Ok(())
}

async fn record_erasure(
    tx: &mut SqliteConnection,
    sql: &'static str,
    id: &ReleaseId,
    leaf: &PromisedLeaf,
) -> Answer<bool> {
    let recorded = sqlx::query(sql)
        .bind(id.as_str())
        .bind(leaf.id.as_str())
        .execute(tx)
        .await?;
    Ok(recorded.rows_affected() > 0)
}

fn owed_erasure((release, client_id, erase_by): (String, String, i64)) -> Answer<OwedErasure> {
    Ok(OwedErasure {
        release: parsed(&release, "release id")?,
        client_id: parsed(&client_id, "client id")?,
        erase_by: moment(erase_by)?,
    })
}
