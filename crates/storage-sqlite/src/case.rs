//! Cases that two operators decide.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::case::{CaseKind, Verdict};
use cyberid_domain::id::{CaseId, ClientId, SubjectId};
use cyberid_storage::Result;
use cyberid_storage::case::{Case, Cases, Decided};
use cyberid_storage::subject::HashedPin;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, moment, parsed, seconds};

const COLUMNS: &str = "SELECT id, kind, jkt, key, subject, pin_salt, pin_memory_kib, pin_passes, pin_tag, opened_at, \
                       halted, verdict, proposed_by, decided_at, done_at FROM person_case";

#[async_trait]
impl Cases for RegistryDb {
    async fn open_case(&self, case: &Case) -> Result<bool> {
        let sql = "INSERT INTO person_case (id, kind, jkt, key, subject, pin_salt, pin_memory_kib, pin_passes, pin_tag, \
                   opened_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
        let pin = case.pin.as_ref();
        let open = sqlx::query(sql)
            .bind(case.id.as_str())
            .bind(case.kind.as_str())
            .bind(&case.jkt)
            .bind(case.key.as_slice())
            .bind(case.subject.as_ref().map(|subject| subject.as_bytes().as_slice()))
            .bind(pin.map(|pin| pin.salt.as_slice()))
            .bind(pin.map(|pin| pin.memory_kib))
            .bind(pin.map(|pin| pin.passes))
            .bind(pin.map(|pin| pin.tag.as_slice()))
            .bind(seconds(case.opened_at));
        Ok(self.db.write("open_case", open).await? > 0)
    }

    async fn case(&self, id: &CaseId) -> Result<Option<Case>> {
        let row: Option<Row> = sqlx::query_as(AssertSqlSafe(format!("{COLUMNS} WHERE id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(Row::read).transpose()?)
    }

    async fn undecided_cases(&self, limit: u32) -> Result<Vec<Case>> {
        let query =
            format!("{COLUMNS} WHERE decided_at IS NULL ORDER BY kind = 'appeal', place LIMIT {limit}");
        Ok(self.cases(query).await?)
    }

    async fn say(
        &self,
        id: &CaseId,
        verdict: Verdict,
        operator: &ClientId,
        now: UnixTime,
    ) -> Result<Decided> {
        let mut tx = self.db.begin("decide_case").await?;
        let decided = decided(&mut tx, id, verdict, operator).await?;
        match decided {
            Decided::Now => decide(&mut tx, id, operator, now).await?,
            Decided::Waiting => propose(&mut tx, id, verdict, operator).await?,
            _ => return Ok(decided),
        }
        tx.commit().await?;
        Ok(decided)
    }

    async fn cases_to_do(&self) -> Result<Vec<Case>> {
        let query = format!(
            "{COLUMNS} WHERE done_at IS NULL AND (decided_at IS NOT NULL OR (kind = 'misuse' AND halted = 0)) \
             ORDER BY place"
        );
        Ok(self.cases(query).await?)
    }

    async fn case_halted(&self, id: &CaseId) -> Result<()> {
        let halted = sqlx::query("UPDATE person_case SET halted = 1 WHERE id = ?1").bind(id.as_str());
        self.db.write("case_halted", halted).await?;
        Ok(())
    }

    async fn case_done(&self, id: &CaseId, at: UnixTime) -> Result<()> {
        let sql = "UPDATE person_case SET done_at = ?2, pin_salt = NULL, pin_memory_kib = NULL, pin_passes = NULL, \
                   pin_tag = NULL WHERE id = ?1 AND done_at IS NULL";
        let done = sqlx::query(sql).bind(id.as_str()).bind(seconds(at));
        self.db.write("case_done", done).await?;
        Ok(())
    }

    async fn is_permitted(&self, jkt: &str, since: UnixTime) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM person_case WHERE kind = 'appeal' AND jkt = ?1 AND decided_at >= ?2 \
                   AND verdict = 'upheld')";
        let permitted = sqlx::query_scalar(sql)
            .bind(jkt)
            .bind(seconds(since))
            .fetch_one(self.db.readers())
            .await;
        Ok(permitted.map_err(Fault::from)?)
    }

    async fn forget_appeals(&self, before: UnixTime) -> Result<()> {
        let sql = "DELETE FROM person_case WHERE kind = 'appeal' AND coalesce(decided_at, opened_at) < ?1";
        let forget = sqlx::query(sql).bind(seconds(before));
        self.db.write("forget_appeals", forget).await?;
        Ok(())
    }
}

impl RegistryDb {
    async fn cases(&self, query: String) -> Answer<Vec<Case>> {
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(query))
            .fetch_all(self.db.readers())
            .await?;
        rows.into_iter().map(Row::read).collect()
    }
}

/// What this word would do.
async fn decided(
    tx: &mut SqliteConnection,
    id: &CaseId,
    verdict: Verdict,
    operator: &ClientId,
) -> Answer<Decided> {
    let sql = "SELECT verdict, proposed_by, decided_at IS NOT NULL FROM person_case WHERE id = ?1";
    let row: Option<(Option<String>, Option<String>, bool)> =
        sqlx::query_as(sql).bind(id.as_str()).fetch_optional(tx).await?;
    let Some((said, by, is_decided)) = row else {
        return Ok(Decided::NotThere);
    };
    let same = said.as_deref() == Some(verdict.as_str());
    let own = by.as_deref() == Some(operator.as_str());
    Ok(match (is_decided, same, own) {
        (true, true, _) => Decided::Before,
        (true, false, _) => Decided::Otherwise,
        (false, true, true) => Decided::OwnWord,
        (false, true, false) => Decided::Now,
        (false, false, _) => Decided::Waiting,
    })
}

async fn decide(tx: &mut SqliteConnection, id: &CaseId, operator: &ClientId, now: UnixTime) -> Answer<()> {
    sqlx::query("UPDATE person_case SET decided_by = ?2, decided_at = ?3 WHERE id = ?1")
        .bind(id.as_str())
        .bind(operator.as_str())
        .bind(seconds(now))
        .execute(tx)
        .await?;
    Ok(())
}

async fn propose(
    tx: &mut SqliteConnection,
    id: &CaseId,
    verdict: Verdict,
    operator: &ClientId,
) -> Answer<()> {
    sqlx::query("UPDATE person_case SET verdict = ?2, proposed_by = ?3 WHERE id = ?1")
        .bind(id.as_str())
        .bind(verdict.as_str())
        .bind(operator.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    jkt: String,
    key: Vec<u8>,
    subject: Option<Vec<u8>>,
    pin_salt: Option<Vec<u8>>,
    pin_memory_kib: Option<u32>,
    pin_passes: Option<u32>,
    pin_tag: Option<Vec<u8>>,
    opened_at: i64,
    halted: bool,
    verdict: Option<String>,
    proposed_by: Option<String>,
    decided_at: Option<i64>,
    done_at: Option<i64>,
}

impl Row {
    fn read(self) -> Answer<Case> {
        let subject = self.subject.as_deref().map(|subject| array(subject, "subject"));
        Ok(Case {
            pin: self.pin()?,
            said: self.said()?,
            id: parsed(&self.id, "case")?,
            kind: CaseKind::named(&self.kind).ok_or(Fault::Corrupt("kind of case"))?,
            jkt: self.jkt,
            key: array(&self.key, "device key")?,
            subject: subject.transpose()?.map(SubjectId::from_bytes),
            opened_at: moment(self.opened_at)?,
            halted: self.halted,
            decided_at: self.decided_at.map(moment).transpose()?,
            done_at: self.done_at.map(moment).transpose()?,
        })
    }

    fn pin(&self) -> Answer<Option<HashedPin>> {
        let (Some(salt), Some(memory_kib), Some(passes), Some(tag)) = (
            &self.pin_salt,
            self.pin_memory_kib,
            self.pin_passes,
            &self.pin_tag,
        ) else {
            return Ok(None);
        };
        Ok(Some(HashedPin {
            salt: array(salt, "PIN salt")?,
            memory_kib,
            passes,
            tag: array(tag, "PIN tag")?,
        }))
    }

    fn said(&self) -> Answer<Option<(Verdict, ClientId)>> {
        let (Some(verdict), Some(operator)) = (&self.verdict, &self.proposed_by) else {
            return Ok(None);
        };
        let verdict = Verdict::named(verdict).ok_or(Fault::Corrupt("verdict"))?;
        Ok(Some((verdict, parsed(operator, "operator")?)))
    }
}
