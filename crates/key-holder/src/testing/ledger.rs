//! A ledger in memory with one witness, honest or forked.

use cyberid_protocol::warrant::Anchors;
use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::{ConsistencyPlan, InclusionPlan};
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tree::root_from_leaves;

const ORIGIN: &str = "ledger.cyberid.example";
const WITNESS: &str = "witness.example";

/// Who cosigned a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cosigned {
    /// The witness of the policy.
    ByWitness,
    /// Nobody.
    ByNobody,
    /// A stranger under the witness's name.
    ByStranger,
}

/// A ledger in memory. A second one under the same keys with other leaves is a fork of it.
#[derive(Debug, Clone, Default)]
pub struct TestLedger {
    leaves: Vec<String>,
}

impl TestLedger {
    /// What a key holder pins to trust this ledger and its witness.
    pub fn anchors(issuer: &str) -> Anchors {
        let ledger = log_key(1).verifier_key().clone();
        let witness = witness_key(2).verifier_key().clone();
        Anchors {
            issuer: issuer.into(),
            policy: Policy::k_of_n(Some(ledger.clone()), &[witness], 1).unwrap(),
            ledger,
        }
    }

    /// Appends a leaf and returns its index.
    pub fn append(&mut self, leaf: &str) -> u64 {
        self.leaves.push(leaf.into());
        self.size() - 1
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        u64::try_from(self.leaves.len()).unwrap()
    }

    /// The proof that the leaf at `index` is under the checkpoint of the whole ledger.
    pub fn proof(&self, index: u64, cosigned: Cosigned) -> String {
        self.proof_under(index, &log_key(1), cosigned)
    }

    /// The same proof under a checkpoint that another key signed in the ledger's name.
    pub fn proof_by_impostor(&self, index: u64) -> String {
        self.proof_under(index, &log_key(9), Cosigned::ByWitness)
    }

    /// The consistency proof from the first `size` leaves to the whole ledger.
    pub fn consistency(&self, size: u64) -> Vec<String> {
        let plan = ConsistencyPlan::new(size, self.size()).unwrap();
        let proof = plan.prove(|node| self.hash(node)).unwrap();
        proof.hashes.into_iter().map(Hash::to_base64).collect()
    }

    fn proof_under(&self, index: u64, log: &Ed25519Signer, cosigned: Cosigned) -> String {
        let plan = InclusionPlan::new(index, self.size()).unwrap();
        let checkpoint = self.checkpoint(log, cosigned);
        let proof = TlogProof {
            extra: None,
            index,
            proof: plan.prove(|node| self.hash(node)).unwrap(),
            checkpoint: checkpoint.note().clone(),
        };
        proof.to_string()
    }

    fn checkpoint(&self, log: &Ed25519Signer, cosigned: Cosigned) -> VerifiedCheckpoint {
        let leaves = self.leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes()));
        let root = root_from_leaves(leaves).unwrap();
        let mut checkpoint = Checkpoint::new(ORIGIN, self.size(), root)
            .unwrap()
            .sign(log)
            .unwrap();
        let witness = match cosigned {
            Cosigned::ByWitness => witness_key(2),
            Cosigned::ByStranger => witness_key(8),
            Cosigned::ByNobody => return checkpoint,
        };
        let line = cosign(&checkpoint, 1_700_000_000, &witness).unwrap();
        checkpoint.add_cosignature(line).unwrap();
        checkpoint
    }

    fn hash(&self, node: Node) -> Option<Hash> {
        let span = usize::try_from(node.first_leaf()).ok()?..usize::try_from(node.end()).ok()?;
        let leaves = self.leaves.get(span)?;
        root_from_leaves(leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes()))).ok()
    }
}

fn log_key(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[seed; 32]).ok().unwrap()
}

fn witness_key(seed: u8) -> Ed25519Signer {
    Ed25519Signer::cosigner_from_seed(WITNESS, &[seed; 32])
        .ok()
        .unwrap()
}
