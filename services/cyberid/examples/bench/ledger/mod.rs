//! What the ledger adds to a bare append and sync of the same bytes: `cargo xtask bench ledger`.
//!
//! Everything happens in one process on one disk, in turns: leaves go through the sequencer, each under a signed checkpoint
//! before it is answered; then the same bytes, in groups of the same average size, are appended to a growing file, with one
//! `fdatasync` for each group. What is published meanwhile costs the ledger its share of both disk and processors; how fast it is
//! published is told too. Then proofs and starts are timed at growing sizes.

mod appends;
mod counting;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use cyberid_domain::UnixTime;
use cyberid_domain::id::LeafId;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_ledger::{Ledger, Parts, Under};
use cyberid_storage::Synchronous;
use cyberid_storage::ledger::NewLeaf;
use cyberid_storage_journal::{FileHead, HeadOptions};
use cyberid_storage_sqlite::LedgerDb;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};
use cyberid_tlog::policy::Policy;
use serde_json::{Value, json};

use appends::Appends;
use counting::Counting;

/// How many leaves are brought to the log at once while it is filled.
const PAGE: u64 = 4096;
/// How many proofs are made at each size.
const PROOFS: usize = 500;

/// What the ledger adds to a bare append and sync of the same bytes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The sizes of the log at which proofs and starts are timed.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    leaves: Vec<u64>,
    /// How many lone leaves are appended in each of four rounds.
    #[arg(long, default_value_t = 1_000)]
    lone: usize,
    /// How many leaves are appended by many at once, in each of four rounds.
    #[arg(long, default_value_t = 20_000)]
    many: usize,
    /// Where the log is written.
    #[arg(long, default_value = "target/bench/ledger")]
    folder: PathBuf,
}

/// A log at work.
struct Log {
    ledger: Arc<Ledger>,
    head: Arc<Counting>,
    store: Arc<LedgerDb>,
}

impl Log {
    async fn open(folder: &Path) -> Self {
        let place = folder.join("head");
        let (rng, options) = (Arc::new(SystemRng), HeadOptions::default());
        let head = if FileHead::is_there(&place) {
            FileHead::open(place, rng, options)
        } else {
            FileHead::create(place, rng, options)
        };
        let head = Arc::new(Counting::new(head.unwrap()));
        let store = LedgerDb::open_alone(folder.join("ledger.db"), Synchronous::Full).await;
        let store = Arc::new(store.unwrap());
        let key = Ed25519Signer::from_seed("bench.example/log", &[1; 32])
            .ok()
            .unwrap();
        let ledger = Ledger::open(Parts {
            store: store.clone(),
            head: head.clone(),
            policy: Policy::without_witnesses(key.verifier_key().clone()).unwrap(),
            key: Arc::new(key),
            witnesses: Vec::new(),
            allow_unwitnessed: true,
        });
        let ledger = ledger.await.unwrap();
        Self { ledger, head, store }
    }

    async fn close(self) {
        self.ledger.close().await;
        self.store.close().await;
        self.head.close();
    }

    async fn grow_to(&self, size: u64) {
        while self.ledger.latest().size() < size {
            let missing = size - self.ledger.latest().size();
            let leaves = (0..missing.min(PAGE)).map(|_| leaf()).collect();
            self.ledger.append_all(leaves).await.unwrap();
        }
        self.ledger.published(size - 1).await.unwrap();
    }
}

/// A leaf as a release makes it: about 700 bytes.
fn leaf() -> NewLeaf {
    let word = || {
        let bytes: [u8; 32] = random(&SystemRng);
        cyberid_crypto::base64url::encode(&bytes)
    };
    let body = json!({
        "consent_sha256": word(), "enc_jkt": word(), "fields": ["name", "document_number"], "kind": "release.intended",
        "legal_basis": "consent", "previous_leaf_sha256": word(), "purpose": "open-account", "request": word(),
        "retention_days": 180, "rp": "AAAAAAAAAAAAAAAAAAAAAA", "subject_commitment": word(), "time": 1_795_000_000,
        "v": 1, "warrant": [word(), word(), word(), word()],
    });
    NewLeaf {
        id: LeafId::new(UnixTime(1_795_000_000), &SystemRng),
        body: body.to_string(),
    }
}

/// Measures, and tells the rounds on the way.
pub(crate) fn measure(options: &Options) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measured(options))
}

async fn measured(options: &Options) -> Value {
    let _ = std::fs::remove_dir_all(&options.folder);
    std::fs::create_dir_all(&options.folder).unwrap();
    let mut found = json!({"leaf_bytes": leaf().body.len()});
    for (waiting, leaves) in [(1, options.lone), (64, options.many), (256, options.many)] {
        let place = options.folder.join(format!("appends-{waiting}"));
        std::fs::create_dir_all(&place).unwrap();
        let log = Log::open(&place).await;
        let appends = Appends::measure(&log, &place, waiting, leaves).await;
        eprintln!("{waiting} waiting: {appends}");
        found[format!("waiting_{waiting}")] = appends;
        log.close().await;
    }
    let mut sizes = Vec::new();
    for size in &options.leaves {
        sizes.push(at_size(&options.folder.join("sizes"), *size).await);
        eprintln!("{}", sizes[sizes.len() - 1]);
    }
    found["sizes"] = sizes.into();
    let _ = std::fs::remove_dir_all(&options.folder);
    found
}

/// The times of proofs and of a start at a size.
async fn at_size(folder: &Path, size: u64) -> Value {
    std::fs::create_dir_all(folder).unwrap();
    let log = Log::open(folder).await;
    let (before, begun) = (log.ledger.latest().size(), Instant::now());
    log.grow_to(size).await;
    let grown = (size - before) as f64 / begun.elapsed().as_secs_f64();
    let mut times = Vec::new();
    for _ in 0..PROOFS {
        let index = u64::from_be_bytes(random(&SystemRng)) % size;
        let begun = Instant::now();
        log.ledger.reader().receipt(index, Under::Latest).await.unwrap();
        times.push(begun.elapsed());
    }
    log.close().await;
    let begun = Instant::now();
    let log = Log::open(folder).await;
    let started = begun.elapsed().as_secs_f64();
    log.close().await;
    json!({
        "leaves": size, "published_per_second": grown.round(), "proof_ms": appends::percentiles(times), "start_s": started,
    })
}
