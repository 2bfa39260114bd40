//! The ledger against a plain list of leaves, failing stores, other sequencers and witnesses that come and go.

mod faults;
mod memory;
mod opening;
mod promises;
mod readers;
mod resting;
mod sequencing;
mod stub_witness;
mod witnessing;

use std::sync::Arc;

use cyberid_domain::id::LeafId;
use cyberid_domain::rng::SystemRng;
use cyberid_storage::ledger::LedgerHead;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::{Ed25519Signer, NoteSigner, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::ConsistencyProof;
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tree::root_from_leaves;

use crate::{Ledger, LedgerError, LedgerReader, Parts, Under};
use memory::{Memory, MemoryHead};

const ORIGIN: &str = "ledger.example/log";

/// The stores of one log.
#[derive(Clone, Default)]
struct Stores {
    store: Arc<Memory>,
    head: Arc<MemoryHead>,
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
        Ledger::open(self.parts()).await
    }

    fn reader(&self) -> LedgerReader {
        LedgerReader::new(Arc::clone(&self.store) as _, vkey())
    }

    async fn head_size(&self) -> Option<u64> {
        self.head.head().await.unwrap().map(|head| head.size)
    }

    /// Checks everything from outside against the leaves that should be there.
    async fn assert_holds(&self, bodies: &[String]) {
        let size = bodies.len() as u64;
        let head = self.head.head().await.unwrap().unwrap();
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
    LeafId::random(&SystemRng)
}

fn bodies(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| format!("leaf {number}")).collect()
}

fn root(bodies: &[String]) -> Hash {
    root_from_leaves(bodies.iter().map(|body| leaf_hash(body.as_bytes()))).unwrap()
}

async fn append(ledger: &Ledger, bodies: &[String]) {
    for body in bodies {
        ledger.append(id(), body.clone()).await.unwrap();
    }
}
