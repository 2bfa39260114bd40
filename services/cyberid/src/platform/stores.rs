//! The stores of a process: SQLite, and the files of the journal and of the ledger's head.

use std::sync::Arc;

use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{Keystore, role};
use cyberid_storage::erasure::Erasures;
use cyberid_storage_journal::{FileHead, FileJournal, HeadOptions, Options};
use cyberid_storage_sqlite::{CustodianDb, LedgerDb, OpenError, RegistryDb, VaultDb};

use super::config::ConfigError;
use super::succession::require_none_begun;
use super::{DataDirectory, StartError};

/// What issuance, verification, consent and audit keep.
pub(crate) struct PlatformStores {
    pub(crate) registry: Arc<RegistryDb>,
    pub(crate) journal: Arc<FileJournal>,
    pub(crate) ledger: Arc<LedgerDb>,
    pub(crate) head: Arc<FileHead>,
}

impl PlatformStores {
    /// Opens them. The ledger's head is made together with the ledger, at the first start only: a ledger without its
    /// head was restored or robbed, and is not opened.
    pub(crate) async fn open(data: &DataDirectory, keystore: &Keystore) -> Result<Self, StartError> {
        require_none_begun(data)?;
        let synchronous = data.synchronous();
        let LogStores { ledger, head } = LogStores::open(data).await?;
        let registry = RegistryDb::open_with(data.file("registry.db"), synchronous).await?;
        let journal_keys = keystore.mac::<role::Journal>()?.all();
        let journal = FileJournal::open(
            data.file("journal"),
            &journal_keys,
            Arc::new(SystemClock),
            Arc::new(SystemRng),
            Options {
                synchronous,
                ..Options::default()
            },
        );
        Ok(Self {
            registry: Arc::new(registry),
            journal: Arc::new(journal.await?),
            ledger,
            head,
        })
    }

    /// Accepts as many custodians as there were when the first subject came.
    pub(crate) async fn require_custodians(&self, count: usize) -> Result<(), StartError> {
        require_as_before(self.registry.settle_custodians(few(count)).await?, count)
    }

    /// Closes them, with nothing left in their logs.
    pub(crate) async fn close(&self) {
        self.journal.close().await;
        self.registry.close().await;
        self.ledger.close().await;
        self.head.close();
    }
}

/// Opens the vault's store, which notes its erasures where that is wanted.
pub(crate) async fn vault(
    data: &DataDirectory,
    erasures: Option<Arc<dyn Erasures>>,
) -> Result<Arc<VaultDb>, OpenError> {
    let store = VaultDb::open_with(data.file("vault.db"), data.synchronous()).await?;
    Ok(Arc::new(match erasures {
        Some(erasures) => store.noting(erasures),
        None => store,
    }))
}

/// Accepts as many custodians as there were when the vault's first record came.
pub(crate) async fn require_custodians(vault: &VaultDb, count: usize) -> Result<(), StartError> {
    require_as_before(vault.settle_custodians(few(count)).await?, count)
}

/// What is enrolled with one custodian never opens with three, nor the other way round.
fn require_as_before(before: u32, count: usize) -> Result<(), StartError> {
    if before == few(count) {
        return Ok(());
    }
    Err(ConfigError::Unusable {
        member: "custodians",
        why: "the records here were enrolled with another number of them, and would never open (docs/running.md)",
    }
    .into())
}

fn few(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Opens the custodian's store, which notes its erasures where that is wanted.
pub(crate) async fn custodian(
    data: &DataDirectory,
    erasures: Option<Arc<dyn Erasures>>,
) -> Result<Arc<CustodianDb>, OpenError> {
    let store = CustodianDb::open_with(data.file("custodian.db"), data.synchronous()).await?;
    Ok(Arc::new(match erasures {
        Some(erasures) => store.noting(erasures),
        None => store,
    }))
}

/// What the log keeps: its leaves and tiles, and apart from them its head.
pub(crate) struct LogStores {
    pub(crate) ledger: Arc<LedgerDb>,
    pub(crate) head: Arc<FileHead>,
}

impl LogStores {
    /// What of a data directory belongs to the log: everything else stays as it is when another log takes its place.
    pub(crate) const FILES: [&str; 4] = ["head", "ledger.db-wal", "ledger.db-shm", "ledger.db"];

    /// Opens them. The head is made together with the ledger, at the first start only.
    pub(crate) async fn open(data: &DataDirectory) -> Result<Self, StartError> {
        let (ledger_path, head_path, synchronous) =
            (data.file("ledger.db"), data.file("head"), data.synchronous());
        let options = HeadOptions {
            synchronous,
            ..HeadOptions::default()
        };
        let head = if ledger_path.exists() || FileHead::is_there(&head_path) {
            FileHead::open(head_path, Arc::new(SystemRng), options)?
        } else {
            FileHead::create(head_path, Arc::new(SystemRng), options)?
        };
        let ledger = LedgerDb::open_alone(ledger_path, synchronous).await?;
        Ok(Self {
            ledger: Arc::new(ledger),
            head: Arc::new(head),
        })
    }

    /// Closes them, with nothing left in their logs.
    pub(crate) async fn close(&self) {
        self.ledger.close().await;
        self.head.close();
    }
}
