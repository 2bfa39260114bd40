//! Fresh network numbers: drawn, signed for, and put in the place of the old one.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::life::{Renumbering, Renumberings};
use sqlx::SqliteConnection;

use super::read_subject;
use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, moment, parsed, seconds};

const COLUMNS: &str = "SELECT subject, number, salt, drawn_at, message FROM renumbering";

/// One row of a drawn number.
type Row = (Vec<u8>, String, Vec<u8>, i64, Option<String>);

#[async_trait]
impl Renumberings for RegistryDb {
    async fn draw_number(&self, renumbering: &Renumbering) -> Result<bool> {
        let sql = "INSERT INTO renumbering (subject, number, salt, drawn_at) SELECT ?1, ?2, ?3, ?4 \
                   WHERE NOT EXISTS (SELECT 1 FROM subject WHERE number = ?2) \
                   AND NOT EXISTS (SELECT 1 FROM retired_number WHERE number = ?2) \
                   AND NOT EXISTS (SELECT 1 FROM renumbering WHERE number = ?2 AND subject <> ?1) \
                   ON CONFLICT (subject) DO UPDATE SET number = excluded.number, salt = excluded.salt, \
                   drawn_at = excluded.drawn_at WHERE message IS NULL";
        let draw = sqlx::query(sql)
            .bind(renumbering.subject.as_bytes().as_slice())
            .bind(renumbering.number.compact())
            .bind(renumbering.salt.as_slice())
            .bind(seconds(renumbering.drawn_at));
        Ok(self.db.write("draw_number", draw).await? > 0)
    }

    async fn renumbering(&self, subject: &SubjectId) -> Result<Option<Renumbering>> {
        let sql = format!("{COLUMNS} WHERE subject = ?1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(subject.as_bytes().as_slice())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(read).transpose()?)
    }

    async fn sign_renumbering(&self, subject: &SubjectId, message: &str) -> Result<bool> {
        let sql = "UPDATE renumbering SET message = ?2 WHERE subject = ?1";
        let sign = sqlx::query(sql).bind(subject.as_bytes().as_slice()).bind(message);
        Ok(self.db.write("sign_renumbering", sign).await? > 0)
    }

    async fn signed_renumberings(&self) -> Result<Vec<Renumbering>> {
        let sql = format!("{COLUMNS} WHERE message IS NOT NULL ORDER BY drawn_at");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let signed: Answer<_> = rows.into_iter().map(read).collect();
        Ok(signed?)
    }

    async fn renumber(&self, subject: &SubjectId, at: UnixTime) -> Result<bool> {
        let mut tx = self.db.begin("renumber").await?;
        if !take_number(&mut tx, subject, at).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn renumbered_at(&self, subject: &SubjectId) -> Result<Option<UnixTime>> {
        let at: Option<i64> = sqlx::query_scalar("SELECT at FROM renumbered WHERE subject = ?1")
            .bind(subject.as_bytes().as_slice())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(at.map(moment).transpose()?)
    }
}

/// What the turn to a fresh number writes, in this order: the number, its salt, when, and that nothing waits any more.
const STEPS: [&str; 3] = [
    "INSERT INTO number_salt (subject, salt) SELECT subject, salt FROM renumbering WHERE subject = ?1 \
     ON CONFLICT (subject) DO UPDATE SET salt = excluded.salt",
    "INSERT INTO renumbered (subject, at) VALUES (?1, ?2) ON CONFLICT (subject) DO UPDATE SET at = excluded.at",
    "DELETE FROM renumbering WHERE subject = ?1",
];

async fn take_number(tx: &mut SqliteConnection, subject: &SubjectId, at: UnixTime) -> Answer<bool> {
    let sql = "UPDATE subject SET number = (SELECT number FROM renumbering WHERE renumbering.subject = ?1) \
               WHERE subject = ?1 AND EXISTS (SELECT 1 FROM renumbering \
               WHERE renumbering.subject = ?1 AND message IS NOT NULL)";
    let taken = sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok(false);
    }
    for step in STEPS {
        sqlx::query(step)
            .bind(subject.as_bytes().as_slice())
            .bind(seconds(at))
            .execute(&mut *tx)
            .await?;
    }
    Ok(true)
}

fn read((subject, number, salt, drawn_at, message): Row) -> Answer<Renumbering> {
    Ok(Renumbering {
        subject: read_subject(&subject)?,
        number: parsed(&number, "network number")?,
        salt: array(&salt, "number salt")?,
        drawn_at: moment(drawn_at)?,
        message,
    })
}
