//! What the identity source has told.

use async_trait::async_trait;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_storage::Result;
use cyberid_storage::notice::{SourceNotices, StagedRecord, TakenNotice};

use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, count, integer, parsed, seconds};

#[async_trait]
impl SourceNotices for RegistryDb {
    async fn last_notice(&self) -> Result<u64> {
        let last: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM source_notice")
            .fetch_one(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(count(last, "notice")?)
    }

    async fn was_taken(&self, jti: &Nonce) -> Result<bool> {
        let taken = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM source_notice WHERE jti = ?1)")
            .bind(jti.as_str())
            .fetch_one(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(taken)
    }

    async fn take_notice(&self, notice: &TakenNotice) -> Result<bool> {
        let sql = "INSERT INTO source_notice (seq, jti, happening, happened_at, taken_at) \
                   SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?1 > (SELECT coalesce(max(seq), 0) FROM source_notice) \
                   ON CONFLICT DO NOTHING";
        let take = sqlx::query(sql)
            .bind(integer(notice.seq)?)
            .bind(notice.jti.as_str())
            .bind(notice.happening.as_str())
            .bind(seconds(notice.happened_at))
            .bind(seconds(notice.taken_at));
        Ok(self.db.write("take_notice", take).await? > 0)
    }

    async fn record_staged(&self, staged: &StagedRecord) -> Result<()> {
        let sql = "INSERT INTO staged_record (subject, version) VALUES (?1, ?2) \
                   ON CONFLICT (subject) DO UPDATE SET version = excluded.version";
        let record = sqlx::query(sql)
            .bind(staged.subject.as_bytes().as_slice())
            .bind(staged.version.as_str());
        self.db.write("record_staged", record).await?;
        Ok(())
    }

    async fn staged_records(&self) -> Result<Vec<StagedRecord>> {
        let rows: Vec<(Vec<u8>, String)> = sqlx::query_as("SELECT subject, version FROM staged_record")
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let read = |(subject, version): (Vec<u8>, String)| {
            Ok(StagedRecord {
                subject: read_subject(&subject)?,
                version: parsed(&version, "version")?,
            })
        };
        let staged: Answer<_> = rows.into_iter().map(read).collect();
        Ok(staged?)
    }

    async fn replaced(&self, staged: &StagedRecord) -> Result<()> {
        let sql = "DELETE FROM staged_record WHERE subject = ?1 AND version = ?2";
        let done = sqlx::query(sql)
            .bind(staged.subject.as_bytes().as_slice())
            .bind(staged.version.as_str());
        self.db.write("replaced", done).await?;
        Ok(())
    }
}

fn read_subject(bytes: &[u8]) -> Answer<SubjectId> {
    Ok(SubjectId::from_bytes(array(bytes, "subject")?))
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_domain::happening::Happening;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    fn notice(seq: u64) -> TakenNotice {
        TakenNotice {
            seq,
            jti: Nonce::random(&SystemRng),
            happening: Happening::Died,
            happened_at: UnixTime(1),
            taken_at: UnixTime(2),
        }
    }

    #[tokio::test]
    async fn notices_are_taken_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let (first, second) = (notice(2), notice(5));
        assert_eq!(registry.last_notice().await.unwrap(), 0);
        assert!(registry.take_notice(&first).await.unwrap());
        assert!(!registry.take_notice(&first).await.unwrap());
        let replayed = TakenNotice {
            seq: 9,
            ..first.clone()
        };
        assert!(
            !registry.take_notice(&replayed).await.unwrap(),
            "under another place"
        );
        assert!(registry.take_notice(&second).await.unwrap());
        assert!(!registry.take_notice(&notice(4)).await.unwrap(), "out of order");
        assert_eq!(registry.last_notice().await.unwrap(), 5);
        assert!(registry.was_taken(&second.jti).await.unwrap());
        assert!(!registry.was_taken(&notice(6).jti).await.unwrap());
    }

    #[tokio::test]
    async fn a_staged_record_waits_until_it_is_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let registry = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let staged = || StagedRecord {
            subject: SubjectId::from_bytes([7; 32]),
            version: Nonce::random(&SystemRng),
        };
        let (first, second) = (staged(), staged());
        registry.record_staged(&first).await.unwrap();
        registry.record_staged(&second).await.unwrap();
        registry.replaced(&first).await.unwrap();
        assert_eq!(
            registry.staged_records().await.unwrap(),
            std::slice::from_ref(&second)
        );
        registry.replaced(&second).await.unwrap();
        assert_eq!(registry.staged_records().await.unwrap(), []);
    }
}
