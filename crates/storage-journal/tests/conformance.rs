//! The conformance suite, mounted on the journal.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be made")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cyberid_crypto::{Mac, MacKey};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::rng::SystemRng;
use cyberid_storage::conformance;
use cyberid_storage_journal::{FileJournal, Options};
use tempfile::TempDir;

/// Fresh journals in one directory, which goes with it.
struct Journals {
    directory: TempDir,
    made: AtomicU32,
}

impl Journals {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            made: AtomicU32::new(0),
        }
    }

    async fn next(&self) -> Arc<FileJournal> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.path().join(number.to_string());
        let keys: [Arc<dyn Mac>; 1] = [Arc::new(MacKey::new([7; 32].into()))];
        let clock = Arc::new(ManualClock::new(UnixTime(1_784_131_200)));
        let opened = FileJournal::open(path, &keys, clock, Arc::new(SystemRng), Options::default()).await;
        Arc::new(opened.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verification() {
    let journals = Journals::new();
    conformance::verification::all(async || journals.next().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn journal() {
    let journals = Journals::new();
    conformance::journal::all(async || journals.next().await).await;
}
