//! A checkpoint that the policy accepts.

use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::cosignature::Cosignature;
use cyberid_tlog::policy::{Policy, Unsatisfied};

/// A checkpoint with the cosignatures of the policy's quorum, all of them checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedCheckpoint {
    checkpoint: VerifiedCheckpoint,
    cosignatures: Vec<Cosignature>,
}

impl CosignedCheckpoint {
    /// Checks a checkpoint against the policy.
    pub fn check(checkpoint: VerifiedCheckpoint, policy: &Policy) -> Result<Self, Unsatisfied> {
        let cosignatures = policy.satisfied_by(&checkpoint)?;
        Ok(Self {
            checkpoint,
            cosignatures,
        })
    }

    /// The number of leaves it covers.
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The checkpoint that the log signed.
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// The checked cosignatures of the policy's witnesses; empty only where the policy requires none.
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// The signed note with its cosignatures, as it is published.
    pub fn note(&self) -> String {
        self.checkpoint.note().to_string()
    }
}
