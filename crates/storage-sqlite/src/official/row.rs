//! An official access as it is read: one statement, so that what it says belongs together.

use cyberid_domain::id::{OfficialAccessId, SubjectId};
use cyberid_domain::official::{OfficialRefusal, OfficialStatus};
use cyberid_storage::official::OfficialAccess;
use cyberid_storage::release::ReleaseLeaf;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::value::{array, moment, parsed};

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, authority, compact_order, countersignature, salt, created_at, expires_at, notice_after, ",
            "status, subject, refusal, ",
            "(SELECT json_group_array(json_array(promise.id, promise.body) ORDER BY official_leaf.place) ",
            "FROM official_leaf JOIN promise ON promise.id = official_leaf.leaf ",
            "WHERE official_leaf.access = official_access.id) AS leaves ",
            "FROM official_access ",
            $tail
        )
    };
}

pub(super) async fn by_id(db: &Database, id: &OfficialAccessId) -> Answer<Option<OfficialAccess>> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE id = ?1"))
        .bind(id.as_str())
        .fetch_optional(db.readers())
        .await?;
    row.map(Row::read).transpose()
}

pub(super) async fn of_subject(db: &Database, subject: &SubjectId) -> Answer<Vec<OfficialAccess>> {
    let rows: Vec<Row> = sqlx::query_as(select!("WHERE subject = ?1 ORDER BY created_at, place"))
        .bind(subject.as_bytes().as_slice())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter().map(Row::read).collect()
}

pub(super) async fn in_status(db: &Database, status: OfficialStatus) -> Answer<Vec<OfficialAccess>> {
    let rows: Vec<Row> = sqlx::query_as(select!("WHERE status = ?1 ORDER BY created_at, place"))
        .bind(status.as_str())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    authority: String,
    compact_order: String,
    countersignature: Option<String>,
    salt: Vec<u8>,
    created_at: i64,
    expires_at: i64,
    notice_after: i64,
    status: String,
    subject: Option<Vec<u8>>,
    refusal: Option<String>,
    leaves: String,
}

impl Row {
    fn read(self) -> Answer<OfficialAccess> {
        let subject = self.subject.map(|subject| array(&subject, "subject"));
        let refusal = self
            .refusal
            .map(|name| OfficialRefusal::named(&name).ok_or(Fault::Corrupt("official refusal")));
        Ok(OfficialAccess {
            id: parsed(&self.id, "official access id")?,
            authority: parsed(&self.authority, "client id")?,
            order: self.compact_order,
            countersignature: self.countersignature,
            salt: array(&self.salt, "salt")?,
            created_at: moment(self.created_at)?,
            expires_at: moment(self.expires_at)?,
            notice_after: moment(self.notice_after)?,
            status: OfficialStatus::named(&self.status).ok_or(Fault::Corrupt("official status"))?,
            subject: subject.transpose()?.map(SubjectId::from_bytes),
            refusal: refusal.transpose()?,
            leaves: leaves(&self.leaves)?,
        })
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
