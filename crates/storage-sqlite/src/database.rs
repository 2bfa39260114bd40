//! One database file: a writing connection, reading connections, and the one way to write.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Sqlite, SqliteConnection, Transaction};

use crate::fault::{Answer, Fault};
use crate::open::{OpenError, Presence, prepare_file};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
const ATTEMPTS: u32 = 4;

/// One database file.
#[derive(Clone)]
pub(crate) struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, and brings it up to its last migration.
    pub(crate) async fn open(
        path: &Path,
        presence: Presence,
        migrations: &Migrator,
    ) -> Result<Self, OpenError> {
        prepare_file(path, presence)?;
        let options = options(path);
        let writer = pool(1).connect_with(options.clone()).await?;
        migrate(&writer, migrations).await?;
        let readers = pool(READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self { writer, readers })
    }

    /// Where single statements read.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> Answer<PoolConnection<Sqlite>> {
        Ok(self.readers.acquire().await?)
    }

    /// Begins the transaction of this name: the one way to write.
    ///
    /// It takes the write lock at once, so that only this can find another process writing; that is waited for and
    /// tried again here. What was written goes when the transaction is dropped without [`Tx::commit`].
    pub(crate) async fn begin(&self, name: &'static str) -> Answer<Tx> {
        let timer = Timer {
            name,
            started: Instant::now(),
        };
        let mut attempt = 1;
        loop {
            match self
                .writer
                .begin_with("BEGIN IMMEDIATE")
                .await
                .map_err(Fault::from)
            {
                Ok(inner) => return Ok(Tx { inner, _timer: timer }),
                Err(fault) if fault.is_busy() && attempt < ATTEMPTS => attempt += 1,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Runs one statement as the transaction of this name; returns how many rows it wrote.
    pub(crate) async fn write(
        &self,
        name: &'static str,
        statement: Query<'_, Sqlite, SqliteArguments>,
    ) -> Answer<u64> {
        let mut tx = self.begin(name).await?;
        let rows = statement.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(rows)
    }

    /// Moves the write-ahead log into the file and empties it, so that what was deleted is not in it any more. It
    /// is done as far as no reader is in the way; closing does the rest.
    pub(crate) async fn wipe_log(&self) {
        let wiped = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.writer)
            .await;
        metrics::counter!("storage_log_wipes_total", "done" => if wiped.is_ok() { "yes" } else { "no" })
            .increment(1);
    }

    /// Ends all connections; the file is then whole without its log.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.wipe_log().await;
        self.writer.close().await;
    }
}

/// A transaction that holds the write lock.
pub(crate) struct Tx {
    inner: Transaction<'static, Sqlite>,
    _timer: Timer,
}

impl Tx {
    /// Makes durable what was written. When this fails, whether it happened is unknown.
    pub(crate) async fn commit(self) -> Answer<()> {
        Ok(self.inner.commit().await?)
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

/// Measures a transaction from its wait for the lock to its end, whichever it is.
struct Timer {
    name: &'static str,
    started: Instant,
}

impl Drop for Timer {
    fn drop(&mut self) {
        metrics::histogram!("storage_transaction_seconds", "transaction" => self.name)
            .record(self.started.elapsed());
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("secure_delete", "ON")
        .pragma("recursive_triggers", "ON")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// In one transaction, so that two processes that start together do not migrate twice.
async fn migrate(writer: &SqlitePool, migrations: &Migrator) -> Result<(), OpenError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrations.run(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}
