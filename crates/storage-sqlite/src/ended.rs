//! Enrolments that have ended, until the file says so: the next one that begins writes where they stand, so that their end
//! costs no transaction of its own. What a crash forgets is confirmed and ended once more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cyberid_domain::id::SubjectId;
use sqlx::SqliteConnection;

use crate::fault::Answer;
use crate::registry::RegistryDb;
use crate::subject::enrolment;

/// Enrolments that have ended, and stand in the file still.
#[derive(Clone, Default)]
pub(crate) struct Ended(Arc<Mutex<BTreeSet<SubjectId>>>);

impl Ended {
    /// From here on it is open to nobody.
    pub(crate) fn add(&self, subject: SubjectId) {
        self.all().insert(subject);
    }

    pub(crate) fn has(&self, subject: &SubjectId) -> bool {
        self.all().contains(subject)
    }

    /// Writes the ends of those that stand here now; returns whose they are, for [`forget`](Self::forget) once that is durable.
    pub(crate) async fn write(&self, tx: &mut SqliteConnection) -> Answer<Vec<SubjectId>> {
        let ended: Vec<SubjectId> = self.all().iter().copied().collect();
        for subject in &ended {
            enrolment::close(tx, subject).await?;
        }
        Ok(ended)
    }

    /// Forgets those whose ends are durable.
    pub(crate) fn forget(&self, written: &[SubjectId]) {
        let mut all = self.all();
        for subject in written {
            all.remove(subject);
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<SubjectId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RegistryDb {
    /// Makes durable what has ended.
    pub(crate) async fn end_confirmed_now(&self) -> Answer<()> {
        if self.ended.all().is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin("end_confirmed").await?;
        let written = self.ended.write(&mut tx).await?;
        tx.commit().await?;
        self.ended.forget(&written);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_domain::number::NetworkNumber;
    use cyberid_domain::rng::SystemRng;
    use cyberid_storage::official::{BeginningEnrolment, NumberSalts as _};
    use cyberid_storage::subject::Subjects as _;

    use super::*;

    async fn begun(registry: &RegistryDb) -> SubjectId {
        let begun = BeginningEnrolment {
            subject: SubjectId::random(&SystemRng),
            number: NetworkNumber::random(&SystemRng),
            salt: [1; 32],
            now: UnixTime(1),
        };
        assert!(registry.begin_numbered(&begun).await.unwrap());
        begun.subject
    }

    /// How many another process finds open.
    async fn in_the_file(path: &std::path::Path) -> usize {
        let registry = RegistryDb::open(path).await.unwrap();
        registry.open_enrolments(UnixTime(2)).await.unwrap().len()
    }

    #[tokio::test]
    async fn an_end_is_in_the_file_with_the_next_beginning_or_when_it_is_closed_and_a_crash_before_finds_it_open()
     {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.db");
        let registry = RegistryDb::open(&path).await.unwrap();
        let first = begun(&registry).await;
        registry.end_confirmed(&first).await.unwrap();
        assert_eq!(registry.open_enrolments(UnixTime(2)).await.unwrap(), []);
        assert_eq!(in_the_file(&path).await, 1);
        let second = begun(&registry).await;
        assert_eq!(in_the_file(&path).await, 1, "the second alone");
        assert!(registry.ended.all().is_empty());
        registry.end_confirmed(&second).await.unwrap();
        registry.close().await;
        assert_eq!(in_the_file(&path).await, 0);
    }
}
