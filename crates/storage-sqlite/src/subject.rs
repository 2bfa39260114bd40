//! Subjects: random handles with their status, age flags and device keys.

mod counter;
pub(crate) mod enrolment;
mod row;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::Result;
use cyberid_storage::counter::{Keyed, NewCodes};
use cyberid_storage::life::{LifeChange, Turned};
use cyberid_storage::subject::{EnrolmentStage, Holder, NewSubject, Subject, SubjectDevice, Subjects};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use crate::fault::{Answer, Fault};
use crate::life;
use crate::registry::RegistryDb;
use crate::subject::enrolment::Way;
use crate::value::{moment, seconds};

#[async_trait]
impl Subjects for RegistryDb {
    async fn begin_enrolment(&self, subject: &SubjectId, now: UnixTime) -> Result<()> {
        let sql = "INSERT INTO enrolment (subject, begun_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let begin = sqlx::query(sql)
            .bind(subject.as_bytes().as_slice())
            .bind(seconds(now));
        self.db.write("begin_enrolment", begin).await?;
        Ok(())
    }

    async fn commit_enrolment(&self, new: &NewSubject) -> Result<bool> {
        let mut tx = self.db.begin("commit_enrolment").await?;
        if self.ended.has(&new.subject) {
            return Ok(false);
        }
        match enrolment::way_of(&mut tx, new).await? {
            Way::Free => {}
            Way::Committed => return Ok(true),
            Way::Barred => return Ok(false),
        }
        enrolment::keep(&mut tx, new).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn end_enrolment(&self, subject: &SubjectId) -> Result<()> {
        let mut tx = self.db.begin("end_enrolment").await?;
        enrolment::end(&mut tx, subject).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn end_confirmed(&self, subject: &SubjectId) -> Result<()> {
        self.ended.add(*subject);
        Ok(())
    }

    async fn open_enrolments(&self, before: UnixTime) -> Result<Vec<(SubjectId, EnrolmentStage)>> {
        let mut open = enrolment::open_before(&self.db, before).await?;
        open.retain(|(subject, _)| !self.ended.has(subject));
        Ok(open)
    }

    async fn by_device(&self, jkt: &str) -> Result<Option<Subject>> {
        Ok(row::by_device(&self.db, jkt).await?)
    }

    async fn by_key(&self, jkt: &str) -> Result<Option<Keyed>> {
        Ok(row::by_key(&self.db, jkt).await?)
    }

    async fn keep_codes(&self, codes: &NewCodes) -> Result<bool> {
        let mut tx = self.db.begin("keep_codes").await?;
        if !counter::keep(&mut tx, codes).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn use_code(&self, jkt: &str, now: UnixTime) -> Result<bool> {
        let mut tx = self.db.begin("use_code").await?;
        if !counter::take(&mut tx, jkt, now).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn holder(&self, jkt: &str) -> Result<Option<Holder>> {
        Ok(row::holder(&self.db, jkt).await?)
    }

    async fn holders_after(&self, after: &str, limit: u32) -> Result<Vec<(String, Holder)>> {
        Ok(row::holders_after(&self.db, after, limit).await?)
    }

    async fn person_tag(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>> {
        Ok(row::person_tag(&self.db, subject).await?)
    }

    async fn devices(&self, subject: &SubjectId) -> Result<Vec<SubjectDevice>> {
        Ok(row::devices(&self.db, subject).await?)
    }

    async fn set_status(&self, subject: &SubjectId, status: SubjectStatus) -> Result<bool> {
        let may_come_from = |from: &&SubjectStatus| **from == status || from.may_become(status);
        let from: Vec<&str> = SubjectStatus::ALL
            .iter()
            .filter(may_come_from)
            .map(|from| from.as_str())
            .collect();
        let sql = "UPDATE subject SET status = ?2 WHERE subject = ?1 AND instr(?3, ' ' || status || ' ') > 0";
        let set = sqlx::query(sql)
            .bind(subject.as_bytes().as_slice())
            .bind(status.as_str())
            .bind(format!(" {} ", from.join(" ")));
        Ok(self.db.write("set_status", set).await? > 0)
    }

    async fn turn(&self, change: &LifeChange) -> Result<Turned> {
        let mut tx = self.db.begin("turn").await?;
        let turned = life::turn(&mut tx, change).await?;
        if matches!(turned, Turned::Now(_)) {
            tx.commit().await?;
        }
        Ok(turned)
    }

    async fn begin_pin_attempt(&self, subject: &SubjectId, now: UnixTime) -> Result<bool> {
        let sql = "UPDATE subject SET pin_failures = pin_failures + 1 \
                   WHERE subject = ?1 AND (pin_locked_until IS NULL OR pin_locked_until <= ?2)";
        let begin = sqlx::query(sql)
            .bind(subject.as_bytes().as_slice())
            .bind(seconds(now));
        Ok(self.write_or_decoy("begin_pin_attempt", begin).await?)
    }

    async fn end_pin_attempt(
        &self,
        subject: &SubjectId,
        succeeded: bool,
        locked_until: Option<UnixTime>,
    ) -> Result<()> {
        // Of attempts that ended together, the longest lock stays.
        let sql = if succeeded {
            "UPDATE subject SET pin_failures = 0, pin_locked_until = NULL WHERE subject = ?1"
        } else {
            "UPDATE subject SET pin_locked_until = max(coalesce(pin_locked_until, 0), ?2) \
             WHERE subject = ?1 AND ?2 IS NOT NULL"
        };
        let end = sqlx::query(sql)
            .bind(subject.as_bytes().as_slice())
            .bind(locked_until.map(seconds));
        self.write_or_decoy("end_pin_attempt", end).await?;
        Ok(())
    }

    async fn last_age_day(&self) -> Result<Option<UnixTime>> {
        let day: Option<i64> = sqlx::query_scalar("SELECT day FROM age_day")
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(day.map(moment).transpose()?)
    }

    async fn reach_ages(&self, tags: &[(Threshold, [u8; 32])], day: UnixTime) -> Result<u64> {
        let mut tx = self.db.begin("reach_ages").await?;
        let mut set = 0;
        for (threshold, tag) in tags {
            set += set_flags(&mut tx, *threshold, tag).await?;
            remove_tags(&mut tx, *threshold, tag).await?;
        }
        record_day(&mut tx, day).await?;
        tx.commit().await?;
        Ok(set)
    }
}

impl RegistryDb {
    /// Runs the statement of an attempt at a PIN; whether it changed a subject. Where it changed none, the decoy is
    /// written: a transaction that writes nothing has nothing to make durable, and its answer comes sooner (T16).
    async fn write_or_decoy(
        &self,
        name: &'static str,
        statement: Query<'_, Sqlite, SqliteArguments>,
    ) -> Answer<bool> {
        let mut tx = self.db.begin(name).await?;
        let changed = statement.execute(&mut *tx).await?.rows_affected() > 0;
        if !changed {
            let decoy = sqlx::query("UPDATE pin_decoy SET writes = writes + 1");
            decoy.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }
}

async fn set_flags(tx: &mut SqliteConnection, threshold: Threshold, tag: &[u8; 32]) -> Answer<u64> {
    let sql = "UPDATE subject SET age_flags = age_flags | ?3 WHERE age_flags & ?3 = 0 \
               AND subject IN (SELECT subject FROM age_tag WHERE threshold = ?1 AND tag = ?2)";
    let set = sqlx::query(sql)
        .bind(threshold.years())
        .bind(tag.as_slice())
        .bind(AgeFlags::default().with(threshold).bits())
        .execute(tx)
        .await?;
    Ok(set.rows_affected())
}

async fn remove_tags(tx: &mut SqliteConnection, threshold: Threshold, tag: &[u8; 32]) -> Answer<()> {
    sqlx::query("DELETE FROM age_tag WHERE threshold = ?1 AND tag = ?2")
        .bind(threshold.years())
        .bind(tag.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

async fn record_day(tx: &mut SqliteConnection, day: UnixTime) -> Answer<()> {
    let sql = "INSERT INTO age_day (one, day) VALUES (1, ?1) \
               ON CONFLICT (one) DO UPDATE SET day = max(day, excluded.day)";
    sqlx::query(sql).bind(seconds(day)).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    /// T16: each attempt is two transactions that write, whoever tries.
    #[tokio::test]
    async fn an_attempt_at_nobodys_pin_writes_as_often_as_at_somebodys() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let nobody = SubjectId::random(&SystemRng);
        assert!(!registry.begin_pin_attempt(&nobody, UnixTime(1)).await.unwrap());
        registry.end_pin_attempt(&nobody, false, None).await.unwrap();
        let writes = sqlx::query_scalar("SELECT writes FROM pin_decoy");
        let writes: i64 = writes.fetch_one(registry.db.readers()).await.unwrap();
        assert_eq!(writes, 2);
    }
}
