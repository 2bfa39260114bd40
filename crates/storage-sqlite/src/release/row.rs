//! A release as it is read: one statement, so that what it says belongs together.

use cyberid_domain::field::Field;
use cyberid_domain::id::{ConsentId, ReleaseId, SubjectId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_storage::release::{Grant, Release, ReleaseLeaf};

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::value::{array, listed, moment, parsed};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT release.id, release.client_id, release.sub, release.purpose, release.fields, release.nonce, ",
            "release.created_at, release.expires_at, release.status, consent.consent_id, consent.consent, ",
            "consent.request_object, consent.subject, consent.device_jkt, consent.salt, consent.redeem_by, ",
            "(SELECT json_group_array(json_array(promise.id, promise.body) ORDER BY release_leaf.place) ",
            "FROM release_leaf JOIN promise ON promise.id = release_leaf.leaf ",
            "WHERE release_leaf.release = release.id) AS leaves ",
            "FROM release LEFT JOIN consent ON consent.release = release.id ",
            $tail
        )
    };
}

pub(super) async fn by_id(db: &Database, id: &ReleaseId) -> Answer<Option<Release>> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE release.id = ?1"))
        .bind(id.as_str())
        .fetch_optional(db.readers())
        .await?;
    row.map(Row::read).transpose()
}

pub(super) async fn by_consent(db: &Database, id: &ConsentId) -> Answer<Option<Release>> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE consent.consent_id = ?1"))
        .bind(id.as_str())
        .fetch_optional(db.readers())
        .await?;
    row.map(Row::read).transpose()
}

pub(super) async fn of_subject(db: &Database, subject: &SubjectId) -> Answer<Vec<Release>> {
    let sql = select!("WHERE consent.subject = ?1 ORDER BY release.created_at, release.place");
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter().map(Row::read).collect()
}

pub(super) async fn in_status(db: &Database, status: ReleaseStatus) -> Answer<Vec<Release>> {
    let sql = select!("WHERE release.status = ?1 ORDER BY release.created_at, release.place");
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(status.as_str())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    client_id: String,
    sub: String,
    purpose: String,
    fields: String,
    nonce: String,
    created_at: i64,
    expires_at: i64,
    status: String,
    #[sqlx(flatten)]
    grant: GrantRow,
    leaves: String,
}

/// All of it is there, or nothing.
#[derive(sqlx::FromRow)]
struct GrantRow {
    consent_id: Option<String>,
    consent: Option<String>,
    request_object: Option<String>,
    subject: Option<Vec<u8>>,
    device_jkt: Option<String>,
    salt: Option<Vec<u8>>,
    redeem_by: Option<i64>,
}

impl Row {
    fn read(self) -> Answer<Release> {
        Ok(Release {
            id: parsed(&self.id, "release id")?,
            client_id: parsed(&self.client_id, "client id")?,
            sub: self.sub,
            purpose: self.purpose,
            fields: listed(&self.fields, "field", Field::named)?,
            nonce: parsed(&self.nonce, "nonce")?,
            created_at: moment(self.created_at)?,
            expires_at: moment(self.expires_at)?,
            status: ReleaseStatus::named(&self.status).ok_or(Fault::Corrupt("release status"))?,
            grant: self.grant.read()?,
            leaves: leaves(&self.leaves)?,
        })
    }
}

impl GrantRow {
    fn read(self) -> Answer<Option<Grant>> {
        let Some(consent_id) = self.consent_id else {
            return Ok(None);
        };
        let missing = Fault::Corrupt("grant");
        let (
            Some(consent),
            Some(request_object),
            Some(subject),
            Some(device_jkt),
            Some(salt),
            Some(redeem_by),
        ) = (
            self.consent,
            self.request_object,
            self.subject,
            self.device_jkt,
            self.salt,
            self.redeem_by,
        )
        else {
            return Err(missing);
        };
        Ok(Some(Grant {
            consent_id: parsed(&consent_id, "consent id")?,
            consent,
            request_object,
            subject: SubjectId::from_bytes(array(&subject, "subject")?),
            device_jkt,
            salt: array(&salt, "salt")?,
            redeem_by: moment(redeem_by)?,
        }))
    }
}

fn leaves(text: &str) -> Answer<Vec<ReleaseLeaf>> {
    let leaves: Vec<(String, String)> = serde_json::from_str(text).map_err(|_| Fault::Corrupt("leaf"))?;
    leaves
        .into_iter()
        .map(|(id, body)| {
            let id = parsed(&id, "leaf id")?;
            Ok(ReleaseLeaf { id, body })
        })
        .collect()
}
