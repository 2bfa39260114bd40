//! Moving a person's tag in the blind index under a newer key.

use crate::database::Database;
use crate::fault::Answer;

/// What is kept under an older tag, in either table, is kept under the new one; who is there already stays.
const MOVES: [&str; 3] = [
    "UPDATE OR IGNORE reservation SET tag = ?2 WHERE tag = ?1",
    "INSERT INTO cooling_off (tag, since) SELECT ?2, since FROM cooling_off WHERE tag = ?1 ON CONFLICT DO NOTHING",
    "DELETE FROM cooling_off WHERE tag = ?1 AND tag <> ?2",
];

pub(crate) async fn reindex(db: &Database, older: &[[u8; 32]], tag: &[u8; 32]) -> Answer<()> {
    if older.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin("reindex").await?;
    for old in older {
        for sql in MOVES {
            let step = sqlx::query(sql).bind(old.as_slice()).bind(tag.as_slice());
            step.execute(&mut *tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
