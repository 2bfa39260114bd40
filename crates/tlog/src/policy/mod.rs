//! Trust policies: which logs, and which witnesses must have cosigned (C2SP tlog-policy).

mod build;
mod format;

use std::collections::BTreeMap;

pub use build::PolicyBuilder;
use thiserror::Error;

use crate::checkpoint::VerifiedCheckpoint;
use crate::cosignature::{self, Cosignature};
use crate::note::{NoteError, VerifierKey};

/// The name that needs no cosignature when it is the quorum (tlog-policy, Defining the quorum).
pub const NONE: &[u8] = b"none";

/// A log that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// The log's key; its name is the log's origin.
    pub key: VerifierKey,
    /// Where the log is reached, opaque here.
    pub url: Option<Vec<u8>>,
}

/// A witness, under the name the policy gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// The name used by groups and the quorum: opaque bytes.
    pub name: Vec<u8>,
    /// The witness's key.
    pub key: VerifierKey,
    /// Where the witness is reached, opaque here.
    pub url: Option<Vec<u8>>,
}

/// A group, which counts as having witnessed when `threshold` of its members have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    threshold: usize,
    members: Vec<Vec<u8>>,
}

/// A checked policy: every name is defined before its use, and counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Vec<u8>>,
}

/// Why text is not a policy, or definitions do not make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The policy has more than [`Policy::MAX_LEN`] bytes.
    #[error("the policy is too large")]
    TooLarge,
    /// A byte is a control character other than tab and newline, or the last line has no newline.
    #[error("the policy is not made of lines of text")]
    NotLines,
    /// A line is of none of the four forms.
    #[error("a policy line is malformed")]
    MalformedLine,
    /// A key is not a verifier key.
    #[error("a verifier key is malformed")]
    MalformedKey,
    /// A log has a witness key or a witness a log key.
    #[error("a key does not make the signatures its owner must make")]
    WrongKeyType,
    /// One public key stands for two logs or two witnesses.
    #[error("a public key is listed twice")]
    DuplicateKey,
    /// A name is defined twice, or is `none`.
    #[error("a name is defined twice")]
    DuplicateName,
    /// A name is used before it is defined.
    #[error("a name is not defined")]
    UndefinedName,
    /// A name is a member of two groups, or twice of one.
    #[error("a name is a member twice")]
    DuplicateMember,
    /// A group's threshold is zero or above the number of its members.
    #[error("a threshold cannot be met")]
    ImpossibleThreshold,
    /// There is no quorum line, or a second one.
    #[error("there must be one quorum")]
    NotOneQuorum,
}

/// Why a checkpoint does not satisfy a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unsatisfied {
    /// The policy lists logs, and this one is not among them.
    #[error("the log is not in the policy")]
    UnknownLog,
    /// A listed witness's cosignature is wrong, or there are two of it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The quorum has not cosigned.
    #[error("the quorum has not cosigned; {cosigned} witnesses have")]
    NoQuorum {
        /// How many of the listed witnesses have cosigned.
        cosigned: usize,
    },
}

impl Policy {
    /// The logs that are accepted; when empty, the log is known from elsewhere.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses whose cosignatures count.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Says whether a checkpoint needs any cosignature at all; false for `quorum none`.
    pub fn requires_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Checks the log and the quorum of a checkpoint and returns every listed witness's cosignature of it.
    ///
    /// A wrong cosignature by a listed witness refuses the checkpoint even where the quorum could do without it
    /// (signed-note, Signatures).
    pub fn satisfied_by(&self, checkpoint: &VerifiedCheckpoint) -> Result<Vec<Cosignature>, Unsatisfied> {
        if !self.logs.is_empty() && !self.logs.iter().any(|log| log.key == *checkpoint.log_key()) {
            return Err(Unsatisfied::UnknownLog);
        }
        let mut witnessed = BTreeMap::new();
        let mut cosignatures = Vec::new();
        for witness in &self.witnesses {
            let cosignature = cosignature::verify(checkpoint.note(), &witness.key)?;
            witnessed.insert(witness.name.as_slice(), cosignature.is_some());
            cosignatures.extend(cosignature);
        }
        if self.quorum_is_met(witnessed) {
            Ok(cosignatures)
        } else {
            Err(Unsatisfied::NoQuorum {
                cosigned: cosignatures.len(),
            })
        }
    }

    /// Says whether the cosignatures of these witnesses would make the quorum.
    pub fn would_suffice<'k>(&self, cosigning: impl IntoIterator<Item = &'k VerifierKey>) -> bool {
        let cosigning: Vec<_> = cosigning.into_iter().collect();
        let witnesses = self.witnesses.iter();
        self.quorum_is_met(
            witnesses
                .map(|witness| (witness.name.as_slice(), cosigning.contains(&&witness.key)))
                .collect(),
        )
    }

    /// Counts group by group; each refers only to those before it.
    fn quorum_is_met<'p>(&'p self, mut witnessed: BTreeMap<&'p [u8], bool>) -> bool {
        let Some(quorum) = &self.quorum else { return true };
        let has =
            |witnessed: &BTreeMap<&[u8], bool>, name: &[u8]| witnessed.get(name).copied().unwrap_or(false);
        for group in &self.groups {
            let count = group
                .members
                .iter()
                .filter(|member| has(&witnessed, member))
                .count();
            witnessed.insert(&group.name, count >= group.threshold);
        }
        has(&witnessed, quorum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::hash::leaf_hash;
    use crate::note::{Ed25519Signer, NoteSigner};

    fn log(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed("log", &[seed; 32]).ok().unwrap()
    }

    fn witness(seed: u8) -> Ed25519Signer {
        Ed25519Signer::cosigner_from_seed(&format!("witness{seed}"), &[seed; 32])
            .ok()
            .unwrap()
    }

    fn cosigned(by: &[u8]) -> VerifiedCheckpoint {
        let mut checkpoint = Checkpoint::new("log", 1, leaf_hash(b""))
            .unwrap()
            .sign(&log(0))
            .unwrap();
        for &seed in by {
            let line = cosignature::cosign(&checkpoint, 100 + u64::from(seed), &witness(seed)).unwrap();
            checkpoint.add_cosignature(line).unwrap();
        }
        checkpoint
    }

    /// The example of the specification: two of X and any of Y.
    fn example() -> Policy {
        let key = |seed: u8| witness(seed).verifier_key().to_string();
        let text = format!(
            "log {}\n\nwitness X1 {}\nwitness X2 {}\nwitness X3 {}\ngroup X-witnesses 2 X1 X2 X3\n\n\
             witness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\ngroup Y-witnesses any Y1 Y2 Y3\n\n\
             group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
            log(0).verifier_key(),
            key(1),
            key(2),
            key(3),
            key(4),
            key(5),
            key(6)
        );
        Policy::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn who_would_make_a_quorum_is_counted_by_group_too() {
        let suffice = |by: &[u8]| {
            let keys: Vec<_> = by
                .iter()
                .map(|&seed| witness(seed).verifier_key().clone())
                .collect();
            example().would_suffice(&keys)
        };
        for by in [[1, 2, 4].as_slice(), &[1, 3, 6], &[1, 2, 3, 4, 5, 6]] {
            assert!(suffice(by), "{by:?}");
        }
        for by in [[].as_slice(), &[1, 2, 3], &[1, 4, 5, 6], &[1, 1, 4], &[9, 8, 7]] {
            assert!(!suffice(by), "{by:?}");
        }
        assert!(
            Policy::without_witnesses(log(0).verifier_key().clone())
                .unwrap()
                .would_suffice([])
        );
    }

    #[test]
    fn the_quorum_is_counted_by_group() {
        let met = |by: &[u8]| example().satisfied_by(&cosigned(by)).map(|found| found.len());
        for by in [[1, 2, 4].as_slice(), &[1, 3, 6], &[2, 3, 5], &[1, 2, 3, 4, 5, 6]] {
            assert_eq!(met(by), Ok(by.len()), "{by:?}");
        }
        for by in [
            [].as_slice(),
            &[1, 2],
            &[1, 2, 3],
            &[1, 4],
            &[4, 5, 6],
            &[1, 4, 5, 6],
            &[7, 8, 9],
        ] {
            let cosigned = by.iter().filter(|&&seed| seed < 7).count();
            assert_eq!(met(by), Err(Unsatisfied::NoQuorum { cosigned }), "{by:?}");
        }
    }

    #[test]
    fn cosignatures_come_with_their_times() {
        let found = example().satisfied_by(&cosigned(&[4, 2, 1])).unwrap();
        let found: Vec<_> = found.iter().map(|c| (c.witness.name(), c.timestamp)).collect();
        assert_eq!(found, [("witness1", 101), ("witness2", 102), ("witness4", 104)]);
    }

    #[test]
    fn one_wrong_cosignature_refuses_all() {
        let mut checkpoint = cosigned(&[1, 2, 4]);
        let other = Checkpoint::new("log", 1, leaf_hash(b"other"))
            .unwrap()
            .sign(&log(0))
            .unwrap();
        checkpoint
            .add_cosignature(cosignature::cosign(&other, 5, &witness(3)).unwrap())
            .unwrap();
        let refusal = NoteError::InvalidSignature {
            name: "witness3".into(),
        };
        assert_eq!(
            example().satisfied_by(&checkpoint),
            Err(Unsatisfied::Note(refusal))
        );
    }

    #[test]
    fn another_log_is_refused() {
        let checkpoint = Checkpoint::new("log", 1, leaf_hash(b""))
            .unwrap()
            .sign(&log(9))
            .unwrap();
        assert_eq!(example().satisfied_by(&checkpoint), Err(Unsatisfied::UnknownLog));
    }

    #[test]
    fn no_quorum_is_said_in_so_many_words() {
        let none = Policy::parse(b"quorum none\n").unwrap();
        assert!(!none.requires_witnesses());
        assert_eq!(none.satisfied_by(&cosigned(&[])), Ok(vec![]));
        assert!(example().requires_witnesses());
    }

    #[test]
    fn k_of_n_is_a_group() {
        let keys = [1, 2, 3].map(|seed| witness(seed).verifier_key().clone());
        let policy = Policy::k_of_n(Some(log(0).verifier_key().clone()), &keys, 2).unwrap();
        assert!(policy.satisfied_by(&cosigned(&[3, 1])).is_ok());
        assert_eq!(
            policy.satisfied_by(&cosigned(&[3])),
            Err(Unsatisfied::NoQuorum { cosigned: 1 })
        );
        assert_eq!(
            Policy::k_of_n(None, &keys, 4),
            Err(PolicyError::ImpossibleThreshold)
        );
        assert_eq!(
            Policy::k_of_n(None, &keys, 0),
            Err(PolicyError::ImpossibleThreshold)
        );
        assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy));
    }

    #[test]
    fn one_public_key_is_one_witness_under_any_name() {
        let again = Ed25519Signer::cosigner_from_seed("other.example", &[1; 32])
            .ok()
            .unwrap();
        let keys = [witness(1).verifier_key().clone(), again.verifier_key().clone()];
        assert_eq!(Policy::k_of_n(None, &keys, 2), Err(PolicyError::DuplicateKey));
    }
}
