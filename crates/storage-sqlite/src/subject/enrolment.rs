//! An enrolment on its way: begun, committed, ended.

use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::official::BeginningEnrolment;
use cyberid_storage::subject::{EnrolmentStage, NewSubject};
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::Answer;
use crate::value::{array, seconds};

/// What stands in the way of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing.
    Free,
    /// This very subject is there: whoever did not hear the answer asks again.
    Committed,
    /// The enrolment is not open, or something of it is somebody's.
    Barred,
}

/// What stands in the way of committing `new`, read at once.
pub(super) async fn way_of(tx: &mut SqliteConnection, new: &NewSubject) -> Answer<Way> {
    let sql = "SELECT EXISTS (SELECT 1 FROM enrolment WHERE subject = ?1), \
               EXISTS (SELECT 1 FROM subject JOIN device USING (subject) \
               WHERE subject = ?1 AND number = ?2 AND jkt = ?3 AND key = ?4), \
               EXISTS (SELECT 1 FROM subject WHERE subject = ?1 OR number = ?2) \
               OR EXISTS (SELECT 1 FROM retired_number WHERE number = ?2) \
               OR EXISTS (SELECT 1 FROM renumbering WHERE number = ?2) \
               OR EXISTS (SELECT 1 FROM device WHERE jkt = ?3 OR key = ?4) \
               OR EXISTS (SELECT 1 FROM revoked_device WHERE jkt = ?3) \
               OR EXISTS (SELECT 1 FROM unbinding WHERE jkt = ?3) \
               OR EXISTS (SELECT 1 FROM subject WHERE person_tag = ?5) \
               OR EXISTS (SELECT 1 FROM ended_person WHERE tag = ?5)";
    let read: (bool, bool, bool) = sqlx::query_as(sql)
        .bind(new.subject.as_bytes().as_slice())
        .bind(new.number.compact())
        .bind(&new.device.jkt)
        .bind(new.device.key.as_slice())
        .bind(new.person_tag.as_slice())
        .fetch_one(tx)
        .await?;
    Ok(match read {
        (true, true, _) => Way::Committed,
        (true, false, false) => Way::Free,
        (true, false, true) | (false, ..) => Way::Barred,
    })
}

/// Begins it with the number that its subject will have; `false`, and nothing written, if the number is taken.
pub(crate) async fn begin_numbered(tx: &mut SqliteConnection, begun: &BeginningEnrolment) -> Answer<bool> {
    let sql = "INSERT INTO number_salt (subject, salt) SELECT ?1, ?2 \
               WHERE NOT EXISTS (SELECT 1 FROM subject WHERE number = ?3) \
               AND NOT EXISTS (SELECT 1 FROM retired_number WHERE number = ?3) \
               AND NOT EXISTS (SELECT 1 FROM renumbering WHERE number = ?3) \
               ON CONFLICT (subject) DO UPDATE SET salt = excluded.salt; \
               INSERT INTO enrolment (subject, begun_at) SELECT ?1, ?4 \
               WHERE EXISTS (SELECT 1 FROM number_salt WHERE subject = ?1 AND salt = ?2) ON CONFLICT DO NOTHING";
    let statements = sqlx::query(sql)
        .bind(begun.subject.as_bytes().as_slice())
        .bind(begun.salt.as_slice())
        .bind(begun.number.compact())
        .bind(seconds(begun.now));
    Ok(statements.execute(tx).await?.rows_affected() > 0)
}

/// Ends it, and forgets the codes of who did not come to be.
pub(super) async fn end(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    close(&mut *tx, subject).await?;
    let sql = "DELETE FROM counter_code WHERE subject = ?1 AND NOT EXISTS (SELECT 1 FROM subject WHERE subject = ?1)";
    let forget = sqlx::query(sql).bind(subject.as_bytes().as_slice());
    forget.execute(tx).await?;
    Ok(())
}

/// Writes that it is not open any more.
pub(crate) async fn close(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    let close = sqlx::query("DELETE FROM enrolment WHERE subject = ?1").bind(subject.as_bytes().as_slice());
    close.execute(tx).await?;
    Ok(())
}

pub(crate) async fn keep(tx: &mut SqliteConnection, new: &NewSubject) -> Answer<()> {
    keep_subject(tx, new).await?;
    for (threshold, tag) in &new.age_tags {
        keep_age_tag(tx, &new.subject, *threshold, tag).await?;
    }
    Ok(())
}

pub(super) async fn open_before(db: &Database, before: UnixTime) -> Answer<Vec<(SubjectId, EnrolmentStage)>> {
    let sql = "SELECT enrolment.subject, subject.subject IS NOT NULL \
               FROM enrolment LEFT JOIN subject USING (subject) \
               WHERE begun_at < ?1 ORDER BY begun_at";
    let rows: Vec<(Vec<u8>, bool)> = sqlx::query_as(sql)
        .bind(seconds(before))
        .fetch_all(db.readers())
        .await?;
    rows.into_iter()
        .map(|(subject, committed)| {
            let subject = SubjectId::from_bytes(array(&subject, "subject")?);
            let stage = if committed {
                EnrolmentStage::Committed
            } else {
                EnrolmentStage::Begun
            };
            Ok((subject, stage))
        })
        .collect()
}

/// Keeps the subject with its first device.
async fn keep_subject(tx: &mut SqliteConnection, new: &NewSubject) -> Answer<()> {
    let sql = "INSERT INTO subject (subject, number, status, age_flags, document_expires_at, \
               credential_expires_at, pin_salt, pin_memory_kib, pin_passes, pin_tag, person_tag) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11); \
               INSERT INTO device (jkt, subject, key, bound_at) VALUES (?12, ?1, ?13, ?14)";
    sqlx::query(sql)
        .bind(new.subject.as_bytes().as_slice())
        .bind(new.number.compact())
        .bind(SubjectStatus::Active.as_str())
        .bind(new.age_flags.bits())
        .bind(seconds(new.document_expires_at))
        .bind(seconds(new.credential_expires_at))
        .bind(new.pin.salt.as_slice())
        .bind(new.pin.memory_kib)
        .bind(new.pin.passes)
        .bind(new.pin.tag.as_slice())
        .bind(new.person_tag.as_slice())
        .bind(&new.device.jkt)
        .bind(new.device.key.as_slice())
        .bind(seconds(new.device.bound_at))
        .execute(tx)
        .await?;
    Ok(())
}

async fn keep_age_tag(
    tx: &mut SqliteConnection,
    subject: &SubjectId,
    threshold: Threshold,
    tag: &[u8; 32],
) -> Answer<()> {
    sqlx::query("INSERT INTO age_tag (threshold, tag, subject) VALUES (?1, ?2, ?3)")
        .bind(threshold.years())
        .bind(tag.as_slice())
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}
