//! What vault and custodian both keep, the same in both databases.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_storage::erasure::Erasures;
use cyberid_storage::key_holder::{BoundDevice, ConsentUse, DeviceBinding, RememberedCheckpoint, Used};
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::value::{array, count, integer, moment, seconds};

pub(crate) async fn device(db: &Database, jkt: &str) -> Answer<Option<BoundDevice>> {
    let sql = "SELECT subject, key, release_from, number_commitment FROM device JOIN record USING (subject) \
               WHERE jkt = ?1 AND confirmed AND NOT unbound";
    let row: Option<DeviceRow> = sqlx::query_as(sql).bind(jkt).fetch_optional(db.readers()).await?;
    row.map(DeviceRow::read).transpose()
}

/// `false` if there is no such record, or the key is another record's or was unbound.
pub(crate) async fn bind(db: &Database, binding: &DeviceBinding) -> Answer<bool> {
    let (subject, key) = (binding.subject.as_bytes().as_slice(), binding.key.as_slice());
    let mut tx = db.begin("bind").await?;
    let sql = "INSERT INTO device (jkt, subject, key, release_from) SELECT ?1, subject, ?3, ?4 FROM record \
               WHERE subject = ?2 AND confirmed ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(&binding.jkt)
        .bind(subject)
        .bind(key)
        .bind(seconds(binding.release_from))
        .execute(&mut *tx)
        .await?;
    let sql = "SELECT EXISTS (SELECT 1 FROM device JOIN record USING (subject) \
               WHERE jkt = ?1 AND subject = ?2 AND key = ?3 AND confirmed AND NOT unbound)";
    let bound = sqlx::query_scalar(sql)
        .bind(&binding.jkt)
        .bind(subject)
        .bind(key)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(bound)
}

/// Unbinds for good, whether it was bound or not, and notes it first where that is kept.
pub(crate) async fn unbind(
    db: &Database,
    erasures: Option<&Arc<dyn Erasures>>,
    subject: &SubjectId,
    (jkt, key): (&str, &[u8; 65]),
) -> Answer<()> {
    let mut tx = db.begin("unbind").await?;
    if is_unbound(&mut tx, subject, jkt).await? {
        return Ok(());
    }
    let (whose, device) = (*subject, jkt.to_owned());
    noting(erasures, move |erasures| erasures.note_unbound(&whose, &device)).await?;
    let sql = "INSERT INTO device (jkt, subject, key, unbound) SELECT ?1, subject, ?3, 1 FROM record \
               WHERE subject = ?2 ON CONFLICT (jkt) DO UPDATE SET unbound = 1 WHERE subject = excluded.subject";
    sqlx::query(sql)
        .bind(jkt)
        .bind(subject.as_bytes().as_slice())
        .bind(key.as_slice())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn is_unbound(tx: &mut SqliteConnection, subject: &SubjectId, jkt: &str) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE jkt = ?1 AND subject = ?2 AND unbound)";
    let unbound = sqlx::query_scalar(sql)
        .bind(jkt)
        .bind(subject.as_bytes().as_slice());
    Ok(unbound.fetch_one(tx).await?)
}

/// A device key that is bound to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The key's thumbprint.
    pub jkt: String,
    /// The record.
    pub subject: SubjectId,
    /// The key: `04 || x || y`.
    pub key: [u8; 65],
}

/// The devices that are bound, at most so many, in order, from the one after `after`.
pub(crate) async fn bound_devices(db: &Database, after: &str, limit: u32) -> Answer<Vec<Bound>> {
    let sql = "SELECT jkt, subject, key FROM device WHERE jkt > ?1 AND NOT unbound ORDER BY jkt LIMIT ?2";
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(db.readers())
        .await?;
    let bound = |(jkt, subject, key): (String, Vec<u8>, Vec<u8>)| {
        Ok(Bound {
            jkt,
            subject: SubjectId::from_bytes(array(&subject, "subject")?),
            key: array(&key, "device key")?,
        })
    };
    rows.into_iter().map(bound).collect()
}

/// `false` if there is no such record, or a later word changed it.
pub(crate) async fn renumber(
    db: &Database,
    subject: &SubjectId,
    number_commitment: &[u8; 32],
    signed_at: UnixTime,
) -> Answer<bool> {
    let sql = "UPDATE record SET number_commitment = ?2, numbered_at = ?3 WHERE subject = ?1 AND confirmed \
               AND (coalesce(numbered_at, 0) < ?3 OR (number_commitment = ?2 AND numbered_at = ?3))";
    let renumber = sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(number_commitment.as_slice())
        .bind(seconds(signed_at));
    Ok(db.write("renumber", renumber).await? > 0)
}

pub(crate) async fn remembered(db: &Database) -> Answer<Option<RememberedCheckpoint>> {
    let mut reader = db.reader().await?;
    remembered_in(&mut reader).await
}

pub(crate) async fn use_consent(db: &Database, consent: &ConsentUse) -> Answer<Used> {
    let mut tx = db.begin("use_consent").await?;
    let before = used_for(&mut tx, &consent.consent_sha256).await?;
    if before.as_ref().is_some_and(|leaf| *leaf != consent.leaf_sha256) {
        return Ok(Used::ForAnotherLeaf);
    }
    let remembered = remembered_in(&mut tx).await?;
    if remembered.is_some_and(|remembered| overtakes(&remembered, &consent.checkpoint)) {
        return Ok(Used::Overtaken);
    }
    remember(&mut tx, &consent.checkpoint).await?;
    let used = if before.is_some() {
        Used::Again
    } else {
        Used::First
    };
    if used == Used::First {
        keep_use(&mut tx, consent).await?;
    }
    tx.commit().await?;
    Ok(used)
}

/// `false` if there is no record; again is fine.
pub(crate) async fn confirm(db: &Database, subject: &SubjectId) -> Answer<bool> {
    let confirm =
        sqlx::query("UPDATE record SET confirmed = 1 WHERE subject = ?1").bind(subject.as_bytes().as_slice());
    Ok(db.write("confirm", confirm).await? > 0)
}

/// Removes an unconfirmed record with all that refers to it.
pub(crate) async fn free(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    sqlx::query("DELETE FROM record WHERE subject = ?1 AND NOT confirmed")
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes a record with all that refers to it.
pub(crate) async fn erase(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    sqlx::query("DELETE FROM record WHERE subject = ?1")
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether there is a record that freeing leaves as it is.
pub(crate) async fn is_confirmed(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM record WHERE subject = ?1 AND confirmed)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

/// Notes an erasure apart from the store, where that is kept.
pub(crate) async fn note(erasures: Option<&Arc<dyn Erasures>>, subject: &SubjectId) -> Answer<()> {
    let subject = *subject;
    noting(erasures, move |erasures| erasures.note(&subject)).await
}

async fn noting(
    erasures: Option<&Arc<dyn Erasures>>,
    note: impl FnOnce(&dyn Erasures) -> std::io::Result<()> + Send + 'static,
) -> Answer<()> {
    let Some(erasures) = erasures.map(Arc::clone) else {
        return Ok(());
    };
    let noted = tokio::task::spawn_blocking(move || note(&*erasures)).await;
    let noted = noted.map_err(std::io::Error::other).flatten();
    noted.map_err(|error| Fault::Sql(sqlx::Error::Io(error)))
}

/// The subjects that `sql` finds after one, at most so many.
pub(crate) async fn subjects(
    db: &Database,
    sql: &'static str,
    after: Option<&SubjectId>,
    limit: u32,
) -> Answer<Vec<SubjectId>> {
    let after = after
        .map(|subject| subject.as_bytes().to_vec())
        .unwrap_or_default();
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(sql)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(db.readers())
        .await?;
    let subject = |row: &Vec<u8>| Ok(SubjectId::from_bytes(array(row, "subject")?));
    rows.iter().map(subject).collect()
}

/// Whether a record was made for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is new, without anything in it.
    Now,
    /// It was there, unconfirmed and of the same device.
    Before,
    /// It is confirmed, or of another device, or the device opens another record: nothing was written.
    Otherwise,
}

/// Makes an unconfirmed record for the device.
pub(crate) async fn make_record(tx: &mut SqliteConnection, device: &BoundDevice, jkt: &str) -> Answer<Made> {
    let subject = device.subject.as_bytes().as_slice();
    let commitment = device.number_commitment.as_ref().map(<[u8; 32]>::as_slice);
    let sql = "SELECT subject = ?1 AND jkt = ?2 AND key = ?3 AND number_commitment IS ?4 AND NOT confirmed \
               FROM device JOIN record USING (subject) WHERE subject = ?1 OR jkt = ?2";
    let same: Vec<bool> = sqlx::query_scalar(sql)
        .bind(subject)
        .bind(jkt)
        .bind(device.key.as_slice())
        .bind(commitment)
        .fetch_all(&mut *tx)
        .await?;
    if !same.is_empty() {
        let same = same.iter().all(|same| *same);
        return Ok(if same { Made::Before } else { Made::Otherwise });
    }
    sqlx::query("INSERT INTO record (subject, number_commitment) VALUES (?1, ?2)")
        .bind(subject)
        .bind(commitment)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO device (jkt, subject, key) VALUES (?1, ?2, ?3)")
        .bind(jkt)
        .bind(subject)
        .bind(device.key.as_slice())
        .execute(tx)
        .await?;
    Ok(Made::Now)
}

#[derive(sqlx::FromRow)]
struct DeviceRow {
    subject: Vec<u8>,
    key: Vec<u8>,
    release_from: i64,
    number_commitment: Option<Vec<u8>>,
}

impl DeviceRow {
    fn read(self) -> Answer<BoundDevice> {
        let commitment = self.number_commitment;
        let commitment = commitment.map(|commitment| array(&commitment, "number commitment"));
        Ok(BoundDevice {
            subject: SubjectId::from_bytes(array(&self.subject, "subject")?),
            key: array(&self.key, "device key")?,
            release_from: moment(self.release_from)?,
            number_commitment: commitment.transpose()?,
        })
    }
}

async fn used_for(tx: &mut SqliteConnection, consent_sha256: &str) -> Answer<Option<String>> {
    let sql = "SELECT leaf_sha256 FROM consent_use WHERE consent_sha256 = ?1";
    Ok(sqlx::query_scalar(sql)
        .bind(consent_sha256)
        .fetch_optional(tx)
        .await?)
}

async fn remembered_in(connection: &mut SqliteConnection) -> Answer<Option<RememberedCheckpoint>> {
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT size, root FROM remembered")
        .fetch_optional(connection)
        .await?;
    row.map(|(size, root)| {
        Ok(RememberedCheckpoint {
            size: count(size, "size")?,
            root: array(&root, "root")?,
        })
    })
    .transpose()
}

/// Another root of the same size is a fork: whoever checks again will see it.
fn overtakes(remembered: &RememberedCheckpoint, checkpoint: &RememberedCheckpoint) -> bool {
    remembered.size > checkpoint.size
        || (remembered.size == checkpoint.size && remembered.root != checkpoint.root)
}

async fn remember(tx: &mut SqliteConnection, checkpoint: &RememberedCheckpoint) -> Answer<()> {
    let sql = "INSERT INTO remembered (one, size, root) VALUES (1, ?1, ?2) \
               ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root \
               WHERE excluded.size > size";
    sqlx::query(sql)
        .bind(integer(checkpoint.size)?)
        .bind(checkpoint.root.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

async fn keep_use(tx: &mut SqliteConnection, consent: &ConsentUse) -> Answer<()> {
    let sql = "INSERT INTO consent_use (consent_sha256, leaf_sha256, used_at) VALUES (?1, ?2, ?3)";
    sqlx::query(sql)
        .bind(&consent.consent_sha256)
        .bind(&consent.leaf_sha256)
        .bind(seconds(consent.time))
        .execute(tx)
        .await?;
    Ok(())
}
