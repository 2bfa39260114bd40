//! Passkeys: the `WebAuthn` credentials of holders.

use async_trait::async_trait;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::passkey::{Added, MOST, Passkey, Passkeys, Used};
use cyberid_storage::single_use::SingleUse;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, moment, seconds};

const COLUMNS: &str = "SELECT id, subject, key, sign_count, backup_eligible, created_at FROM passkey";

#[async_trait]
impl Passkeys for RegistryDb {
    async fn add_passkey(&self, passkey: &Passkey) -> Result<Added> {
        let mut tx = self.db.begin("add_passkey").await?;
        if count(&mut tx, &passkey.subject).await? >= MOST {
            return Ok(Added::Full);
        }
        if !keep(&mut tx, passkey).await? {
            return Ok(Added::Taken);
        }
        tx.commit().await?;
        Ok(Added::Now)
    }

    async fn passkeys(&self, subject: &SubjectId) -> Result<Vec<Passkey>> {
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
            "{COLUMNS} WHERE subject = ?1 ORDER BY created_at, id"
        )))
        .bind(subject.as_bytes().as_slice())
        .fetch_all(self.db.readers())
        .await
        .map_err(Fault::from)?;
        Ok(rows.into_iter().map(Row::read).collect::<Answer<_>>()?)
    }

    async fn passkey(&self, subject: &SubjectId, id: &[u8]) -> Result<Option<Passkey>> {
        let row: Option<Row> =
            sqlx::query_as(AssertSqlSafe(format!("{COLUMNS} WHERE subject = ?1 AND id = ?2")))
                .bind(subject.as_bytes().as_slice())
                .bind(id)
                .fetch_optional(self.db.readers())
                .await
                .map_err(Fault::from)?;
        Ok(row.map(Row::read).transpose()?)
    }

    async fn use_passkey(
        &self,
        subject: &SubjectId,
        id: &[u8],
        sign_count: u32,
        attempt: &SingleUse,
    ) -> Result<Used> {
        let mut tx = self.db.begin("use_passkey").await?;
        if !use_up(&mut tx, attempt).await? {
            return Ok(Used::Replayed);
        }
        let forward = advance(&mut tx, subject, id, sign_count).await?;
        tx.commit().await?;
        Ok(if forward { Used::Now } else { Used::Behind })
    }

    async fn remove_passkey(&self, subject: &SubjectId, id: &[u8]) -> Result<bool> {
        let remove = sqlx::query("DELETE FROM passkey WHERE subject = ?1 AND id = ?2")
            .bind(subject.as_bytes().as_slice())
            .bind(id);
        Ok(self.db.write("remove_passkey", remove).await? > 0)
    }
}

async fn count(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<u32> {
    Ok(
        sqlx::query_scalar("SELECT count(*) FROM passkey WHERE subject = ?1")
            .bind(subject.as_bytes().as_slice())
            .fetch_one(tx)
            .await?,
    )
}

async fn keep(tx: &mut SqliteConnection, passkey: &Passkey) -> Answer<bool> {
    let sql = "INSERT INTO passkey (id, subject, key, sign_count, backup_eligible, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING";
    let kept = sqlx::query(sql)
        .bind(passkey.id.as_slice())
        .bind(passkey.subject.as_bytes().as_slice())
        .bind(passkey.key.as_slice())
        .bind(passkey.sign_count)
        .bind(passkey.backup_eligible)
        .bind(seconds(passkey.created_at))
        .execute(tx)
        .await?;
    Ok(kept.rows_affected() > 0)
}

async fn use_up(tx: &mut SqliteConnection, attempt: &SingleUse) -> Answer<bool> {
    let sql = "INSERT INTO single_use (digest, forget_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let used = sqlx::query(sql)
        .bind(attempt.digest.as_slice())
        .bind(seconds(attempt.forget_at))
        .execute(tx)
        .await?;
    Ok(used.rows_affected() > 0)
}

async fn advance(tx: &mut SqliteConnection, subject: &SubjectId, id: &[u8], sign_count: u32) -> Answer<bool> {
    let sql = "UPDATE passkey SET sign_count = ?3 WHERE subject = ?1 AND id = ?2 \
               AND (?3 > sign_count OR (?3 = 0 AND sign_count = 0))";
    let advanced = sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(id)
        .bind(sign_count)
        .execute(tx)
        .await?;
    Ok(advanced.rows_affected() > 0)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Vec<u8>,
    subject: Vec<u8>,
    key: Vec<u8>,
    sign_count: u32,
    backup_eligible: bool,
    created_at: i64,
}

impl Row {
    fn read(self) -> Answer<Passkey> {
        Ok(Passkey {
            id: self.id,
            subject: SubjectId::from_bytes(array(&self.subject, "subject")?),
            key: array(&self.key, "passkey")?,
            sign_count: self.sign_count,
            backup_eligible: self.backup_eligible,
            created_at: moment(self.created_at)?,
        })
    }
}
