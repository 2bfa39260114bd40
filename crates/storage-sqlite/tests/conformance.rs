//! The conformance suite, mounted on SQLite.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be made")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cyberid_storage::conformance;
use cyberid_storage_sqlite::{CustodianDb, LedgerDb, RegistryDb, VaultDb};
use tempfile::TempDir;

/// Fresh files in one directory, which goes with it.
struct Files {
    directory: TempDir,
    made: AtomicU32,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            made: AtomicU32::new(0),
        }
    }

    fn next(&self) -> std::path::PathBuf {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.directory.path().join(format!("{number}.db"))
    }
}

macro_rules! mount {
    ($($port:ident: $open:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $port() {
            let files = Files::new();
            conformance::$port::all(async || Arc::new($open(files.next()).await.unwrap())).await;
        }
    )*};
}

mount! {
    vault: VaultDb::open;
    custodian: CustodianDb::open;
    subject: RegistryDb::open;
    life: RegistryDb::open;
    guardianship: RegistryDb::open;
    relying_party: RegistryDb::open;
    release: RegistryDb::open;
    official: RegistryDb::open;
    oversight: RegistryDb::open;
    cancellation: RegistryDb::open;
    case: RegistryDb::open;
    passkey: RegistryDb::open;
    device: RegistryDb::open;
    promise: RegistryDb::open;
    event: RegistryDb::open;
    single_use: RegistryDb::open;
    idempotency: RegistryDb::open;
    ledger: LedgerDb::open;
}
