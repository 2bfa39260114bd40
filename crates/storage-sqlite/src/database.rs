//! One database file: a writing connection, reading connections, and the one way to write.

use std::num::NonZero;
use std::ops::{Deref, DerefMut, RangeInclusive};
use std::path::Path;
use std::time::{Duration, Instant};

use cyberid_storage::Synchronous;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, Transaction};

use crate::fault::{Answer, Fault};
use crate::open::{OpenError, prepare_file};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Each connection has a thread and a cache of its own: there are as many that read as processors, within these bounds.
const READERS: RangeInclusive<usize> = 2..=4;
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
        synchronous: Synchronous,
        migrations: &Migrator,
    ) -> Result<Self, OpenError> {
        prepare_file(path)?;
        let options = options(path, synchronous);
        let writer = pool(1).connect_with(options.clone()).await?;
        migrate(&writer, migrations).await?;
        let readers = pool(readers()).connect_lazy_with(options.pragma("query_only", "ON"));
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

    /// Writes what stands here at one moment into a new file for its owner only, while others go on reading and writing.
    pub(crate) async fn snapshot(&self, path: &Path) -> Result<(), OpenError> {
        prepare_file(path)?;
        let mut alone = self.writer.connect_options().connect().await?;
        let written = sqlx::query("VACUUM INTO ?1")
            .bind(path.to_string_lossy())
            .execute(&mut alone)
            .await;
        alone.close().await?;
        written?;
        Ok(())
    }

    /// Moves the write-ahead log into the file, and syncs both; `false` if somebody still reads what was before a part of it.
    /// Nobody waits meanwhile. A process that ended before it had synced its log leaves what reads as if it were kept.
    pub(crate) async fn make_sure(&self) -> Answer<bool> {
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        let (is_busy, pages, moved): (bool, i64, i64) = sqlx::query_as(sql).fetch_one(&self.writer).await?;
        Ok(!is_busy && pages == moved)
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

fn options(path: &Path, synchronous: Synchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
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

fn readers() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let readers = processors.clamp(*READERS.start(), *READERS.end());
    u32::try_from(readers).unwrap_or(1)
}

/// In one transaction, so that two processes that start together do not migrate twice.
async fn migrate(writer: &SqlitePool, migrations: &Migrator) -> Result<(), OpenError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrations.run(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite/registry");

    async fn database(directory: &tempfile::TempDir) -> (Database, PathBuf) {
        let path = directory.path().join("registry.db");
        let db = Database::open(&path, Synchronous::Full, &MIGRATIONS)
            .await
            .unwrap();
        (db, path)
    }

    async fn impatient(path: &Path, timeout: Duration) -> Database {
        let options = options(path, Synchronous::Full).busy_timeout(timeout);
        Database {
            writer: pool(1).connect_with(options.clone()).await.unwrap(),
            readers: pool(1).connect_with(options).await.unwrap(),
        }
    }

    const BEGIN_ENROLMENT: &str = "INSERT INTO enrolment (subject, begun_at) VALUES (zeroblob(32), 0)";

    async fn enrolments(db: &Database) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM enrolment");
        count.fetch_one(db.readers()).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_written_is_synced_guarded_and_wiped() {
        let directory = tempfile::tempdir().unwrap();
        let (db, _) = database(&directory).await;
        let mut tx = db.begin("test").await.unwrap();
        // 2 is FULL.
        for (sql, expected) in [
            ("PRAGMA synchronous", 2),
            ("PRAGMA secure_delete", 1),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA trusted_schema", 0),
            ("PRAGMA recursive_triggers", 1),
        ] {
            let setting: i64 = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap();
            assert_eq!(setting, expected, "{sql}");
        }
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(mode, "wal");
    }

    #[tokio::test]
    async fn syncs_are_left_to_the_system_only_where_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry.db");
        let db = Database::open(&path, Synchronous::Normal, &MIGRATIONS);
        let setting = sqlx::query_scalar::<_, i64>("PRAGMA synchronous");
        let db = db.await.unwrap();
        assert_eq!(setting.fetch_one(&db.writer).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let directory = tempfile::tempdir().unwrap();
        let (db, _) = database(&directory).await;
        let written = sqlx::query(BEGIN_ENROLMENT).execute(db.readers()).await;
        assert!(written.unwrap_err().to_string().contains("readonly"));
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_writes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (db, _) = database(&directory).await;
        let mut tx = db.begin("test").await.unwrap();
        sqlx::query(BEGIN_ENROLMENT).execute(&mut *tx).await.unwrap();
        drop(tx);
        assert_eq!(
            db.write("test", sqlx::query("DELETE FROM enrolment"))
                .await
                .unwrap(),
            0
        );
    }

    /// A foreign key that is checked at the end makes the commit itself fail.
    #[tokio::test]
    async fn a_commit_that_fails_is_undone_and_the_next_one_works() {
        let directory = tempfile::tempdir().unwrap();
        let (db, _) = database(&directory).await;
        let mut tx = db.begin("test").await.unwrap();
        for sql in [
            "PRAGMA defer_foreign_keys = ON",
            BEGIN_ENROLMENT,
            "INSERT INTO over_asking (client_id, times) VALUES ('nobody', 1)",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        assert!(matches!(tx.commit().await, Err(Fault::Sql(_))));
        assert_eq!(enrolments(&db).await, 0);
        assert_eq!(db.write("test", sqlx::query(BEGIN_ENROLMENT)).await.unwrap(), 1);
        assert_eq!(enrolments(&db).await, 1);
    }

    #[tokio::test]
    async fn another_writer_is_waited_for_more_than_once() {
        let directory = tempfile::tempdir().unwrap();
        let (db, path) = database(&directory).await;
        let waiting = impatient(&path, Duration::from_millis(200)).await;
        let held = db.begin("test").await.unwrap();
        let release = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(held);
        });
        assert_eq!(
            waiting.write("test", sqlx::query(BEGIN_ENROLMENT)).await.unwrap(),
            1
        );
        release.await.unwrap();
    }

    #[tokio::test]
    async fn another_writer_is_not_waited_for_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let (db, path) = database(&directory).await;
        let waiting = impatient(&path, Duration::from_millis(10)).await;
        let _held = db.begin("test").await.unwrap();
        let refused = waiting.begin("test").await.map(|_| ());
        assert!(refused.is_err_and(|fault| fault.is_busy()));
    }
}
