//! The proofs that were used, in memory until they could no longer be used anyway.

use std::collections::{BTreeMap, HashSet};

use cyberid_domain::UnixTime;

use crate::entry::UsedProof;

/// The seconds of moments that share a bucket.
const BUCKET: u64 = 60;

/// As many proofs as are remembered were used: no other can be until some are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many proofs were used of late for another to be remembered")]
pub(crate) struct Full;

/// The used proofs, by when they may be forgotten.
pub(crate) struct UsedProofs {
    buckets: BTreeMap<u64, HashSet<[u8; 16]>>,
    count: usize,
    most: usize,
    /// Buckets before this are forgotten: a clock that goes back, or a caller who was slow, brings none back.
    forgotten: u64,
}

impl UsedProofs {
    /// None, and at most as many.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            buckets: BTreeMap::new(),
            count: 0,
            most,
            forgotten: 0,
        }
    }

    /// Whether a proof was used, whenever it says that it may be forgotten. One that would be forgotten by now may have
    /// been.
    pub(crate) fn contains(&self, proof: &UsedProof) -> bool {
        bucket(proof.forget_at) < self.forgotten
            || self.buckets.values().any(|bucket| bucket.contains(&proof.digest))
    }

    /// Remembers another, if there is room.
    pub(crate) fn add(&mut self, proof: &UsedProof) -> Result<(), Full> {
        if self.count >= self.most {
            return Err(Full);
        }
        self.restore(proof);
        Ok(())
    }

    /// Remembers one that is in the journal.
    pub(crate) fn restore(&mut self, proof: &UsedProof) {
        let bucket = self.buckets.entry(bucket(proof.forget_at)).or_default();
        self.count += usize::from(bucket.insert(proof.digest));
    }

    /// Forgets those that could be forgotten before `now`.
    pub(crate) fn forget(&mut self, now: UnixTime) {
        self.forgotten = self.forgotten.max(bucket(now));
        let kept = self.buckets.split_off(&self.forgotten);
        let forgotten = std::mem::replace(&mut self.buckets, kept);
        self.count -= forgotten.values().map(HashSet::len).sum::<usize>();
    }
}

fn bucket(moment: UnixTime) -> u64 {
    moment.0 / BUCKET
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(number: u8, forget_at: u64) -> UsedProof {
        UsedProof {
            digest: [number; 16],
            forget_at: UnixTime(forget_at),
        }
    }

    #[test]
    fn a_proof_is_remembered_until_it_may_be_forgotten_and_no_longer_than_a_bucket_more() {
        let mut used = UsedProofs::new(10);
        used.add(&proof(1, 119)).unwrap();
        for now in [0, 100, 119] {
            used.forget(UnixTime(now));
            assert!(used.contains(&proof(1, 119)));
            assert!(used.contains(&proof(1, 500)));
            assert!(!used.contains(&proof(2, 119)));
        }
        used.forget(UnixTime(119 + BUCKET));
        assert_eq!(used.count, 0);
    }

    #[test]
    fn what_would_be_forgotten_by_now_may_have_been_used() {
        let mut used = UsedProofs::new(10);
        used.add(&proof(1, 119)).unwrap();
        used.forget(UnixTime(1_000));
        // The clock went back, or it was checked before it was over.
        used.forget(UnixTime(100));
        assert!(used.contains(&proof(1, 119)));
        assert!(used.contains(&proof(2, 119)));
        assert!(!used.contains(&proof(2, 1_000)));
    }

    #[test]
    fn a_full_memory_takes_no_other_until_it_forgets() {
        let mut used = UsedProofs::new(2);
        used.add(&proof(1, 60)).unwrap();
        used.add(&proof(2, 600)).unwrap();
        assert_eq!(used.add(&proof(3, 600)), Err(Full));
        assert!(!used.contains(&proof(3, 600)));
        used.forget(UnixTime(120));
        assert_eq!(used.add(&proof(3, 600)), Ok(()));
        assert_eq!(used.add(&proof(4, 600)), Err(Full));
    }
}
