//! The vault's database.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_storage::erasure::Erasures;
use cyberid_storage::key_holder::{
    BoundDevice, ConsentUse, DeviceBinding, KeyHolderStore, RememberedCheckpoint, Used,
};
use cyberid_storage::seals::{ResealedShare, SealedShare, ShareRow, ShareSeals};
use cyberid_storage::vault::{VaultField, VaultStore};
use cyberid_storage::{Result, Synchronous};
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::key_holder::{self, Bound, Made};
use crate::open::OpenError;
use crate::reindex;
use crate::seals::VAULT;
use crate::value::seconds;

const SUBJECTS: &str = "SELECT subject FROM (SELECT subject FROM record UNION SELECT subject FROM reservation) \
                        WHERE subject > ?1 ORDER BY subject LIMIT ?2";

/// The vault's database: encrypted fields, the vault's shares, and the keyed blind index.
#[derive(Clone)]
pub struct VaultDb {
    db: Database,
    erasures: Option<Arc<dyn Erasures>>,
}

impl VaultDb {
    /// Opens the file, and makes it if it is missing.
    pub async fn open(path: impl AsRef<Path>) -> std::result::Result<Self, OpenError> {
        Self::open_with(path, Synchronous::Full).await
    }

    /// The same, saying when what is written is synced.
    pub async fn open_with(
        path: impl AsRef<Path>,
        synchronous: Synchronous,
    ) -> std::result::Result<Self, OpenError> {
        let migrations = sqlx::migrate!("../../migrations/sqlite/vault");
        let db = Database::open(path.as_ref(), synchronous, &migrations).await?;
        Ok(Self { db, erasures: None })
    }

    /// The same, noting apart from it what is erased.
    #[must_use]
    pub fn noting(self, erasures: Arc<dyn Erasures>) -> Self {
        Self {
            erasures: Some(erasures),
            ..self
        }
    }

    /// Writes all that stands in it at one moment into a new file, while it is being read and written.
    pub async fn snapshot(&self, path: impl AsRef<Path>) -> std::result::Result<(), OpenError> {
        self.db.snapshot(path.as_ref()).await
    }

    /// The subjects of which it has a record or a reservation, at most `limit`, in order, from the one after `after`.
    pub async fn subjects(&self, after: Option<&SubjectId>, limit: u32) -> Result<Vec<SubjectId>> {
        Ok(key_holder::subjects(&self.db, SUBJECTS, after, limit).await?)
    }

    /// The devices that are bound, at most `limit`, in order, from the one after `after`.
    pub async fn bound_devices(&self, after: &str, limit: u32) -> Result<Vec<Bound>> {
        Ok(key_holder::bound_devices(&self.db, after, limit).await?)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.db
    }

    /// Ends all connections; the file is then whole without its log.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

#[async_trait]
impl KeyHolderStore for VaultDb {
    async fn device(&self, jkt: &str) -> Result<Option<BoundDevice>> {
        Ok(key_holder::device(&self.db, jkt).await?)
    }

    async fn bind(&self, binding: &DeviceBinding) -> Result<bool> {
        Ok(key_holder::bind(&self.db, binding).await?)
    }

    async fn unbind(&self, subject: &SubjectId, jkt: &str, key: &[u8; 65]) -> Result<()> {
        Ok(key_holder::unbind(&self.db, self.erasures.as_ref(), subject, (jkt, key)).await?)
    }

    async fn remembered(&self) -> Result<Option<RememberedCheckpoint>> {
        Ok(key_holder::remembered(&self.db).await?)
    }

    async fn use_consent(&self, consent: &ConsentUse) -> Result<Used> {
        Ok(key_holder::use_consent(&self.db, consent).await?)
    }

    async fn confirm(&self, subject: &SubjectId) -> Result<bool> {
        Ok(key_holder::confirm(&self.db, subject).await?)
    }

    async fn free(&self, subject: &SubjectId) -> Result<()> {
        let mut tx = self.db.begin("free").await?;
        if !key_holder::is_confirmed(&mut tx, subject).await? {
            key_holder::note(self.erasures.as_ref(), subject).await?;
        }
        key_holder::free(&mut tx, subject).await?;
        free_reservation(&mut tx, subject).await?;
        tx.commit().await?;
        self.db.wipe_log().await;
        Ok(())
    }

    async fn renumber(
        &self,
        subject: &SubjectId,
        number_commitment: &[u8; 32],
        signed_at: UnixTime,
    ) -> Result<bool> {
        Ok(key_holder::renumber(&self.db, subject, number_commitment, signed_at).await?)
    }

    async fn erase(&self, subject: &SubjectId) -> Result<()> {
        let mut tx = self.db.begin("erase").await?;
        key_holder::note(self.erasures.as_ref(), subject).await?;
        retire_tag(&mut tx, subject).await?;
        key_holder::erase(&mut tx, subject).await?;
        remove_reservation(&mut tx, subject).await?;
        tx.commit().await?;
        self.db.wipe_log().await;
        Ok(())
    }
}

#[async_trait]
impl ShareSeals for VaultDb {
    async fn seal_keys(&self) -> Result<Vec<[u8; 32]>> {
        Ok(VAULT.seal_keys(&self.db).await?)
    }

    async fn sealed_to(&self, key: &[u8; 32]) -> Result<u64> {
        Ok(VAULT.sealed_to(&self.db, key).await?)
    }

    async fn next_sealed_to(
        &self,
        key: &[u8; 32],
        after: Option<ShareRow>,
        limit: u32,
    ) -> Result<Vec<SealedShare>> {
        Ok(VAULT.next_sealed_to(&self.db, key, after, limit).await?)
    }

    async fn reseal(&self, shares: &[ResealedShare]) -> Result<u64> {
        Ok(VAULT.reseal(&self.db, shares).await?)
    }
}

#[async_trait]
impl VaultStore for VaultDb {
    async fn reserve(&self, tag: &[u8; 32], subject: &SubjectId, now: UnixTime) -> Result<bool> {
        let mut tx = self.db.begin("reserve").await?;
        keep_reservation(&mut tx, tag, subject, now).await?;
        let reserved = holds_reservation(&mut tx, tag, subject).await?;
        tx.commit().await?;
        Ok(reserved)
    }

    async fn deposit(&self, device: &BoundDevice, jkt: &str, fields: &[VaultField]) -> Result<bool> {
        let mut tx = self.db.begin("deposit").await?;
        if !has_reserved(&mut tx, &device.subject).await? {
            return Ok(false);
        }
        let kept = keep_record(&mut tx, (device, jkt), fields).await?;
        if kept {
            tx.commit().await?;
        }
        Ok(kept)
    }

    async fn deposit_reserving(
        &self,
        tag: &[u8; 32],
        now: UnixTime,
        device: (&BoundDevice, &str),
        fields: &[VaultField],
    ) -> Result<bool> {
        let subject = &device.0.subject;
        let mut tx = self.db.begin("deposit_reserving").await?;
        keep_reservation(&mut tx, tag, subject, now).await?;
        let kept =
            holds_reservation(&mut tx, tag, subject).await? && keep_record(&mut tx, device, fields).await?;
        if kept {
            tx.commit().await?;
        }
        Ok(kept)
    }

    async fn cool_off(&self, today: UnixTime, before: UnixTime) -> Result<u64> {
        let mut tx = self.db.begin("cool_off").await?;
        sqlx::query("UPDATE cooling_off SET since = ?1 WHERE since IS NULL")
            .bind(seconds(today))
            .execute(&mut *tx)
            .await
            .map_err(Fault::from)?;
        let forgotten = sqlx::query("DELETE FROM cooling_off WHERE since <= ?1")
            .bind(seconds(before))
            .execute(&mut *tx)
            .await
            .map_err(Fault::from)?
            .rows_affected();
        tx.commit().await?;
        if forgotten > 0 {
            self.db.wipe_log().await;
        }
        Ok(forgotten)
    }

    async fn reindex(&self, older: &[[u8; 32]], tag: &[u8; 32]) -> Result<()> {
        Ok(reindex::reindex(&self.db, older, tag).await?)
    }

    async fn fields(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>> {
        let mut reader = self.db.reader().await?;
        let kept = all_fields(&mut reader, subject).await?;
        let asked = |field: &Field| kept.iter().find(|kept| kept.field == *field).cloned();
        Ok(fields.iter().filter_map(asked).collect())
    }
}

async fn keep_reservation(
    tx: &mut SqliteConnection,
    tag: &[u8; 32],
    subject: &SubjectId,
    now: UnixTime,
) -> Answer<()> {
    let sql = "INSERT INTO reservation (tag, subject, reserved_at) SELECT ?1, ?2, ?3 \
               WHERE NOT EXISTS (SELECT 1 FROM cooling_off WHERE tag = ?1) ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(tag.as_slice())
        .bind(subject.as_bytes().as_slice())
        .bind(seconds(now))
        .execute(tx)
        .await?;
    Ok(())
}

async fn holds_reservation(tx: &mut SqliteConnection, tag: &[u8; 32], subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM reservation WHERE tag = ?1 AND subject = ?2)";
    Ok(sqlx::query_scalar(sql)
        .bind(tag.as_slice())
        .bind(subject.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

async fn has_reserved(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM reservation WHERE subject = ?1)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

async fn free_reservation(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    let sql = "DELETE FROM reservation WHERE subject = ?1 \
               AND NOT EXISTS (SELECT 1 FROM record WHERE subject = ?1)";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// The tag of a confirmed record cools off; an enrolment that came to nothing bars nobody.
async fn retire_tag(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    let sql = "INSERT INTO cooling_off (tag) SELECT tag FROM reservation JOIN record USING (subject) \
               WHERE subject = ?1 AND confirmed ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

async fn remove_reservation(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    sqlx::query("DELETE FROM reservation WHERE subject = ?1")
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// `false` if there is another record of the subject or of the device.
async fn keep_record(
    tx: &mut SqliteConnection,
    (device, jkt): (&BoundDevice, &str),
    fields: &[VaultField],
) -> Answer<bool> {
    let subject = &device.subject;
    match key_holder::make_record(&mut *tx, device, jkt).await? {
        Made::Now => {}
        Made::Before => return Ok(all_fields(tx, subject).await? == sorted(fields)),
        Made::Otherwise => return Ok(false),
    }
    for field in fields {
        keep_field(&mut *tx, subject, field).await?;
    }
    Ok(true)
}

async fn keep_field(tx: &mut SqliteConnection, subject: &SubjectId, field: &VaultField) -> Answer<()> {
    let sql = "INSERT INTO field (subject, name, ciphertext, share) VALUES (?1, ?2, ?3, ?4)";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(field.field.as_str())
        .bind(field.ciphertext.as_slice())
        .bind(field.share.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// The fields of a record, sorted.
async fn all_fields(connection: &mut SqliteConnection, subject: &SubjectId) -> Answer<Vec<VaultField>> {
    let sql = "SELECT name, ciphertext, share FROM field WHERE subject = ?1";
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(connection)
        .await?;
    let fields: Answer<Vec<VaultField>> = rows
        .into_iter()
        .map(|(name, ciphertext, share)| {
            let field = Field::named(&name).ok_or(Fault::Corrupt("field"))?;
            Ok(VaultField {
                field,
                ciphertext,
                share,
            })
        })
        .collect();
    Ok(sorted(&fields?))
}

fn sorted(fields: &[VaultField]) -> Vec<VaultField> {
    let mut sorted = fields.to_vec();
    sorted.sort_by_key(|field| field.field);
    sorted
}
