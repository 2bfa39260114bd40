//! Writing a batch: few statements for many leaves.

use std::collections::BTreeMap;

use cyberid_storage::ledger::{NewLeaf, StoredTile};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::fault::Answer;
use crate::value::{count, integer};

/// How many leaves one statement writes; the statement for as many is prepared once.
const ROWS: usize = 512;

/// What a leaf is found by.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Found<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    rp: Option<std::borrow::Cow<'a, str>>,
    time: i64,
}

/// What this leaf is found by: one that is none of ours is found by its place alone.
fn found(leaf: &NewLeaf) -> Found<'_> {
    serde_json::from_str(&leaf.body).unwrap_or_default()
}

/// How many leaves there are.
pub(super) async fn size(connection: &mut SqliteConnection) -> Answer<u64> {
    let size: i64 = sqlx::query_scalar("SELECT coalesce(max(place) + 1, 0) FROM leaf")
        .fetch_one(connection)
        .await?;
    count(size, "size")
}

/// Writes leaves at `size`, and counts them.
pub(super) async fn leaves(tx: &mut SqliteConnection, size: u64, leaves: &[NewLeaf]) -> Answer<()> {
    let mut tally = BTreeMap::new();
    let mut place = integer(size)?;
    for rows in leaves.chunks(ROWS) {
        let mut insert = sqlx::query(AssertSqlSafe(insert(rows.len())));
        for leaf in rows {
            let Found { kind, rp, time } = found(leaf);
            let named = (
                kind.clone().into_owned(),
                rp.clone().unwrap_or_default().into_owned(),
            );
            *tally.entry(named).or_insert(0_i64) += 1;
            insert = insert
                .bind(place)
                .bind(leaf.id.as_str())
                .bind(kind.into_owned())
                .bind(rp.map(std::borrow::Cow::into_owned))
                .bind(time)
                .bind(&leaf.body);
            place += 1;
        }
        insert.persistent(rows.len() == ROWS).execute(&mut *tx).await?;
    }
    for ((kind, rp), leaves) in tally {
        let sql = "INSERT INTO tally (kind, rp, leaves) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (kind, rp) DO UPDATE SET leaves = leaves + excluded.leaves";
        sqlx::query(sql)
            .bind(kind)
            .bind(rp)
            .bind(leaves)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// A fixed text for so many rows.
fn insert(rows: usize) -> String {
    let mut sql = "INSERT INTO leaf (place, id, kind, rp, time, body) VALUES (?, ?, ?, ?, ?, ?)".to_owned();
    sql.push_str(&", (?, ?, ?, ?, ?, ?)".repeat(rows.saturating_sub(1)));
    sql
}

/// Writes a tile over what it was.
pub(super) async fn tile(tx: &mut SqliteConnection, tile: &StoredTile) -> Answer<()> {
    let sql = "INSERT INTO tile (level, place, hashes) VALUES (?1, ?2, ?3) \
               ON CONFLICT (level, place) DO UPDATE SET hashes = excluded.hashes";
    sqlx::query(sql)
        .bind(tile.level)
        .bind(integer(tile.index)?)
        .bind(tile.hashes.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}
