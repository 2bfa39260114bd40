//! Who is whose guardian.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::guardianship::{Guardianship, Guardianships, Ward};
use cyberid_storage::single_use::SingleUse;
use sqlx::SqliteConnection;

use crate::database::Database;
use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::single_use::use_up;
use crate::value::{array, seconds};

#[async_trait]
impl Guardianships for RegistryDb {
    async fn establish(&self, guardianship: &Guardianship, consent: &SingleUse) -> Result<bool> {
        let mut tx = self.db.begin("establish").await?;
        let new = keep(&mut tx, guardianship).await?;
        if !new && has_ended(&mut tx, guardianship).await? {
            return Ok(false);
        }
        if !use_up(&mut tx, consent).await? {
            // Whoever did not hear the answer asks again.
            return Ok(!new);
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn dissolve(&self, ward: &SubjectId) -> Result<()> {
        let dissolve =
            sqlx::query("DELETE FROM guardianship WHERE ward = ?1").bind(ward.as_bytes().as_slice());
        self.db.write("dissolve", dissolve).await?;
        Ok(())
    }

    async fn end_guardianship(&self, ward: &SubjectId, guardian: &SubjectId, at: UnixTime) -> Result<bool> {
        let sql =
            "UPDATE guardianship SET ended_at = ?3 WHERE ward = ?1 AND guardian = ?2 AND ended_at IS NULL";
        let end = sqlx::query(sql)
            .bind(ward.as_bytes().as_slice())
            .bind(guardian.as_bytes().as_slice())
            .bind(seconds(at));
        Ok(self.db.write("end_guardianship", end).await? > 0)
    }

    async fn has_guardian(&self, ward: &SubjectId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM guardianship JOIN subject ON subject.subject = guardian \
                   WHERE ward = ?1 AND ended_at IS NULL AND status = 'active' AND age_flags & ?2 <> 0)";
        let has = sqlx::query_scalar(sql)
            .bind(ward.as_bytes().as_slice())
            .bind(AgeFlags::default().with(Threshold::Eighteen).bits())
            .fetch_one(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(has)
    }

    async fn wards(&self, guardian: &SubjectId) -> Result<Vec<Ward>> {
        Ok(wards(&self.db, guardian).await?)
    }
}

/// Keeps a guardianship; whether it is new.
async fn keep(tx: &mut SqliteConnection, guardianship: &Guardianship) -> Answer<bool> {
    let sql = "INSERT INTO guardianship (ward, guardian, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let kept = sqlx::query(sql)
        .bind(guardianship.ward.as_bytes().as_slice())
        .bind(guardianship.guardian.as_bytes().as_slice())
        .bind(seconds(guardianship.since))
        .execute(tx)
        .await?;
    Ok(kept.rows_affected() > 0)
}

/// Whether the guardian ended this guardianship.
async fn has_ended(tx: &mut SqliteConnection, guardianship: &Guardianship) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM guardianship WHERE ward = ?1 AND guardian = ?2 AND ended_at IS NOT NULL)";
    Ok(sqlx::query_scalar(sql)
        .bind(guardianship.ward.as_bytes().as_slice())
        .bind(guardianship.guardian.as_bytes().as_slice())
        .fetch_one(tx)
        .await?)
}

async fn wards(db: &Database, guardian: &SubjectId) -> Answer<Vec<Ward>> {
    let sql = "SELECT guardianship.ward, age_flags, jkt FROM guardianship \
               JOIN subject ON subject.subject = guardianship.ward \
               JOIN device ON device.subject = guardianship.ward \
               WHERE guardian = ?1 AND ended_at IS NULL AND age_flags & ?2 = 0 \
               ORDER BY since, guardianship.ward, bound_at, jkt";
    let rows: Vec<(Vec<u8>, u8, String)> = sqlx::query_as(sql)
        .bind(guardian.as_bytes().as_slice())
        .bind(AgeFlags::default().with(Threshold::Eighteen).bits())
        .fetch_all(db.readers())
        .await?;
    let mut wards: Vec<Ward> = Vec::new();
    for (ward, age_flags, jkt) in rows {
        let ward = SubjectId::from_bytes(array(&ward, "ward")?);
        match wards.last_mut().filter(|last| last.ward == ward) {
            Some(last) => last.devices.push(jkt),
            None => wards.push(Ward {
                ward,
                age_flags: AgeFlags::from_bits(age_flags),
                devices: vec![jkt],
            }),
        }
    }
    Ok(wards)
}
