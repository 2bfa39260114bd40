//! The people of the measurement: enrolled once, kept for the next run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cyberid_crypto::{Sign as _, SigningKey, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_storage::subject::{HashedPin, NewSubject, SubjectDevice};
use cyberid_storage_sqlite::RegistryDb;
use indicatif::{ProgressBar, ProgressStyle};

use crate::server::{PASSPHRASE, Server};

const PAGE: u32 = 5_000;

/// A data directory in which so many people are enrolled.
pub(crate) async fn enrolled(folder: &Path, people: u32) -> PathBuf {
    let data = folder.join(format!("people-{people}"));
    let done = data.join("enrolled");
    if done.exists() {
        return data;
    }
    let _ = std::fs::remove_dir_all(&data);
    Server::start(&data, false).await.stop().await;
    let registry = RegistryDb::open(data.join("registry.db")).await.unwrap();
    let style = ProgressStyle::with_template("enrolling {bar:40} {pos}/{len} {eta}").unwrap();
    let progress = ProgressBar::new(people.into()).with_style(style);
    for first in (0..people).step_by(PAGE as usize) {
        let page: Vec<_> = (first..people.min(first + PAGE)).map(subject).collect();
        registry.import_subjects(&page).await.unwrap();
        progress.inc(page.len() as u64);
    }
    progress.finish_and_clear();
    registry.close().await;
    std::fs::write(done, "").unwrap();
    data
}

/// The device of a person.
pub(crate) fn device(person: u32) -> SigningKey {
    let scalar = digest::hmac_parts(b"cyberid/v1/bench/device", &[&person.to_be_bytes()]);
    SigningKey::from_scalar(&scalar).unwrap()
}

fn subject(person: u32) -> NewSubject {
    let device = device(person);
    let handle = digest::hmac_parts(b"cyberid/v1/bench/subject", &[&person.to_be_bytes()]);
    let end = UnixTime(4_000_000_000);
    NewSubject {
        subject: SubjectId::from_bytes(handle),
        number: NetworkNumber::random(&SystemRng),
        device: SubjectDevice {
            jkt: device.kid().into(),
            key: *device.public_key().as_sec1(),
            bound_at: UnixTime(1_700_000_000),
        },
        age_flags: AgeFlags::default()
            .with(Threshold::Fourteen)
            .with(Threshold::Sixteen)
            .with(Threshold::Eighteen),
        age_tags: Vec::new(),
        pin: HashedPin {
            salt: [1; 16],
            memory_kib: 19_456,
            passes: 2,
            tag: [2; 32],
        },
        person_tag: [3; 32],
        document_expires_at: end,
        credential_expires_at: end,
    }
}

/// The time in ms that one key derivation takes: it is what opens the keystore.
pub(crate) fn key_derivation(data: &Path) -> f64 {
    use cyberid_domain::clock::SystemClock;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_keystore::Keystore;
    let passphrase = SecretBytes::from(PASSPHRASE.to_owned());
    let begun = Instant::now();
    let (clock, rng) = (std::sync::Arc::new(SystemClock), std::sync::Arc::new(SystemRng));
    Keystore::open(&data.join("keys"), &passphrase, clock, rng).unwrap();
    begun.elapsed().as_secs_f64() * 1e3
}
