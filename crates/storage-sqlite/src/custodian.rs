//! The custodian's database.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_storage::custodian::{CustodianShare, CustodianStore};
use cyberid_storage::erasure::Erasures;
use cyberid_storage::key_holder::{
    BoundDevice, ConsentUse, DeviceBinding, KeyHolderStore, RememberedCheckpoint, Used,
};
use cyberid_storage::seals::{ResealedShare, SealedShare, ShareRow, ShareSeals};
use cyberid_storage::{Result, Synchronous};
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::key_holder::{self, Bound, Made};
use crate::open::OpenError;
use crate::seals::CUSTODIAN;
use crate::value::seconds;

const SUBJECTS: &str = "SELECT subject FROM record WHERE subject > ?1 ORDER BY subject LIMIT ?2";

/// The custodian's database: the other half of every key.
#[derive(Clone)]
pub struct CustodianDb {
    db: Database,
    erasures: Option<Arc<dyn Erasures>>,
}

impl CustodianDb {
    /// Opens the file, and makes it if it is missing.
    pub async fn open(path: impl AsRef<Path>) -> std::result::Result<Self, OpenError> {
        Self::open_with(path, Synchronous::Full).await
    }

    /// The same, saying when what is written is synced.
    pub async fn open_with(
        path: impl AsRef<Path>,
        synchronous: Synchronous,
    ) -> std::result::Result<Self, OpenError> {
        let migrations = sqlx::migrate!("../../migrations/sqlite/custodian");
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

    /// The subjects of which it has a record, at most `limit`, in order, from the one after `after`.
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
impl KeyHolderStore for CustodianDb {
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
        key_holder::erase(&mut tx, subject).await?;
        tx.commit().await?;
        self.db.wipe_log().await;
        Ok(())
    }
}

#[async_trait]
impl ShareSeals for CustodianDb {
    async fn seal_keys(&self) -> Result<Vec<[u8; 32]>> {
        Ok(CUSTODIAN.seal_keys(&self.db).await?)
    }

    async fn sealed_to(&self, key: &[u8; 32]) -> Result<u64> {
        Ok(CUSTODIAN.sealed_to(&self.db, key).await?)
    }

    async fn next_sealed_to(
        &self,
        key: &[u8; 32],
        after: Option<ShareRow>,
        limit: u32,
    ) -> Result<Vec<SealedShare>> {
        Ok(CUSTODIAN.next_sealed_to(&self.db, key, after, limit).await?)
    }

    async fn reseal(&self, shares: &[ResealedShare]) -> Result<u64> {
        Ok(CUSTODIAN.reseal(&self.db, shares).await?)
    }
}

#[async_trait]
impl CustodianStore for CustodianDb {
    async fn deposit(
        &self,
        device: &BoundDevice,
        jkt: &str,
        shares: &[CustodianShare],
        now: UnixTime,
    ) -> Result<bool> {
        let mut tx = self.db.begin("deposit").await?;
        match key_holder::make_record(&mut tx, device, jkt).await? {
            Made::Now => {}
            Made::Before => return Ok(all_shares(&mut tx, &device.subject).await? == sorted(shares)),
            Made::Otherwise => return Ok(false),
        }
        keep_time(&mut tx, &device.subject, now).await?;
        for share in shares {
            keep_share(&mut tx, &device.subject, share).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn shares(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<CustodianShare>> {
        let mut reader = self.db.reader().await?;
        let kept = all_shares(&mut reader, subject).await?;
        let asked = |field: &Field| kept.iter().find(|kept| kept.field == *field).cloned();
        Ok(fields.iter().filter_map(asked).collect())
    }
}

async fn keep_time(tx: &mut SqliteConnection, subject: &SubjectId, now: UnixTime) -> Answer<()> {
    let sql = "INSERT INTO deposit (subject, deposited_at) VALUES (?1, ?2)";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(seconds(now))
        .execute(tx)
        .await?;
    Ok(())
}

async fn keep_share(tx: &mut SqliteConnection, subject: &SubjectId, share: &CustodianShare) -> Answer<()> {
    let sql = "INSERT INTO share (subject, field, share) VALUES (?1, ?2, ?3)";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(share.field.as_str())
        .bind(share.share.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// The shares of a record, sorted.
async fn all_shares(connection: &mut SqliteConnection, subject: &SubjectId) -> Answer<Vec<CustodianShare>> {
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as("SELECT field, share FROM share WHERE subject = ?1")
        .bind(subject.as_bytes().as_slice())
        .fetch_all(connection)
        .await?;
    let shares: Answer<Vec<CustodianShare>> = rows
        .into_iter()
        .map(|(name, share)| {
            let field = Field::named(&name).ok_or(Fault::Corrupt("field"))?;
            Ok(CustodianShare { field, share })
        })
        .collect();
    Ok(sorted(&shares?))
}

fn sorted(shares: &[CustodianShare]) -> Vec<CustodianShare> {
    let mut sorted = shares.to_vec();
    sorted.sort_by_key(|share| share.field);
    sorted
}
