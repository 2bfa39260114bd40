//! Cancellations: ending an identifier, and erasing what was kept of its person.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::cancellation::{Cancellations, OpenCancellation};
use cyberid_storage::event::NewEvent;
use sqlx::SqliteConnection;

use crate::event::tell;
use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, moment, seconds};

/// What goes of a person, in an order in which nothing refers to what is gone.
const ERASURES: &[&str] = &[
    "UPDATE release SET sub = '' WHERE id IN (SELECT release FROM consent WHERE subject = ?1)",
    "DELETE FROM request_object WHERE release IN (SELECT release FROM consent WHERE subject = ?1)",
    "DELETE FROM consent WHERE subject = ?1",
    "DELETE FROM number_salt WHERE subject = ?1",
    "DELETE FROM renumbering WHERE subject = ?1",
    "DELETE FROM suspension WHERE subject = ?1",
    "DELETE FROM life_leaf WHERE subject = ?1",
    "DELETE FROM passkey WHERE subject = ?1",
    "DELETE FROM age_tag WHERE subject = ?1",
    "UPDATE counter_code SET station = '' WHERE subject = ?1",
    "DELETE FROM device_alert WHERE subject = ?1",
    "INSERT INTO ended_person (tag) SELECT person_tag FROM subject WHERE subject = ?1 AND person_tag IS NOT NULL \
     ON CONFLICT (tag) DO UPDATE SET since = NULL",
    "UPDATE subject SET person_tag = NULL, pin_salt = zeroblob(16), pin_tag = zeroblob(32) WHERE subject = ?1",
];

#[async_trait]
impl Cancellations for RegistryDb {
    async fn begin_cancellation(&self, cancellation: &OpenCancellation) -> Result<bool> {
        let mut tx = self.db.begin("begin_cancellation").await?;
        if is_begun(&mut tx, &cancellation.subject).await? {
            return Ok(true);
        }
        if is_disputed(&mut tx, &cancellation.subject).await? {
            return Ok(false);
        }
        let sql = "INSERT INTO cancellation (subject, message, begun_at) VALUES (?1, ?2, ?3)";
        let begin = sqlx::query(sql)
            .bind(cancellation.subject.as_bytes().as_slice())
            .bind(&cancellation.message)
            .bind(seconds(cancellation.begun_at));
        begin.execute(&mut *tx).await.map_err(Fault::from)?;
        tx.commit().await?;
        Ok(true)
    }

    async fn open_cancellations(&self) -> Result<Vec<OpenCancellation>> {
        let sql =
            "SELECT subject, message, begun_at FROM cancellation WHERE message IS NOT NULL ORDER BY begun_at";
        let rows: Vec<(Vec<u8>, String, i64)> = sqlx::query_as(sql)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let open: Answer<_> = rows.into_iter().map(open_cancellation).collect();
        Ok(open?)
    }

    async fn erase_person(&self, subject: &SubjectId, events: &[NewEvent]) -> Result<bool> {
        let mut tx = self.db.begin("erase_person").await?;
        if !end(&mut tx, subject).await? {
            return Ok(false);
        }
        for sql in ERASURES {
            let erase = sqlx::query(*sql).bind(subject.as_bytes().as_slice());
            erase.execute(&mut *tx).await.map_err(Fault::from)?;
        }
        for event in events {
            tell(&mut tx, event).await?;
        }
        tx.commit().await?;
        self.db.wipe_log().await;
        Ok(true)
    }

    async fn cool_off_people(&self, today: UnixTime, before: UnixTime) -> Result<u64> {
        let mut tx = self.db.begin("cool_off_people").await?;
        let count =
            sqlx::query("UPDATE ended_person SET since = ?1 WHERE since IS NULL").bind(seconds(today));
        let counted = count.execute(&mut *tx).await.map_err(Fault::from)?;
        let forget = sqlx::query("DELETE FROM ended_person WHERE since <= ?1").bind(seconds(before));
        let forgotten = forget.execute(&mut *tx).await.map_err(Fault::from)?;
        if counted.rows_affected() + forgotten.rows_affected() > 0 {
            tx.commit().await?;
        }
        if forgotten.rows_affected() > 0 {
            self.db.wipe_log().await;
        }
        Ok(forgotten.rows_affected())
    }
}

/// Whether a subject's cancellation was taken, done or not.
pub(crate) async fn is_begun(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM cancellation WHERE subject = ?1)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

/// Whether somebody's report that the identifier is theirs is open.
async fn is_disputed(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM person_case WHERE subject = ?1 AND done_at IS NULL)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

/// `false` if none is open.
async fn end(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let ended =
        sqlx::query("UPDATE cancellation SET message = NULL WHERE subject = ?1 AND message IS NOT NULL")
            .bind(subject.as_bytes().as_slice())
            .execute(tx)
            .await?;
    Ok(ended.rows_affected() > 0)
}

fn open_cancellation((subject, message, begun_at): (Vec<u8>, String, i64)) -> Answer<OpenCancellation> {
    Ok(OpenCancellation {
        subject: SubjectId::from_bytes(array(&subject, "subject")?),
        message,
        begun_at: moment(begun_at)?,
    })
}
