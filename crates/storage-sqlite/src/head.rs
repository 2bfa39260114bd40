//! The head's database, which lives apart from the ledger's.

use std::path::Path;

use async_trait::async_trait;
use cyberid_storage::Result;
use cyberid_storage::ledger::{Head, LedgerHead};
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::Answer;
use crate::open::{OpenError, Presence};
use crate::value::{array, count, integer};

/// The head's database. It is made once, with a new log, and from then on it has to be there.
#[derive(Clone)]
pub struct HeadDb {
    db: Database,
}

impl HeadDb {
    /// Makes the file, which must not be there.
    pub async fn create(path: impl AsRef<Path>) -> std::result::Result<Self, OpenError> {
        Self::open_file(path.as_ref(), Presence::Forbidden).await
    }

    /// Opens the file. It is never made here: a log that has lost its head must not be signed again.
    pub async fn open(path: impl AsRef<Path>) -> std::result::Result<Self, OpenError> {
        Self::open_file(path.as_ref(), Presence::Required).await
    }

    /// Ends all connections; the file is then whole without its log.
    pub async fn close(&self) {
        self.db.close().await;
    }

    async fn open_file(path: &Path, presence: Presence) -> std::result::Result<Self, OpenError> {
        let migrations = sqlx::migrate!("../../migrations/sqlite/head");
        let db = Database::open(path, presence, cyberid_storage::Synchronous::Full, &migrations).await?;
        Ok(Self { db })
    }
}

#[async_trait]
impl LedgerHead for HeadDb {
    async fn head(&self) -> Result<Option<Head>> {
        let mut reader = self.db.reader().await?;
        Ok(head_in(&mut reader).await?)
    }

    async fn swap(&self, was: Option<(u64, [u8; 32])>, head: &Head) -> Result<bool> {
        let mut tx = self.db.begin("swap").await?;
        let is = head_in(&mut tx).await?.map(|head| (head.size, head.root));
        if is != was {
            return Ok(false);
        }
        replace(&mut tx, head).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn head_in(connection: &mut SqliteConnection) -> Answer<Option<Head>> {
    let row: Option<(i64, Vec<u8>, String)> = sqlx::query_as("SELECT size, root, note FROM head")
        .fetch_optional(connection)
        .await?;
    row.map(|(size, root, note)| {
        Ok(Head {
            size: count(size, "size")?,
            root: array(&root, "root")?,
            note,
        })
    })
    .transpose()
}

async fn replace(tx: &mut SqliteConnection, head: &Head) -> Answer<()> {
    let sql = "INSERT INTO head (one, size, root, note) VALUES (1, ?1, ?2, ?3) ON CONFLICT (one) \
               DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note";
    sqlx::query(sql)
        .bind(integer(head.size)?)
        .bind(head.root.as_slice())
        .bind(&head.note)
        .execute(tx)
        .await?;
    Ok(())
}
