//! Answers that are given again.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_storage::Result;
use cyberid_storage::idempotency::{KeptAnswer, KeptAnswers};

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, moment, seconds};

#[async_trait]
impl KeptAnswers for RegistryDb {
    async fn kept_answer(&self, digest: &[u8; 32], now: UnixTime) -> Result<Option<KeptAnswer>> {
        let sql = "SELECT request_sha256, sealed, forget_at FROM kept_answer \
                   WHERE digest = ?1 AND forget_at > ?2";
        let row: Option<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(sql)
            .bind(digest.as_slice())
            .bind(seconds(now))
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(|row| kept_answer(*digest, row)).transpose()?)
    }

    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()> {
        let sql = "INSERT INTO kept_answer (digest, request_sha256, sealed, forget_at) \
                   VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
        let keep = sqlx::query(sql)
            .bind(answer.digest.as_slice())
            .bind(answer.request_sha256.as_slice())
            .bind(answer.sealed.as_slice())
            .bind(seconds(answer.forget_at));
        self.db.write("keep_answer", keep).await?;
        Ok(())
    }

    async fn forget_answers(&self, now: UnixTime) -> Result<u64> {
        let forget = sqlx::query("DELETE FROM kept_answer WHERE forget_at <= ?1").bind(seconds(now));
        Ok(self.db.write("forget_answers", forget).await?)
    }
}

fn kept_answer(digest: [u8; 32], row: (Vec<u8>, Vec<u8>, i64)) -> Answer<KeptAnswer> {
    let (request_sha256, sealed, forget_at) = row;
    Ok(KeptAnswer {
        digest,
        request_sha256: array(&request_sha256, "digest")?,
        sealed,
        forget_at: moment(forget_at)?,
    })
}
