//! The shares of a key holder by the keys that they are sealed to, the same in both databases.

use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_storage::seals::{ResealedShare, SealedShare, ShareRow};
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::value::{array, count};

/// How one of the two databases is asked.
pub(crate) struct Statements {
    keys: &'static str,
    count: &'static str,
    next: &'static str,
    replace: &'static str,
}

macro_rules! statements {
    ($table:literal, $field:literal, $staged:literal) => {
        Statements {
            // One step through the index for each key, however many shares there are.
            keys: concat!(
                "WITH RECURSIVE key (it) AS (SELECT min(substr(share, 1, 32)) FROM ",
                $table,
                " UNION ALL SELECT (SELECT min(substr(share, 1, 32)) FROM ",
                $table,
                " WHERE substr(share, 1, 32) > it) FROM key WHERE it IS NOT NULL) \
                 SELECT it FROM key WHERE it IS NOT NULL"
            ),
            // What is kept beside a record until it takes its place counts: it needs its key when it does.
            count: concat!(
                "SELECT (SELECT count(*) FROM ",
                $table,
                " WHERE substr(share, 1, 32) = ?1) + (SELECT count(*) FROM ",
                $staged,
                " WHERE substr(share, 1, 32) = ?1)"
            ),
            next: concat!(
                "SELECT subject, ",
                $field,
                ", share FROM ",
                $table,
                " JOIN record USING (subject) WHERE substr(share, 1, 32) = ?1 AND confirmed \
                 AND (subject, ",
                $field,
                ") > (?2, ?3) ORDER BY subject, ",
                $field,
                " LIMIT ?4"
            ),
            replace: concat!(
                "UPDATE ",
                $table,
                " SET share = ?1 WHERE subject = ?2 AND ",
                $field,
                " = ?3 AND share = ?4"
            ),
        }
    };
}

/// The vault's shares.
pub(crate) const VAULT: Statements = statements!("field", "name", "staged_field");

/// The custodian's shares.
pub(crate) const CUSTODIAN: Statements = statements!("share", "field", "staged_share");

impl Statements {
    pub(crate) async fn seal_keys(&self, db: &Database) -> Answer<Vec<[u8; 32]>> {
        let keys: Vec<Vec<u8>> = sqlx::query_scalar(self.keys).fetch_all(db.readers()).await?;
        keys.iter().map(|key| array(key, "seal of a share")).collect()
    }

    pub(crate) async fn sealed_to(&self, db: &Database, key: &[u8; 32]) -> Answer<u64> {
        let query = sqlx::query_scalar(self.count).bind(key.as_slice());
        count(query.fetch_one(db.readers()).await?, "number of shares")
    }

    pub(crate) async fn next_sealed_to(
        &self,
        db: &Database,
        key: &[u8; 32],
        after: Option<ShareRow>,
        limit: u32,
    ) -> Answer<Vec<SealedShare>> {
        // Before every row stands the empty one.
        let subject = after
            .map(|row| row.subject.as_bytes().to_vec())
            .unwrap_or_default();
        let field = after.map_or("", |row| row.field.as_str());
        let rows: Vec<(Vec<u8>, String, Vec<u8>)> = sqlx::query_as(self.next)
            .bind(key.as_slice())
            .bind(subject)
            .bind(field)
            .bind(i64::from(limit))
            .fetch_all(db.readers())
            .await?;
        rows.into_iter().map(read).collect()
    }

    pub(crate) async fn reseal(&self, db: &Database, shares: &[ResealedShare]) -> Answer<u64> {
        if shares.is_empty() {
            return Ok(0);
        }
        let mut tx = db.begin("reseal").await?;
        let mut replaced = 0;
        for share in shares {
            replaced += self.replace(&mut tx, share).await?;
        }
        tx.commit().await?;
        db.wipe_log().await;
        Ok(replaced)
    }

    async fn replace(&self, tx: &mut SqliteConnection, share: &ResealedShare) -> Answer<u64> {
        let ShareRow { subject, field } = share.old.row;
        let replaced = sqlx::query(self.replace)
            .bind(share.new.as_slice())
            .bind(subject.as_bytes().as_slice())
            .bind(field.as_str())
            .bind(share.old.share.as_slice())
            .execute(tx)
            .await?;
        Ok(replaced.rows_affected())
    }
}

fn read((subject, field, share): (Vec<u8>, String, Vec<u8>)) -> Answer<SealedShare> {
    let subject = SubjectId::from_bytes(array(&subject, "subject")?);
    let field = Field::named(&field).ok_or(Fault::Corrupt("field"))?;
    let row = ShareRow { subject, field };
    Ok(SealedShare { row, share })
}
