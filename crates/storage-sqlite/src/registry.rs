//! The registry's database: one file behind several small ports.

use std::path::Path;

use crate::database::Database;
use crate::open::{OpenError, Presence};

/// The registry's database.
#[derive(Clone)]
pub struct RegistryDb {
    pub(crate) db: Database,
}

impl RegistryDb {
    /// Opens the file, and makes it if it is missing.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let migrations = sqlx::migrate!("../../migrations/sqlite/registry");
        let db = Database::open(path.as_ref(), Presence::Any, &migrations).await?;
        Ok(Self { db })
    }

    /// Ends all connections; the file is then whole without its log.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
