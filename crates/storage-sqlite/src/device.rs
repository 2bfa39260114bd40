//! The devices of holders: begun, added, revoked; and what holders are told of it.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_domain::device::AlertKind;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::device::{
    Alert, BeginningDevice, Begun, Devices, KnownDevice, ListedDevice, MOST, MOST_ALERTS, MOST_REVOKED_A_DAY,
    NewDevice, Revoked, TOLD_ONCE, Unbinding,
};
use cyberid_storage::subject::{HashedPin, SubjectDevice};
use sqlx::SqliteConnection;

use crate::cancellation;
use crate::fault::{Answer, Fault};
use crate::registry::RegistryDb;
use crate::value::{array, moment, seconds};

/// Whose, the key, since when it may release, and when it was revoked.
type KnownRow = (Vec<u8>, Option<Vec<u8>>, i64, Option<i64>);

#[async_trait]
impl Devices for RegistryDb {
    async fn begin_device(&self, device: &BeginningDevice) -> Result<Begun> {
        let mut tx = self.db.begin("begin_device").await?;
        if is_known(&mut tx, &device.jkt).await? {
            return Ok(Begun::Taken);
        }
        if !device.replaces_all && !is_code(&mut tx, &device.jkt).await? {
            let has = count(&mut tx, &device.subject).await?;
            let revoked = revoked_since(&mut tx, &device.subject, device.now.minus(DAY)).await?;
            if has >= MOST || revoked >= MOST_REVOKED_A_DAY {
                return Ok(Begun::Full);
            }
        }
        if !begin(&mut tx, device).await? {
            return Ok(Begun::Taken);
        }
        tx.commit().await?;
        Ok(Begun::Now)
    }

    async fn add_device(&self, new: &NewDevice) -> Result<bool> {
        let (subject, now) = (&new.subject, new.device.bound_at);
        let mut tx = self.db.begin("add_device").await?;
        if is_added(&mut tx, new).await? {
            return Ok(true);
        }
        if !take_beginning(&mut tx, new).await? {
            return Ok(false);
        }
        if new.revoke_others {
            for jkt in device_keys(&mut tx, subject).await? {
                revoke(&mut tx, subject, &jkt, now).await?;
            }
            drop_begun(&mut tx, subject).await?;
        } else if !is_code(&mut tx, &new.device.jkt).await? && count(&mut tx, subject).await? >= MOST {
            return Ok(false);
        }
        keep(&mut tx, new).await?;
        if let Some(pin) = &new.pin {
            set_pin(&mut tx, subject, pin).await?;
        }
        let alert = Alert {
            time: now,
            kind: new.alert,
            device: Some(new.device.jkt.clone()),
        };
        tell(&mut tx, subject, &alert).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn revoke_device(&self, subject: &SubjectId, jkt: &str, now: UnixTime) -> Result<Revoked> {
        let mut tx = self.db.begin("revoke_device").await?;
        let keys = acting_keys(&mut tx, subject).await?;
        if !keys.iter().any(|key| key == jkt) {
            return Ok(Revoked::NotThere);
        }
        if keys.len() == 1 {
            return Ok(Revoked::Last);
        }
        if cancellation::is_begun(&mut tx, subject).await? {
            return Ok(Revoked::Ending);
        }
        revoke(&mut tx, subject, jkt, now).await?;
        drop_begun(&mut tx, subject).await?;
        tx.commit().await?;
        Ok(Revoked::Now)
    }

    async fn listed_devices(&self, subject: &SubjectId) -> Result<Vec<ListedDevice>> {
        let sql = "SELECT jkt, key, bound_at, release_from FROM device WHERE subject = ?1 AND NOT EXISTS \
             (SELECT 1 FROM counter_code WHERE counter_code.jkt = device.jkt AND used_at IS NOT NULL) ORDER BY bound_at, jkt";
        let rows: Vec<(String, Vec<u8>, i64, i64)> = sqlx::query_as(sql)
            .bind(subject.as_bytes().as_slice())
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(rows.into_iter().map(listed).collect::<Answer<_>>()?)
    }

    async fn known_device(&self, jkt: &str) -> Result<Option<KnownDevice>> {
        let sql = "SELECT subject, key, release_from, NULL FROM device WHERE jkt = ?1 \
                   UNION ALL SELECT subject, key, release_from, revoked_at FROM revoked_device WHERE jkt = ?1";
        let row: Option<KnownRow> = sqlx::query_as(sql)
            .bind(jkt)
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(row.map(known).transpose()?)
    }

    async fn unbindings_due(&self, now: UnixTime, limit: u32) -> Result<Vec<Unbinding>> {
        let sql = "SELECT jkt, subject, key FROM unbinding WHERE due <= ?1 ORDER BY due LIMIT ?2";
        let rows: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(sql)
            .bind(seconds(now))
            .bind(limit)
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(rows.into_iter().map(unbinding).collect::<Answer<_>>()?)
    }

    async fn end_unbinding(&self, jkt: &str) -> Result<()> {
        let end = sqlx::query("DELETE FROM unbinding WHERE jkt = ?1").bind(jkt);
        self.db.write("end_unbinding", end).await?;
        Ok(())
    }

    async fn set_pin(&self, subject: &SubjectId, pin: &HashedPin, alert: &Alert) -> Result<bool> {
        let mut tx = self.db.begin("set_pin").await?;
        if !set_pin(&mut tx, subject, pin).await? {
            return Ok(false);
        }
        tell(&mut tx, subject, alert).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn tell(&self, subject: &SubjectId, alert: &Alert) -> Result<()> {
        let mut tx = self.db.begin("tell").await?;
        if !is_told(&mut tx, subject, alert).await? {
            tell(&mut tx, subject, alert).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn alerts(&self, subject: &SubjectId) -> Result<Vec<Alert>> {
        let sql = "SELECT time, kind, device FROM device_alert WHERE subject = ?1 ORDER BY place DESC";
        let rows: Vec<(i64, String, Option<String>)> = sqlx::query_as(sql)
            .bind(subject.as_bytes().as_slice())
            .fetch_all(self.db.readers())
            .await
            .map_err(Fault::from)?;
        Ok(rows.into_iter().map(alert).collect::<Answer<_>>()?)
    }

    async fn subject_of_person(&self, person_tag: &[u8; 32]) -> Result<Option<SubjectId>> {
        let row: Option<Vec<u8>> = sqlx::query_scalar("SELECT subject FROM subject WHERE person_tag = ?1")
            .bind(person_tag.as_slice())
            .fetch_optional(self.db.readers())
            .await
            .map_err(Fault::from)?;
        let subject = |row: Vec<u8>| Ok::<_, Fault>(SubjectId::from_bytes(array(&row, "subject")?));
        Ok(row.map(subject).transpose()?)
    }
}

/// Whether a key is or was somebody's.
async fn is_known(tx: &mut SqliteConnection, jkt: &str) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE jkt = ?1) \
               OR EXISTS (SELECT 1 FROM revoked_device WHERE jkt = ?1)";
    Ok(sqlx::query_scalar(sql).bind(jkt).fetch_one(tx).await?)
}

/// `false` if the key is to be unbound, or begins for somebody else.
async fn begin(tx: &mut SqliteConnection, device: &BeginningDevice) -> Answer<bool> {
    let sql = "INSERT INTO unbinding (jkt, subject, key, due) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (jkt) DO UPDATE SET due = excluded.due \
               WHERE subject = excluded.subject AND key = excluded.key AND due > ?5";
    let begun = sqlx::query(sql)
        .bind(&device.jkt)
        .bind(device.subject.as_bytes().as_slice())
        .bind(device.key.as_slice())
        .bind(seconds(device.undo_at))
        .bind(seconds(device.now))
        .execute(tx)
        .await?;
    Ok(begun.rows_affected() > 0)
}

/// Whether a key acts once: how many of those there are is bounded where they are kept.
async fn is_code(tx: &mut SqliteConnection, jkt: &str) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM counter_code WHERE jkt = ?1)";
    Ok(sqlx::query_scalar(sql).bind(jkt).fetch_one(tx).await?)
}

async fn count(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<u32> {
    Ok(
        sqlx::query_scalar(
            "SELECT count(*) FROM device WHERE subject = ?1 AND jkt NOT IN (SELECT jkt FROM counter_code WHERE subject = ?1)",
        )
            .bind(subject.as_bytes().as_slice())
            .fetch_one(tx)
            .await?,
    )
}

/// How many devices of a holder were revoked since a moment; codes are bounded where they are kept.
async fn revoked_since(tx: &mut SqliteConnection, subject: &SubjectId, since: UnixTime) -> Answer<u32> {
    let sql = "SELECT count(*) FROM revoked_device WHERE subject = ?1 AND revoked_at > ?2 \
               AND jkt NOT IN (SELECT jkt FROM counter_code WHERE subject = ?1)";
    let revoked = sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(seconds(since));
    Ok(revoked.fetch_one(tx).await?)
}

async fn is_added(tx: &mut SqliteConnection, new: &NewDevice) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE jkt = ?1 AND subject = ?2 AND key = ?3)";
    Ok(sqlx::query_scalar(sql)
        .bind(&new.device.jkt)
        .bind(new.subject.as_bytes().as_slice())
        .bind(new.device.key.as_slice())
        .fetch_one(tx)
        .await?)
}

/// Takes the beginning of a device away, if its time is not over and nobody ends the subject meanwhile.
async fn take_beginning(tx: &mut SqliteConnection, new: &NewDevice) -> Answer<bool> {
    let sql = "DELETE FROM unbinding WHERE jkt = ?1 AND subject = ?2 AND due > ?3 \
               AND NOT EXISTS (SELECT 1 FROM cancellation WHERE subject = ?2)";
    let taken = sqlx::query(sql)
        .bind(&new.device.jkt)
        .bind(new.subject.as_bytes().as_slice())
        .bind(seconds(new.device.bound_at))
        .execute(tx)
        .await?;
    Ok(taken.rows_affected() > 0)
}

async fn device_keys(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT jkt FROM device WHERE subject = ?1")
        .bind(subject.as_bytes().as_slice())
        .fetch_all(tx)
        .await?)
}

/// Without the codes that have acted, which are no device any more.
async fn acting_keys(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<Vec<String>> {
    let sql = "SELECT jkt FROM device WHERE subject = ?1 AND jkt NOT IN \
               (SELECT jkt FROM counter_code WHERE subject = ?1 AND used_at IS NOT NULL)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .fetch_all(tx)
        .await?)
}

/// Revokes a device that is there.
async fn revoke(tx: &mut SqliteConnection, subject: &SubjectId, jkt: &str, now: UnixTime) -> Answer<()> {
    let statements = [
        "INSERT INTO unbinding (jkt, subject, key, due) SELECT jkt, subject, key, ?2 FROM device WHERE jkt = ?1 \
         ON CONFLICT (jkt) DO UPDATE SET due = min(due, excluded.due)",
        "INSERT INTO revoked_device (jkt, subject, release_from, revoked_at, key) \
         SELECT jkt, subject, release_from, ?2, key FROM device WHERE jkt = ?1",
        "DELETE FROM device WHERE jkt = ?1 AND ?2 IS NOT NULL",
    ];
    for sql in statements {
        let step = sqlx::query(sql).bind(jkt).bind(seconds(now));
        step.execute(&mut *tx).await?;
    }
    let alert = Alert {
        time: now,
        kind: AlertKind::DeviceRevoked,
        device: Some(jkt.to_owned()),
    };
    tell(tx, subject, &alert).await
}

/// Has what has begun for a subject and was not added unbound at once, and never added: the device that approved it may be
/// the one that was lost.
async fn drop_begun(tx: &mut SqliteConnection, subject: &SubjectId) -> Answer<()> {
    let sql = "UPDATE unbinding SET due = 0 WHERE subject = ?1 \
               AND jkt NOT IN (SELECT jkt FROM device WHERE subject = ?1)";
    let drop = sqlx::query(sql).bind(subject.as_bytes().as_slice());
    drop.execute(tx).await?;
    Ok(())
}

async fn keep(tx: &mut SqliteConnection, new: &NewDevice) -> Answer<()> {
    let sql = "INSERT INTO device (jkt, subject, key, bound_at, release_from) VALUES (?1, ?2, ?3, ?4, ?5)";
    sqlx::query(sql)
        .bind(&new.device.jkt)
        .bind(new.subject.as_bytes().as_slice())
        .bind(new.device.key.as_slice())
        .bind(seconds(new.device.bound_at))
        .bind(seconds(new.release_from))
        .execute(tx)
        .await?;
    Ok(())
}

async fn set_pin(tx: &mut SqliteConnection, subject: &SubjectId, pin: &HashedPin) -> Answer<bool> {
    let sql = "UPDATE subject SET pin_salt = ?2, pin_memory_kib = ?3, pin_passes = ?4, pin_tag = ?5, \
               pin_failures = 0, pin_locked_until = NULL WHERE subject = ?1";
    let set = sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(pin.salt.as_slice())
        .bind(pin.memory_kib)
        .bind(pin.passes)
        .bind(pin.tag.as_slice())
        .execute(tx)
        .await?;
    Ok(set.rows_affected() > 0)
}

async fn is_told(tx: &mut SqliteConnection, subject: &SubjectId, alert: &Alert) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM device_alert WHERE subject = ?1 AND kind = ?2 AND time > ?3)";
    Ok(sqlx::query_scalar(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(alert.kind.as_str())
        .bind(seconds(alert.time.minus(TOLD_ONCE)))
        .fetch_one(tx)
        .await?)
}

async fn tell(tx: &mut SqliteConnection, subject: &SubjectId, alert: &Alert) -> Answer<()> {
    let sql = "INSERT INTO device_alert (subject, time, kind, device) VALUES (?1, ?2, ?3, ?4)";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(seconds(alert.time))
        .bind(alert.kind.as_str())
        .bind(&alert.device)
        .execute(&mut *tx)
        .await?;
    let sql = "DELETE FROM device_alert WHERE subject = ?1 AND place NOT IN \
               (SELECT place FROM device_alert WHERE subject = ?1 ORDER BY place DESC LIMIT ?2)";
    sqlx::query(sql)
        .bind(subject.as_bytes().as_slice())
        .bind(MOST_ALERTS)
        .execute(tx)
        .await?;
    Ok(())
}

fn listed((jkt, key, bound_at, release_from): (String, Vec<u8>, i64, i64)) -> Answer<ListedDevice> {
    Ok(ListedDevice {
        device: SubjectDevice {
            jkt,
            key: array(&key, "device key")?,
            bound_at: moment(bound_at)?,
        },
        release_from: moment(release_from)?,
    })
}

fn known((subject, key, release_from, revoked_at): KnownRow) -> Answer<KnownDevice> {
    Ok(KnownDevice {
        subject: SubjectId::from_bytes(array(&subject, "subject")?),
        key: key.map(|key| array(&key, "device key")).transpose()?,
        release_from: moment(release_from)?,
        revoked_at: revoked_at.map(moment).transpose()?,
    })
}

fn unbinding((jkt, subject, key): (String, Vec<u8>, Vec<u8>)) -> Answer<Unbinding> {
    Ok(Unbinding {
        subject: SubjectId::from_bytes(array(&subject, "subject")?),
        jkt,
        key: array(&key, "device key")?,
    })
}

fn alert((time, kind, device): (i64, String, Option<String>)) -> Answer<Alert> {
    Ok(Alert {
        time: moment(time)?,
        kind: AlertKind::named(&kind).ok_or(Fault::Corrupt("alert"))?,
        device,
    })
}
