//! The ledger's database: leaves, hash tiles, checkpoints.

mod append;

use std::path::Path;

use async_trait::async_trait;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_storage::ledger::{Batch, LeafFilter, LedgerRead, LedgerWrite, NewLeaf, StoredLeaf, StoredTile};
use cyberid_storage::{Result, Synchronous};
use sqlx::{QueryBuilder, Sqlite};

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::lock::Lock;
use crate::open::OpenError;
use crate::value::{count, integer, list, parsed, seconds};

/// The ledger's database.
#[derive(Clone)]
pub struct LedgerDb {
    db: Database,
    lock: Lock,
}

impl LedgerDb {
    /// Opens the file, and makes it if it is missing.
    pub async fn open(path: impl AsRef<Path>) -> std::result::Result<Self, OpenError> {
        Self::open_with(path, Synchronous::Full).await
    }

    /// The same, saying when what is written is synced.
    pub async fn open_with(
        path: impl AsRef<Path>,
        synchronous: Synchronous,
    ) -> std::result::Result<Self, OpenError> {
        let migrations = sqlx::migrate!("../../migrations/sqlite/ledger");
        let db = Database::open(path.as_ref(), synchronous, &migrations).await?;
        let lock = Lock::default();
        Ok(Self { db, lock })
    }

    /// The same, for the one process that writes: no other has it so until this is closed.
    pub async fn open_alone(
        path: impl AsRef<Path>,
        synchronous: Synchronous,
    ) -> std::result::Result<Self, OpenError> {
        let lock = Lock::take(path.as_ref())?;
        let opened = Self::open_with(path, synchronous).await?;
        Ok(Self { lock, ..opened })
    }

    /// The leaves from `start` on, at most `limit`, with their names: for a log that takes this one's place.
    pub async fn named_leaves(&self, start: u64, limit: u32) -> Result<Vec<NewLeaf>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT id, body FROM leaf WHERE place >= ?1 ORDER BY place LIMIT ?2")
                .bind(below_any(start))
                .bind(limit)
                .fetch_all(self.db.readers())
                .await
                .map_err(Fault::from)?;
        let named = |(id, body): (String, String)| {
            let id = parsed(&id, "leaf name")?;
            Ok(NewLeaf { id, body })
        };
        let leaves: Answer<_> = rows.into_iter().map(named).collect();
        Ok(leaves?)
    }

    /// Ends all connections; the file is then whole without its log.
    pub async fn close(&self) {
        self.db.close().await;
        self.lock.release();
    }
}

#[async_trait]
impl LedgerRead for LedgerDb {
    async fn size(&self) -> Result<u64> {
        let mut reader = self.db.reader().await?;
        Ok(append::size(&mut reader).await?)
    }

    async fn leaves(&self, start: u64, limit: u32) -> Result<Vec<StoredLeaf>> {
        self.matching(&LeafFilter::default(), start, u64::MAX, limit)
            .await
    }

    async fn matching(
        &self,
        filter: &LeafFilter,
        start: u64,
        end: u64,
        limit: u32,
    ) -> Result<Vec<StoredLeaf>> {
        let rows: Vec<(i64, String)> = matching(filter, start, end, limit)
            .build_query_as()
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let leaves: Answer<_> = rows.into_iter().map(stored_leaf).collect();
        Ok(leaves?)
    }

    async fn tile(&self, level: u8, index: u64) -> Result<Option<StoredTile>> {
        let hashes = sqlx::query_scalar("SELECT hashes FROM tile WHERE level = ?1 AND place = ?2")
            .bind(level)
            .bind(below_any(index))
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(hashes.map(|hashes| StoredTile { level, index, hashes }))
    }

    async fn checkpoint(&self) -> Result<Option<String>> {
        let note = sqlx::query_scalar("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(note)
    }

    async fn cosigned(&self, at_least: u64) -> Result<Option<String>> {
        let note = sqlx::query_scalar("SELECT note FROM cosigned WHERE size >= ?1 ORDER BY size LIMIT 1")
            .bind(below_any(at_least))
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(note)
    }

    async fn newest_cosigned(&self) -> Result<Option<String>> {
        let note = sqlx::query_scalar("SELECT note FROM cosigned ORDER BY size DESC LIMIT 1")
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(note)
    }

    async fn counts(&self, end: u64) -> Result<Vec<(String, Option<ClientId>, u64)>> {
        let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(COUNTS)
            .bind(below_any(end))
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let counts: Answer<_> = rows.into_iter().map(counted).collect();
        Ok(counts?)
    }
}

/// The tally without the leaves from the end on; the end is mostly near the last leaf.
const COUNTS: &str = "WITH later AS MATERIALIZED (\
    SELECT kind, coalesce(rp, '') AS rp, count(*) AS leaves FROM leaf NOT INDEXED WHERE place >= ?1 GROUP BY 1, 2) \
    SELECT tally.kind, nullif(tally.rp, ''), tally.leaves - coalesce(later.leaves, 0) \
    FROM tally LEFT JOIN later ON later.kind = tally.kind AND later.rp = tally.rp \
    WHERE tally.leaves > coalesce(later.leaves, 0) ORDER BY 1, 2";

#[async_trait]
impl LedgerWrite for LedgerDb {
    async fn append(&self, size: u64, batch: &Batch) -> Result<bool> {
        let mut tx = self.db.begin("append").await?;
        if append::size(&mut tx).await? != size {
            return Ok(false);
        }
        append::leaves(&mut tx, size, &batch.leaves).await?;
        for tile in &batch.tiles {
            append::tile(&mut tx, tile).await?;
        }
        let sql = "INSERT INTO checkpoint (size, note) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        sqlx::query(sql)
            .bind(integer(size.saturating_add(batch.leaves.len() as u64))?)
            .bind(&batch.checkpoint)
            .execute(&mut *tx)
            .await
            .map_err(Fault::from)?;
        tx.commit().await?;
        Ok(true)
    }

    async fn last_name(&self, before: &str) -> Result<Option<LeafId>> {
        let id: Option<String> =
            sqlx::query_scalar("SELECT id FROM leaf WHERE id < ?1 ORDER BY id DESC LIMIT 1")
                .bind(before)
                .fetch_optional(self.db.readers())
                .await
                .map_err(Fault::from)?;
        Ok(id.map(|id| parsed(&id, "leaf's name")).transpose()?)
    }

    async fn places(&self, names: &[LeafId]) -> Result<Vec<(LeafId, u64)>> {
        let sql = "SELECT id, place FROM leaf WHERE id IN (SELECT value FROM json_each(?1))";
        let rows: Vec<(String, i64)> = sqlx::query_as(sql)
            .bind(list(names.iter().map(LeafId::as_str)))
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let place =
            |(id, place): (String, i64)| Ok((parsed(&id, "leaf's name")?, count(place, "leaf index")?));
        let places: Answer<_> = rows.into_iter().map(place).collect();
        Ok(places?)
    }

    async fn make_sure(&self) -> Result<bool> {
        Ok(self.db.make_sure().await?)
    }

    async fn keep_cosigned(&self, size: u64, note: &str) -> Result<()> {
        let sql = "INSERT INTO cosigned (size, note) VALUES (?1, ?2) \
                   ON CONFLICT (size) DO UPDATE SET note = excluded.note";
        let keep = sqlx::query(sql).bind(integer(size)?).bind(note);
        self.db.write("keep_cosigned", keep).await?;
        Ok(())
    }
}

/// The filter's conditions are fixed texts; what is compared with is bound.
fn matching(filter: &LeafFilter, start: u64, end: u64, limit: u32) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT place, body FROM leaf WHERE place >= ");
    query.push_bind(below_any(start));
    query.push(" AND place < ").push_bind(below_any(end));
    if let Some(kind) = &filter.kind {
        query.push(" AND kind = ").push_bind(kind.clone());
    }
    if let Some(rp) = &filter.rp {
        query.push(" AND rp = ").push_bind(rp.as_str().to_owned());
    }
    if let Some(from) = filter.from {
        query.push(" AND time >= ").push_bind(seconds(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND time < ").push_bind(seconds(to));
    }
    query.push(" ORDER BY place LIMIT ").push_bind(limit);
    query
}

/// A bound for a place: no place is as large as the largest integer.
fn below_any(bound: u64) -> i64 {
    i64::try_from(bound).unwrap_or(i64::MAX)
}

fn stored_leaf((place, body): (i64, String)) -> Answer<StoredLeaf> {
    let index = count(place, "leaf index")?;
    Ok(StoredLeaf { index, body })
}

fn counted((kind, rp, leaves): (String, Option<String>, i64)) -> Answer<(String, Option<ClientId>, u64)> {
    let rp = rp.map(|rp| parsed(&rp, "relying party")).transpose()?;
    Ok((kind, rp, count(leaves, "count")?))
}
