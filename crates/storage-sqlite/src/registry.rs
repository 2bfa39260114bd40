//! The registry's database: one file behind several small ports.

use std::path::Path;

use cyberid_storage::Synchronous;
#[cfg(feature = "import")]
use cyberid_storage::subject::NewSubject;

use crate::database::Database;
use crate::ended::Ended;
use crate::open::OpenError;

/// The registry's database.
#[derive(Clone)]
pub struct RegistryDb {
    pub(crate) db: Database,
    /// Enrolments that have ended, and stand in the file still.
    pub(crate) ended: Ended,
}

impl RegistryDb {
    /// Opens the file, and makes it if it is missing.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Synchronous::Full).await
    }

    /// The same, saying when what is written is synced.
    pub async fn open_with(path: impl AsRef<Path>, synchronous: Synchronous) -> Result<Self, OpenError> {
        let migrations = sqlx::migrate!("../../migrations/sqlite/registry");
        let db = Database::open(path.as_ref(), synchronous, &migrations).await?;
        Ok(Self {
            db,
            ended: Ended::default(),
        })
    }

    /// Keeps subjects as if each had been enrolled, all in one transaction.
    #[cfg(feature = "import")]
    pub async fn import_subjects(&self, subjects: &[NewSubject]) -> cyberid_storage::Result<()> {
        let mut tx = self.db.begin("import_subjects").await?;
        for new in subjects {
            crate::subject::enrolment::keep(&mut tx, new).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Ends all connections; the file is then whole without its log.
    pub async fn close(&self) {
        // Where this fails they are confirmed and ended again at the next start.
        let _ = self.end_confirmed_now().await;
        self.db.close().await;
    }
}
