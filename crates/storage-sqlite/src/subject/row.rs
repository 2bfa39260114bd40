//! A subject as verification reads it.

use cyberid_domain::age::AgeFlags;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::counter::{KeyUse, Keyed};
use cyberid_storage::subject::{HashedPin, Holder, PinFailures, Subject, SubjectDevice};

use sqlx::AssertSqlSafe;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::value::{array, moment, parsed};

pub(super) async fn by_device(db: &Database, jkt: &str) -> Answer<Option<Subject>> {
    let sql = "SELECT subject.*, jkt, key, bound_at FROM device JOIN subject USING (subject) WHERE jkt = ?1 \
               AND NOT EXISTS (SELECT 1 FROM counter_code WHERE counter_code.jkt = ?1)";
    let row: Option<Row> = sqlx::query_as(sql).bind(jkt).fetch_optional(db.readers()).await?;
    row.map(Row::read).transpose()
}

pub(super) async fn by_key(db: &Database, jkt: &str) -> Answer<Option<Keyed>> {
    let sql = "SELECT subject.*, device.jkt, key, bound_at, counter_code.jkt IS NOT NULL AS code, used_at FROM device \
               JOIN subject USING (subject) LEFT JOIN counter_code ON counter_code.jkt = device.jkt \
               WHERE device.jkt = ?1";
    let row: Option<KeyedRow> = sqlx::query_as(sql).bind(jkt).fetch_optional(db.readers()).await?;
    row.map(KeyedRow::read).transpose()
}

const HOLDERS: &str = "SELECT device.jkt, key, subject.subject, status, age_flags, document_expires_at, \
                       counter_code.jkt IS NOT NULL AS single_use FROM device JOIN subject USING (subject) \
                       LEFT JOIN counter_code ON counter_code.jkt = device.jkt WHERE used_at IS NULL";

pub(super) async fn holder(db: &Database, jkt: &str) -> Answer<Option<Holder>> {
    let sql = format!("{HOLDERS} AND device.jkt = ?1");
    let row: Option<HolderRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(jkt)
        .fetch_optional(db.readers())
        .await?;
    Ok(row.map(HolderRow::read).transpose()?.map(|(_, holder)| holder))
}

pub(super) async fn holders_after(db: &Database, after: &str, limit: u32) -> Answer<Vec<(String, Holder)>> {
    let sql = format!("{HOLDERS} AND device.jkt > ?1 ORDER BY device.jkt LIMIT ?2");
    let rows: Vec<HolderRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(after)
        .bind(limit)
        .fetch_all(db.readers())
        .await?;
    rows.into_iter().map(HolderRow::read).collect()
}

pub(super) async fn person_tag(db: &Database, subject: &SubjectId) -> Answer<Option<[u8; 32]>> {
    let tag: Option<Option<Vec<u8>>> =
        sqlx::query_scalar("SELECT person_tag FROM subject WHERE subject = ?1")
            .bind(subject.as_bytes().as_slice())
            .fetch_optional(db.readers())
            .await?;
    tag.flatten().map(|tag| array(&tag, "person's tag")).transpose()
}

pub(super) async fn devices(db: &Database, subject: &SubjectId) -> Answer<Vec<SubjectDevice>> {
    let sql = "SELECT device.jkt, key, bound_at FROM device LEFT JOIN counter_code USING (jkt) WHERE device.subject = ?1 \
               ORDER BY used_at IS NOT NULL, used_at DESC, bound_at, jkt";
    let rows: Vec<DeviceRow> = sqlx::query_as(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter().map(DeviceRow::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    subject: Vec<u8>,
    number: String,
    status: String,
    age_flags: u8,
    document_expires_at: i64,
    credential_expires_at: i64,
    pin_salt: Vec<u8>,
    pin_memory_kib: u32,
    pin_passes: u32,
    pin_tag: Vec<u8>,
    pin_failures: u32,
    pin_locked_until: Option<i64>,
    #[sqlx(flatten)]
    device: DeviceRow,
}

#[derive(sqlx::FromRow)]
struct KeyedRow {
    #[sqlx(flatten)]
    row: Row,
    code: bool,
    used_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct DeviceRow {
    jkt: String,
    key: Vec<u8>,
    bound_at: i64,
}

#[derive(sqlx::FromRow)]
struct HolderRow {
    jkt: String,
    key: Vec<u8>,
    subject: Vec<u8>,
    status: String,
    age_flags: u8,
    document_expires_at: i64,
    single_use: bool,
}

impl KeyedRow {
    fn read(self) -> Answer<Keyed> {
        let usable = match (self.code, self.used_at) {
            (false, _) => KeyUse::Lasting,
            (true, None) => KeyUse::Unused,
            (true, Some(_)) => KeyUse::Used,
        };
        Ok(Keyed {
            subject: self.row.read()?,
            usable,
        })
    }
}

impl HolderRow {
    fn read(self) -> Answer<(String, Holder)> {
        let holder = Holder {
            subject: SubjectId::from_bytes(array(&self.subject, "subject")?),
            status: SubjectStatus::named(&self.status).ok_or(Fault::Corrupt("subject status"))?,
            age_flags: AgeFlags::from_bits(self.age_flags),
            document_expires_at: moment(self.document_expires_at)?,
            key: array(&self.key, "device key")?,
            single_use: self.single_use,
        };
        Ok((self.jkt, holder))
    }
}

impl Row {
    fn read(self) -> Answer<Subject> {
        Ok(Subject {
            subject: SubjectId::from_bytes(array(&self.subject, "subject")?),
            number: parsed(&self.number, "network number")?,
            status: SubjectStatus::named(&self.status).ok_or(Fault::Corrupt("subject status"))?,
            age_flags: AgeFlags::from_bits(self.age_flags),
            document_expires_at: moment(self.document_expires_at)?,
            credential_expires_at: moment(self.credential_expires_at)?,
            device: self.device.read()?,
            pin: HashedPin {
                salt: array(&self.pin_salt, "salt")?,
                memory_kib: self.pin_memory_kib,
                passes: self.pin_passes,
                tag: array(&self.pin_tag, "PIN")?,
            },
            pin_failures: PinFailures {
                count: self.pin_failures,
                locked_until: self.pin_locked_until.map(moment).transpose()?,
            },
        })
    }
}

impl DeviceRow {
    fn read(self) -> Answer<SubjectDevice> {
        Ok(SubjectDevice {
            key: array(&self.key, "device key")?,
            bound_at: moment(self.bound_at)?,
            jkt: self.jkt,
        })
    }
}
