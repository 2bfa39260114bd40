//! The ledger against a plain list of leaves, failing stores, other sequencers and witnesses that come and go.

mod faults;
mod memory;
mod model;
mod opening;
mod promises;
mod readers;
mod resting;
mod sequencing;
mod stub_witness;
mod witnessing;

use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::UnixTime;
use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::{Ed25519Signer, NoteSigner, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::ConsistencyProof;
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tree::root_from_leaves;

use crate::{Ledger, LedgerError, LedgerReader, Parts, Under};
use memory::{Call, Faults, Memory, MemoryHead};

const ORIGIN: &str = "ledger.example/log";

/// The stores of one log.
#[derive(Clone)]
struct Stores {
    store: Arc<Memory>,
    head: Arc<MemoryHead>,
    faults: Arc<Faults>,
}

impl Default for Stores {
    fn default() -> Self {
        let faults = Arc::default();
        Self {
            store: Arc::new(Memory::with(&faults)),
            head: Arc::new(MemoryHead::with(&faults)),
            faults,
        }
    }
}

impl Stores {
    fn parts(&self) -> Parts {
        Parts {
            store: Arc::clone(&self.store) as _,
            head: Arc::clone(&self.head) as _,
            key: Arc::new(log_key()),
            witnesses: Vec::new(),
            policy: Policy::without_witnesses(vkey()).unwrap(),
            allow_unwitnessed: true,
        }
    }

    async fn open(&self) -> Result<Arc<Ledger>, LedgerError> {
        self.head.begin_anew();
        Ledger::open(self.parts()).await
    }

    /// A copy of the store with this head, as after a restored backup.
    fn restored(&self, store: Memory) -> Self {
        Self {
            store: Arc::new(store),
            ..self.clone()
        }
    }

    fn reader(&self) -> LedgerReader {
        LedgerReader::new(Arc::clone(&self.store) as _, vkey())
    }

    fn head_size(&self) -> Option<u64> {
        self.head.peek().map(|head| head.size)
    }

    /// Waits until a ledger that was dropped has ended.
    async fn ended(&self) {
        while Arc::strong_count(&self.head) > 1 || Arc::strong_count(&self.store) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until the store has what the head has.
    async fn published(&self) {
        while self.reader().latest().await.ok().map(|latest| latest.size()) < self.head_size() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Checks everything from outside against the leaves that should be there.
    async fn assert_holds(&self, bodies: &[String]) {
        let size = bodies.len() as u64;
        self.published().await;
        let head = self.head.peek().unwrap();
        assert_eq!((head.size, Hash(head.root)), (size, root(bodies)));
        let reader = self.reader();
        let latest = reader.latest().await.unwrap();
        assert_eq!((latest.size(), latest.root()), (size, root(bodies)));
        let policy = Policy::without_witnesses(vkey()).unwrap();
        for (index, body) in bodies.iter().enumerate() {
            let receipt = reader.receipt(index as u64, Under::Latest).await.unwrap();
            let receipt = TlogProof::parse(receipt.as_bytes()).unwrap();
            receipt.verify(body.as_bytes(), &vkey(), &policy).unwrap();
        }
        for old in 0..=size {
            let hashes = reader.consistency(old, size).await.unwrap();
            let old_root = root(&bodies[..usize::try_from(old).unwrap()]);
            let proof = ConsistencyProof { hashes };
            proof.verify(old, old_root, size, latest.root()).unwrap();
        }
    }
}

fn log_key() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap_or_else(|_| unreachable!())
}

fn vkey() -> VerifierKey {
    log_key().verifier_key().clone()
}

fn id() -> LeafId {
    LeafId::new(UnixTime(1_795_000_000), &SystemRng)
}

fn bodies(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| format!("leaf {number}")).collect()
}

fn root(bodies: &[String]) -> Hash {
    root_from_leaves(bodies.iter().map(|body| leaf_hash(body.as_bytes()))).unwrap()
}

/// Appends leaves, and waits until they can be read.
async fn append(ledger: &Ledger, bodies: &[String]) {
    for body in bodies {
        let place = ledger.append(id(), body.clone()).await.unwrap();
        if Some(body) == bodies.last() {
            ledger.published(place).await.unwrap();
        }
    }
}
