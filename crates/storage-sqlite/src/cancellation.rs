//! Cancellations: ending an identifier, and erasing what was kept of its person.

use async_trait::async_trait;
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
    "UPDATE subject SET person_tag = NULL, pin_salt = zeroblob(16), pin_tag = zeroblob(32) WHERE subject = ?1",
];

#[async_trait]
impl Cancellations for RegistryDb {
    async fn begin_cancellation(&self, cancellation: &OpenCancellation) -> Result<()> {
        let sql = "INSERT INTO cancellation (subject, message, begun_at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO NOTHING";
        let begin = sqlx::query(sql)
            .bind(cancellation.subject.as_bytes().as_slice())
            .bind(&cancellation.message)
            .bind(seconds(cancellation.begun_at));
        self.db.write("begin_cancellation", begin).await?;
        Ok(())
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
}

/// Whether a subject's cancellation was taken, done or not.
pub(crate) async fn is_begun(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM cancellation WHERE subject = ?1)";
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
