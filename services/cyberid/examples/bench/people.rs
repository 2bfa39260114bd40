//! The people of a measurement.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_crypto::{Sign as _, SigningKey, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_keystore::{Keystore, role};
use cyberid_pin::{PinCost, PinHasher};
use cyberid_storage::subject::{HashedPin, NewSubject, SubjectDevice};
use cyberid_storage_sqlite::RegistryDb;
use indicatif::{ProgressBar, ProgressStyle};

use crate::process::PASSPHRASE;
use crate::server::{Server, Setting};

const PAGE: u32 = 5_000;

/// Each person's PIN, where one is tried.
pub(crate) const PIN: &str = "52719406";

/// A data directory in which so many people are enrolled: once, for this run and the next.
pub(crate) async fn enrolled(folder: &Path, people: u32) -> PathBuf {
    let data = folder.join(format!("people-{people}"));
    let done = data.join("ready");
    if done.exists() {
        return data;
    }
    let registry = fresh(&data).await;
    let style = ProgressStyle::with_template("enrolling {bar:40} {pos}/{len} {eta}").unwrap();
    let progress = ProgressBar::new(people.into()).with_style(style);
    for first in (0..people).step_by(PAGE as usize) {
        let page: Vec<_> = (first..people.min(first + PAGE)).map(adult).collect();
        registry.import_subjects(&page).await.unwrap();
        progress.inc(page.len() as u64);
    }
    progress.finish_and_clear();
    registry.close().await;
    std::fs::write(done, "").unwrap();
    data
}

/// The registry of a platform that was started once, on an empty data directory.
pub(crate) async fn fresh(data: &Path) -> RegistryDb {
    let _ = std::fs::remove_dir_all(data);
    Server::start(data, Setting::default()).await.stop();
    RegistryDb::open(data.join("registry.db")).await.unwrap()
}

/// The device of a person.
pub(crate) fn device(person: u32) -> SigningKey {
    let scalar = digest::hmac_parts(b"cyberid/v1/bench/device", &[&person.to_be_bytes()]);
    SigningKey::from_scalar(&scalar).unwrap()
}

/// The handle of a person.
pub(crate) fn subject(person: u32) -> SubjectId {
    SubjectId::from_bytes(digest::hmac_parts(
        b"cyberid/v1/bench/subject",
        &[&person.to_be_bytes()],
    ))
}

/// A person of 18, whose PIN is nobody's to try.
pub(crate) fn adult(person: u32) -> NewSubject {
    let device = device(person);
    let end = UnixTime(4_000_000_000);
    NewSubject {
        subject: subject(person),
        number: NetworkNumber::random(&SystemRng),
        device: SubjectDevice {
            jkt: device.kid().into(),
            key: *device.public_key().as_sec1(),
            bound_at: UnixTime(1_700_000_000),
        },
        age_flags: minor_flags().with(Threshold::Eighteen),
        age_tags: Vec::new(),
        pin: HashedPin {
            salt: [1; 16],
            memory_kib: PinCost::default().memory_kib,
            passes: PinCost::default().passes,
            tag: [2; 32],
        },
        person_tag: [3; 32],
        document_expires_at: end,
        credential_expires_at: end,
    }
}

/// The age flags of a person of 16.
pub(crate) fn minor_flags() -> AgeFlags {
    AgeFlags::default()
        .with(Threshold::Fourteen)
        .with(Threshold::Sixteen)
}

/// The hash of [`PIN`] as the platform of this data directory makes it.
pub(crate) async fn hashed_pin(data: &Path) -> HashedPin {
    let pepper = Arc::new(keystore(data).mac::<role::Pin>().unwrap());
    let hasher = PinHasher::new(pepper, PinCost::default(), 1);
    let pin = Pin::chosen(PIN.into()).unwrap();
    hasher.hash(&pin, &SystemRng).await.unwrap()
}

fn keystore(data: &Path) -> Keystore {
    let passphrase = SecretBytes::from(PASSPHRASE.to_owned());
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Keystore::open(&data.join("keys"), &passphrase, clock, rng).unwrap()
}
