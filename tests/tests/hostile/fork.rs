//! A second history under the ledger's own key, which is shown to nobody but the victim.

use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_protocol::warrant::Warrant;
use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::NoteSigner;
use cyberid_tlog::proof::{ConsistencyPlan, InclusionPlan};
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tree::root_from_leaves;
use journeys::LEDGER;

use crate::operator::Case;

/// A history that ends in the leaf of a case.
pub(crate) struct Fork {
    leaves: Vec<String>,
}

impl Fork {
    /// After these leaves, the leaf of this case.
    pub(crate) fn new(history: &[String], case: &Case) -> Self {
        let mut leaves = history.to_vec();
        leaves.push(case.leaf.to_text().unwrap());
        Self { leaves }
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Its checkpoint, which the log signs, and `witness` cosigns if there is one.
    pub(crate) fn checkpoint(
        &self,
        log: &dyn NoteSigner,
        witness: Option<&dyn NoteSigner>,
    ) -> VerifiedCheckpoint {
        let root = self.root(0..self.leaves.len());
        let checkpoint = Checkpoint::new(LEDGER, self.size(), root.unwrap()).unwrap();
        let mut checkpoint = checkpoint.sign(log).unwrap();
        if let Some(witness) = witness {
            let line = cosign(&checkpoint, SystemClock.now().0, witness).unwrap();
            checkpoint.add_cosignature(line).unwrap();
        }
        checkpoint
    }

    /// The warrant of the case on this history, for key holders that remember these sizes.
    pub(crate) fn warrant(
        &self,
        case: &Case,
        checkpoint: &VerifiedCheckpoint,
        remembered: [u64; 2],
    ) -> Warrant {
        let index = self.size() - 1;
        let plan = InclusionPlan::new(index, self.size()).unwrap();
        let proof = TlogProof {
            extra: None,
            index,
            proof: plan.prove(|node| self.hash(node)).unwrap(),
            checkpoint: checkpoint.note().clone(),
        };
        Warrant {
            vault_consistency: self.consistency(remembered[0]),
            custodian_consistency: self.consistency(remembered[1]),
            ..case.unproved(proof.to_string())
        }
    }

    /// From this size on; nothing where the fork is not longer.
    pub(crate) fn consistency(&self, old: u64) -> Vec<String> {
        let Ok(plan) = ConsistencyPlan::new(old, self.size()) else {
            return Vec::new();
        };
        let proof = plan.prove(|node| self.hash(node)).unwrap();
        proof.hashes.into_iter().map(Hash::to_base64).collect()
    }

    fn hash(&self, node: Node) -> Option<Hash> {
        let (first, end) = (node.first_leaf(), node.end());
        self.root(usize::try_from(first).ok()?..usize::try_from(end).ok()?)
    }

    fn root(&self, span: std::ops::Range<usize>) -> Option<Hash> {
        let leaves = self.leaves.get(span)?;
        root_from_leaves(leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes()))).ok()
    }
}
