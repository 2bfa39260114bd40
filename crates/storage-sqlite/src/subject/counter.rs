//! Keys that act once: kept before they are bound, used in one transaction.

use cyberid_domain::UnixTime;
use cyberid_storage::counter::{MOST_CODES, NewCodes, UNBOUND_AFTER};
use sqlx::SqliteConnection;

use crate::fault::Answer;
use crate::value::seconds;

/// `false` if a key is or was somebody's, or there are too many.
pub(super) async fn keep(tx: &mut SqliteConnection, codes: &NewCodes) -> Answer<bool> {
    for jkt in &codes.jkts {
        let sql = "INSERT INTO counter_code (jkt, subject, station, kept_at) SELECT ?1, ?2, ?3, ?4 \
                   WHERE NOT EXISTS (SELECT 1 FROM device WHERE jkt = ?1) \
                   AND NOT EXISTS (SELECT 1 FROM revoked_device WHERE jkt = ?1) ON CONFLICT DO NOTHING";
        let kept = sqlx::query(sql)
            .bind(jkt)
            .bind(codes.subject.as_bytes().as_slice())
            .bind(codes.station.as_str())
            .bind(seconds(codes.now))
            .execute(&mut *tx)
            .await?;
        if kept.rows_affected() == 0 {
            return Ok(false);
        }
    }
    // Those of an earlier sheet count for as long as they are bound.
    let sql = "SELECT count(*) FROM counter_code WHERE subject = ?1 AND used_at IS NULL \
               AND (kept_at = ?2 OR EXISTS (SELECT 1 FROM device WHERE device.jkt = counter_code.jkt))";
    let unused: u32 = sqlx::query_scalar(sql)
        .bind(codes.subject.as_bytes().as_slice())
        .bind(seconds(codes.now))
        .fetch_one(tx)
        .await?;
    Ok(unused <= MOST_CODES)
}

/// `false` if the key is no code that is bound, or was used. The last key of a holder stays bound: by it the key holders know
/// the record.
pub(super) async fn take(tx: &mut SqliteConnection, jkt: &str, now: UnixTime) -> Answer<bool> {
    let sql = "UPDATE counter_code SET used_at = ?2 WHERE jkt = ?1 AND used_at IS NULL \
               AND EXISTS (SELECT 1 FROM device WHERE device.jkt = ?1)";
    let taken = sqlx::query(sql).bind(jkt).bind(seconds(now));
    if taken.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO unbinding (jkt, subject, key, due) SELECT jkt, subject, key, ?2 FROM device AS used \
               WHERE jkt = ?1 AND EXISTS (SELECT 1 FROM device WHERE device.subject = used.subject AND NOT EXISTS \
               (SELECT 1 FROM counter_code WHERE counter_code.jkt = device.jkt AND used_at IS NOT NULL)) \
               ON CONFLICT (jkt) DO NOTHING";
    let unbind = sqlx::query(sql).bind(jkt).bind(seconds(now.plus(UNBOUND_AFTER)));
    unbind.execute(tx).await?;
    Ok(true)
}
