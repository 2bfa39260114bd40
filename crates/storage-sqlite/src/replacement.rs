//! New versions of records at the key holders.

use async_trait::async_trait;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_storage::Result;
use cyberid_storage::custodian::CustodianShare;
use cyberid_storage::replacement::{CustodianReplacements, VaultReplacements};
use cyberid_storage::vault::VaultField;
use sqlx::SqliteConnection;

use crate::custodian::CustodianDb;
use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::vault::VaultDb;

#[async_trait]
impl VaultReplacements for VaultDb {
    async fn stage(
        &self,
        subject: &SubjectId,
        version: &Nonce,
        tag: &[u8; 32],
        fields: &[VaultField],
    ) -> Result<bool> {
        let mut tx = self.database().begin("stage").await?;
        match begin(&mut tx, subject, version).await? {
            Begun::Anew => {}
            Begun::InForce => return Ok(true),
            Begun::NoRecord => return Ok(false),
        }
        if !retag(&mut tx, subject, tag).await? {
            return Ok(false);
        }
        for field in fields {
            keep_field(&mut tx, subject, field).await?;
        }
        tx.commit().await?;
        self.database().wipe_log().await;
        Ok(true)
    }

    async fn staged(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>> {
        let kept = staged_fields(self.database(), subject).await?;
        let asked = |field: &Field| kept.iter().find(|kept| kept.field == *field).cloned();
        Ok(fields.iter().filter_map(asked).collect())
    }

    async fn switch(&self, subject: &SubjectId, version: &Nonce) -> Result<bool> {
        let swap = [
            "DELETE FROM field WHERE subject = ?1",
            "INSERT INTO field (subject, name, ciphertext, share) \
             SELECT subject, name, ciphertext, share FROM staged_field WHERE subject = ?1",
        ];
        Ok(switch(self.database(), subject, version, &swap).await?)
    }
}

#[async_trait]
impl CustodianReplacements for CustodianDb {
    async fn stage(&self, subject: &SubjectId, version: &Nonce, shares: &[CustodianShare]) -> Result<bool> {
        let mut tx = self.database().begin("stage").await?;
        match begin(&mut tx, subject, version).await? {
            Begun::Anew => {}
            Begun::InForce => return Ok(true),
            Begun::NoRecord => return Ok(false),
        }
        for share in shares {
            keep_share(&mut tx, subject, share).await?;
        }
        tx.commit().await?;
        self.database().wipe_log().await;
        Ok(true)
    }

    async fn switch(&self, subject: &SubjectId, version: &Nonce) -> Result<bool> {
        let swap = [
            "DELETE FROM share WHERE subject = ?1",
            "INSERT INTO share (subject, field, share) \
             SELECT subject, field, share FROM staged_share WHERE subject = ?1",
        ];
        Ok(switch(self.database(), subject, version, &swap).await?)
    }
}

/// How the staging of a version begins.
enum Begun {
    /// Nothing of it is kept.
    Anew,
    /// It is in force already.
    InForce,
    /// There is no confirmed record.
    NoRecord,
}

/// Makes room for a version beside the one in force.
async fn begin(tx: &mut SqliteConnection, subject: &SubjectId, version: &Nonce) -> Answer<Begun> {
    if is_in_force(tx, subject, version).await? {
        return Ok(Begun::InForce);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM record WHERE subject = ?1 AND confirmed)";
    let confirmed: bool = sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_one(&mut *tx)
        .await?;
    if !confirmed {
        return Ok(Begun::NoRecord);
    }
    run(tx, "DELETE FROM staged_version WHERE subject = ?1", subject).await?;
    sqlx::query("INSERT INTO staged_version (subject, version) VALUES (?1, ?2)")
        .bind(subject.as_bytes().as_slice())
        .bind(version.as_str())
        .execute(tx)
        .await?;
    Ok(Begun::Anew)
}

/// Puts the staged version into force by these statements.
async fn switch(db: &Database, subject: &SubjectId, version: &Nonce, swap: &[&'static str]) -> Answer<bool> {
    let mut tx = db.begin("switch").await?;
    if is_in_force(&mut tx, subject, version).await? {
        return Ok(true);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM staged_version WHERE subject = ?1 AND version = ?2)";
    let staged: bool = sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(version.as_str())
        .fetch_one(&mut *tx)
        .await?;
    if !staged {
        return Ok(false);
    }
    for statement in swap {
        run(&mut tx, statement, subject).await?;
    }
    run(&mut tx, "DELETE FROM staged_version WHERE subject = ?1", subject).await?;
    let sql = "INSERT INTO version_in_force (subject, version) VALUES (?1, ?2) \
               ON CONFLICT (subject) DO UPDATE SET version = excluded.version";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(version.as_str())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    db.wipe_log().await;
    Ok(true)
}

async fn is_in_force(tx: &mut SqliteConnection, subject: &SubjectId, version: &Nonce) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM version_in_force WHERE subject = ?1 AND version = ?2)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(version.as_str())
        .fetch_one(tx)
        .await?)
}

/// Gives the person another tag in the blind index; `false` if it is somebody else's.
async fn retag(tx: &mut SqliteConnection, subject: &SubjectId, tag: &[u8; 32]) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM reservation WHERE tag = ?2 AND subject <> ?1)";
    let taken: bool = sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(tag.as_slice())
        .fetch_one(&mut *tx)
        .await?;
    if taken {
        return Ok(false);
    }
    let moved = sqlx::query("UPDATE reservation SET tag = ?2 WHERE subject = ?1")
        .bind(subject.as_bytes().as_slice())
        .bind(tag.as_slice())
        .execute(tx)
        .await?;
    Ok(moved.rows_affected() > 0)
}

async fn keep_field(tx: &mut SqliteConnection, subject: &SubjectId, field: &VaultField) -> Answer<()> {
    sqlx::query("INSERT INTO staged_field (subject, name, ciphertext, share) VALUES (?1, ?2, ?3, ?4)")
        .bind(subject.as_bytes().as_slice())
        .bind(field.field.as_str())
        .bind(field.ciphertext.as_slice())
        .bind(field.share.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

async fn keep_share(tx: &mut SqliteConnection, subject: &SubjectId, share: &CustodianShare) -> Answer<()> {
    sqlx::query("INSERT INTO staged_share (subject, field, share) VALUES (?1, ?2, ?3)")
        .bind(subject.as_bytes().as_slice())
        .bind(share.field.as_str())
        .bind(share.share.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

async fn staged_fields(db: &Database, subject: &SubjectId) -> Answer<Vec<VaultField>> {
    let sql = "SELECT name, ciphertext, share FROM staged_field WHERE subject = ?1";
    let rows: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(db.readers())
        .await?;
    let read = |(name, ciphertext, share): (String, Vec<u8>, Vec<u8>)| {
        let field = Field::named(&name).ok_or(Fault::Corrupt("field"))?;
        Ok(VaultField {
            field,
            ciphertext,
            share,
        })
    };
    rows.into_iter().map(read).collect()
}

async fn run(tx: &mut SqliteConnection, sql: &'static str, subject: &SubjectId) -> Answer<()> {
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_domain::rng::SystemRng;
    use cyberid_storage::key_holder::{BoundDevice, KeyHolderStore as _};
    use cyberid_storage::vault::VaultStore as _;

    use super::*;

    fn field(content: u8) -> VaultField {
        VaultField {
            field: Field::Name,
            ciphertext: vec![content; 40],
            share: vec![content; 80],
        }
    }

    async fn deposited(vault: &VaultDb, byte: u8) -> SubjectId {
        let subject = SubjectId::from_bytes([byte; 32]);
        let device = BoundDevice {
            subject,
            key: [byte; 65],
            number_commitment: Some([byte; 32]),
            release_from: UnixTime(0),
        };
        assert!(vault.reserve(&[byte; 32], &subject, UnixTime(1)).await.unwrap());
        assert!(
            vault
                .deposit(&device, &format!("jkt-{byte}"), &[field(byte)])
                .await
                .unwrap()
        );
        assert!(vault.confirm(&subject).await.unwrap());
        subject
    }

    #[tokio::test]
    async fn a_version_stands_beside_the_old_one_and_then_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let vault = VaultDb::open(folder.path().join("vault.db")).await.unwrap();
        let (one, two) = (deposited(&vault, 1).await, deposited(&vault, 2).await);
        let (first, second) = (Nonce::random(&SystemRng), Nonce::random(&SystemRng));
        let in_force = async || vault.fields(&one, &[Field::Name]).await.unwrap();
        assert!(!vault.switch(&one, &first).await.unwrap());
        assert!(vault.stage(&one, &first, &[9; 32], &[field(9)]).await.unwrap());
        assert!(vault.stage(&one, &second, &[8; 32], &[field(8)]).await.unwrap());
        assert_eq!(in_force().await, [field(1)]);
        assert_eq!(vault.staged(&one, &[Field::Name]).await.unwrap(), [field(8)]);
        assert!(
            !vault.switch(&one, &first).await.unwrap(),
            "another took its place"
        );
        for _ in 0..2 {
            assert!(vault.switch(&one, &second).await.unwrap());
            assert!(vault.stage(&one, &second, &[8; 32], &[field(8)]).await.unwrap());
            assert_eq!(in_force().await, [field(8)]);
            assert_eq!(vault.staged(&one, &[Field::Name]).await.unwrap(), []);
        }
        assert_eq!(vault.fields(&two, &[Field::Name]).await.unwrap(), [field(2)]);
        let nobody = SubjectId::from_bytes([3; 32]);
        assert!(!vault.stage(&nobody, &first, &[7; 32], &[field(7)]).await.unwrap());
    }

    #[tokio::test]
    async fn a_new_number_is_the_persons_own_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let vault = VaultDb::open(folder.path().join("vault.db")).await.unwrap();
        let (one, _two) = (deposited(&vault, 1).await, deposited(&vault, 2).await);
        let version = Nonce::random(&SystemRng);
        assert!(!vault.stage(&one, &version, &[2; 32], &[field(9)]).await.unwrap());
        assert_eq!(vault.staged(&one, &[Field::Name]).await.unwrap(), []);
        assert!(vault.stage(&one, &version, &[9; 32], &[field(9)]).await.unwrap());
        let stranger = SubjectId::from_bytes([3; 32]);
        assert!(!vault.reserve(&[9; 32], &stranger, UnixTime(1)).await.unwrap());
    }
}
