//! The life of an identifier: its turns with their reasons and leaves.

mod act;
mod number;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_storage::Result;
use cyberid_storage::life::{LifeChange, LifeLeaf, Lives, Suspension, Turn, Turned};
use cyberid_storage::official::OfficialAccesses as _;
use cyberid_storage::promise::PromisedLeaf;
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::promise::{is_promised, promise};
use crate::registry::RegistryDb;
use crate::value::{array, moment, parsed, seconds};

#[async_trait]
impl Lives for RegistryDb {
    async fn ended(&self, now: UnixTime, limit: u32) -> Result<Vec<SubjectId>> {
        let sql = "SELECT subject FROM subject WHERE status = 'active' \
                   AND min(document_expires_at, credential_expires_at) <= ?1 \
                   ORDER BY min(document_expires_at, credential_expires_at) LIMIT ?2";
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(seconds(now))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let ended: Answer<_> = rows.iter().map(|subject| read_subject(subject)).collect();
        Ok(ended?)
    }

    async fn whose_number(&self, number: &NetworkNumber) -> Result<Option<SubjectId>> {
        self.subject_of(number).await
    }

    async fn suspensions(&self, subject: &SubjectId) -> Result<Vec<Suspension>> {
        Ok(suspensions(&self.db, subject).await?)
    }

    async fn life_leaves(&self, subject: &SubjectId) -> Result<Vec<LifeLeaf>> {
        Ok(life_leaves(&self.db, subject).await?)
    }
}

/// Turns a life; what it wrote is kept only if the answer is `Now`.
pub(crate) async fn turn(tx: &mut SqliteConnection, change: &LifeChange) -> Answer<Turned> {
    let Some(now) = Standing::read(tx, &change.subject).await? else {
        return Ok(Turned::Refused);
    };
    if let Some(leaf) = &change.leaf
        && is_promised(tx, &leaf.leaf).await?
    {
        // It happened once; what has happened since stands.
        return Ok(Turned::Before);
    }
    let turned = now.turned(tx, change).await?;
    let Turned::Now(status) = turned else {
        return Ok(turned);
    };
    if status != now.status {
        set_status(tx, &change.subject, status).await?;
    }
    if let Some(leaf) = &change.leaf {
        record(tx, &change.subject, leaf).await?;
    }
    Ok(turned)
}

/// How a subject stands before a turn.
struct Standing {
    status: SubjectStatus,
    /// When document or certificate ends.
    ends_at: UnixTime,
}

impl Standing {
    async fn read(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<Option<Self>> {
        let sql =
            "SELECT status, min(document_expires_at, credential_expires_at) FROM subject WHERE subject = ?1";
        let row: Option<(String, i64)> = sqlx::query_as(sql)
            .bind(subject.as_bytes().as_slice())
            .fetch_optional(tx)
            .await?;
        row.map(|(status, ends_at)| {
            Ok(Self {
                status: SubjectStatus::named(&status).ok_or(Fault::Corrupt("subject status"))?,
                ends_at: moment(ends_at)?,
            })
        })
        .transpose()
    }

    async fn turned(&self, tx: &mut SqliteConnection, change: &LifeChange) -> Answer<Turned> {
        use SubjectStatus as S;
        Ok(match (change.turn, self.status) {
            (Turn::Suspend(LifeReason::Death), _) => Turned::Refused,
            (Turn::Suspend(reason), S::Active | S::Suspended | S::Expired) => {
                let new = suspend(tx, change, reason).await?;
                if new {
                    Turned::Now(S::Suspended)
                } else {
                    Turned::Before
                }
            }
            (Turn::Reinstate(LifeReason::Death), S::Deceased) => {
                suspend(tx, change, LifeReason::Operator).await?;
                Turned::Now(S::Suspended)
            }
            (Turn::Reinstate(reason), S::Suspended) => self.reinstated(tx, change, reason).await?,
            (Turn::Expire, S::Active) if self.ends_at <= change.at => Turned::Now(S::Expired),
            (Turn::Renew { .. }, S::Active | S::Suspended | S::Expired) => self.renewed(tx, change).await?,
            (Turn::Document { expires_at }, S::Active | S::Suspended | S::Expired) => {
                renew_document(tx, change, expires_at).await?;
                Turned::Now(self.status)
            }
            (Turn::Decease, status) if status.may_become(S::Deceased) => Turned::Now(S::Deceased),
            (Turn::Decease, S::Deceased)
            | (Turn::Reinstate(_), S::Active | S::Expired)
            | (Turn::Expire, S::Active | S::Expired | S::Suspended) => Turned::Before,
            _ => Turned::Refused,
        })
    }

    /// It comes back when no other reason stands: as expired, if it has ended meanwhile.
    async fn reinstated(
        &self,
        tx: &mut SqliteConnection,
        change: &LifeChange,
        reason: LifeReason,
    ) -> Answer<Turned> {
        if !lift(tx, &change.subject, reason).await? {
            return Ok(Turned::Before);
        }
        let status = if is_halted(tx, &change.subject).await? {
            SubjectStatus::Suspended
        } else if self.ends_at <= change.at {
            SubjectStatus::Expired
        } else {
            SubjectStatus::Active
        };
        Ok(Turned::Now(status))
    }

    async fn renewed(&self, tx: &mut SqliteConnection, change: &LifeChange) -> Answer<Turned> {
        let Turn::Renew {
            document_expires_at,
            credential_expires_at,
        } = change.turn
        else {
            return Ok(Turned::Refused);
        };
        let sql =
            "UPDATE subject SET document_expires_at = ?2, credential_expires_at = ?3 WHERE subject = ?1";
        sqlx::query(sql)
            .bind(change.subject.as_bytes().as_slice())
            .bind(seconds(document_expires_at))
            .bind(seconds(credential_expires_at))
            .execute(tx)
            .await?;
        let valid = document_expires_at.min(credential_expires_at) > change.at;
        let revived = valid && self.status == SubjectStatus::Expired;
        Ok(Turned::Now(if revived {
            SubjectStatus::Active
        } else {
            self.status
        }))
    }
}

async fn renew_document(tx: &mut SqliteConnection, change: &LifeChange, expires_at: UnixTime) -> Answer<()> {
    let sql = "UPDATE subject SET document_expires_at = ?2, credential_expires_at = min(credential_expires_at, ?2) \
               WHERE subject = ?1";
    sqlx::query(sql)
        .bind(change.subject.as_bytes().as_slice())
        .bind(seconds(expires_at))
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether the reason is new.
async fn suspend(tx: &mut SqliteConnection, change: &LifeChange, reason: LifeReason) -> Answer<bool> {
    let sql = "INSERT INTO suspension (subject, reason, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let kept = sqlx::query(sql)
        .bind(change.subject.as_bytes().as_slice())
        .bind(reason.as_str())
        .bind(seconds(change.at))
        .execute(tx)
        .await?;
    Ok(kept.rows_affected() > 0)
}

/// Whether the reason stood.
async fn lift(tx: &mut SqliteConnection, subject: &SubjectId, reason: LifeReason) -> Answer<bool> {
    let lifted = sqlx::query("DELETE FROM suspension WHERE subject = ?1 AND reason = ?2")
        .bind(subject.as_bytes().as_slice())
        .bind(reason.as_str())
        .execute(tx)
        .await?;
    Ok(lifted.rows_affected() > 0)
}

async fn is_halted(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM suspension WHERE subject = ?1)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

async fn set_status(tx: &mut SqliteConnection, subject: &SubjectId, status: SubjectStatus) -> Answer<()> {
    sqlx::query("UPDATE subject SET status = ?2 WHERE subject = ?1")
        .bind(subject.as_bytes().as_slice())
        .bind(status.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

async fn record(tx: &mut SqliteConnection, subject: &SubjectId, leaf: &LifeLeaf) -> Answer<()> {
    promise(tx, &leaf.leaf).await?;
    sqlx::query("INSERT INTO life_leaf (leaf, subject, salt, device_jkt) VALUES (?1, ?2, ?3, ?4)")
        .bind(leaf.leaf.id.as_str())
        .bind(subject.as_bytes().as_slice())
        .bind(leaf.salt.as_slice())
        .bind(&leaf.device_jkt)
        .execute(tx)
        .await?;
    Ok(())
}

async fn suspensions(db: &Database, subject: &SubjectId) -> Answer<Vec<Suspension>> {
    let sql = "SELECT reason, since FROM suspension WHERE subject = ?1 ORDER BY since, reason";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter()
        .map(|(reason, since)| {
            Ok(Suspension {
                reason: LifeReason::named(&reason).ok_or(Fault::Corrupt("reason"))?,
                since: moment(since)?,
            })
        })
        .collect()
}

async fn life_leaves(db: &Database, subject: &SubjectId) -> Answer<Vec<LifeLeaf>> {
    let sql = "SELECT promise.id, body, salt, device_jkt FROM life_leaf JOIN promise ON promise.id = leaf \
               WHERE subject = ?1 ORDER BY life_leaf.place";
    let rows: Vec<(String, String, Vec<u8>, String)> = sqlx::query_as(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(db.readers())
        .await?;
    rows.into_iter()
        .map(|(id, body, salt, device_jkt)| {
            let id = parsed(&id, "leaf id")?;
            Ok(LifeLeaf {
                leaf: PromisedLeaf { id, body },
                salt: array(&salt, "salt")?,
                device_jkt,
            })
        })
        .collect()
}

fn read_subject(bytes: &[u8]) -> Answer<SubjectId> {
    Ok(SubjectId::from_bytes(array(bytes, "subject")?))
}
