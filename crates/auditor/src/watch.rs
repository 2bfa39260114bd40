//! A log that is followed: every checkpoint that it shows is audited, and silence is a finding too.
//!
//! Against a forked ledger (T13): a log that shows one reader an old tree for ever contradicts nothing. What it lacks is
//! a fresh cosignature, since witnesses vouch for nothing but the newest tree that they have seen.

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::cosignature;
use cyberid_tlog::note::{NoteSignature, SignedNote, VerifierKey};
use cyberid_tlog::policy::Policy;

use crate::audit::{Keep, Progress, Report, audit_on};
use crate::finding::{AuditFailure, Finding, Silence};
use crate::source::LedgerSource;
use crate::state::State;

/// What is followed, and for how long it may be silent.
pub struct Watch<'a> {
    source: &'a dyn LedgerSource,
    log: &'a VerifierKey,
    policy: &'a Policy,
    /// In seconds.
    silence: u64,
    /// When the log last answered.
    heard: UnixTime,
}

/// What one look at the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// A clean log.
    Clean(Box<Report>),
    /// It could not be read, and has not been silent for too long yet.
    Unreachable {
        /// Why.
        cause: String,
    },
}

impl<'a> Watch<'a> {
    /// Follows the log in `source` from `now` on.
    pub fn new(
        source: &'a dyn LedgerSource,
        log: &'a VerifierKey,
        policy: &'a Policy,
        silence: u64,
        now: UnixTime,
    ) -> Self {
        Self {
            source,
            log,
            policy,
            silence,
            heard: now,
        }
    }

    /// Audits what is new since `state`, at the moment `now`.
    pub async fn look(
        &mut self,
        state: &mut State,
        now: UnixTime,
        progress: Progress<'_>,
        keep: Keep<'_>,
    ) -> Result<Look, AuditFailure> {
        match audit_on(self.source, self.log, self.policy, state, progress, keep).await {
            Ok(report) => {
                self.heard = now;
                let note = state.checkpoint().unwrap_or_default();
                fresh(note, self.log, self.policy, self.silence, now)?;
                Ok(Look::Clean(Box::new(report)))
            }
            Err(AuditFailure::Unreadable(error)) => self.unheard(error.to_string(), now),
            Err(failure) => Err(failure),
        }
    }

    fn unheard(&self, cause: String, now: UnixTime) -> Result<Look, AuditFailure> {
        let seconds = now.since(self.heard);
        if seconds > self.silence {
            return Err(Finding::from(Silence::Unreachable { seconds, cause }).into());
        }
        Ok(Look::Unreachable { cause })
    }
}

/// Checks that the quorum of `policy` cosigned this checkpoint within `bound` seconds of `now`. A policy that asks for no
/// cosignature says nothing of freshness.
pub(crate) fn fresh(
    note: &str,
    log: &VerifierKey,
    policy: &Policy,
    bound: u64,
    now: UnixTime,
) -> Result<(), Finding> {
    let note = SignedNote::parse(note.as_bytes()).map_err(cyberid_tlog::checkpoint::CheckpointError::from)?;
    let mut keys = vec![log];
    for witness in policy.witnesses() {
        let cosigned =
            cosignature::verify(&note, &witness.key).map_err(cyberid_tlog::policy::Unsatisfied::from)?;
        // What is from the future would be fresh for ever.
        let recent = now.minus(bound).0..=now.plus(SKEW).0;
        if cosigned.is_some_and(|cosigned| recent.contains(&cosigned.timestamp)) {
            keys.push(&witness.key);
        }
    }
    let lines = note.signatures().iter().filter(|line| {
        let by = |key: &&VerifierKey| key.name() == line.name() && key.key_id() == line.key_id();
        keys.iter().any(by)
    });
    let lines = NoteSignature::format_lines(&lines.cloned().collect::<Vec<_>>());
    let recent = format!("{}\n{lines}", note.text());
    let recent = VerifiedCheckpoint::open(recent.as_bytes(), log)?;
    let satisfied = policy.satisfied_by(&recent);
    satisfied.map(|_| ()).map_err(|_| Silence::Stale { bound }.into())
}

#[cfg(test)]
mod tests {
    use cyberid_tlog::checkpoint::Checkpoint;
    use cyberid_tlog::cosignature::cosign;
    use cyberid_tlog::hash::leaf_hash;
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};

    use super::*;

    const NOW: u64 = 10_000;

    fn witness(seed: u8) -> Ed25519Signer {
        Ed25519Signer::cosigner_from_seed(&format!("witness{seed}.example"), &[seed; 32]).unwrap()
    }

    /// Whether a checkpoint is fresh that three witnesses cosigned at these times, two of whom are enough.
    fn is_fresh(times: [u64; 3], quorum: usize) -> Result<(), Finding> {
        let log = Ed25519Signer::from_seed("log", &[9; 32]).unwrap();
        let checkpoint = Checkpoint::new("log", 1, leaf_hash(b"")).unwrap();
        let mut checkpoint = checkpoint.sign(&log).unwrap();
        let witnesses = [1, 2, 3].map(witness);
        for (witness, time) in witnesses.iter().zip(times) {
            checkpoint
                .add_cosignature(cosign(&checkpoint, time, witness).unwrap())
                .unwrap();
        }
        let keys = witnesses.map(|witness| witness.verifier_key().clone());
        let policy = Policy::k_of_n(Some(log.verifier_key().clone()), &keys, quorum).unwrap();
        let note = checkpoint.note().to_string();
        fresh(&note, log.verifier_key(), &policy, 600, UnixTime(NOW))
    }

    #[test]
    fn a_quorum_has_to_be_fresh_and_not_one_witness_of_it() {
        let stale = Err(Finding::Silent(Silence::Stale { bound: 600 }));
        assert_eq!(is_fresh([NOW, NOW - 600, 1], 2), Ok(()));
        assert_eq!(is_fresh([NOW, NOW - 601, 1], 2), stale);
        assert_eq!(is_fresh([NOW, NOW - 601, 1], 1), Ok(()));
        assert_eq!(is_fresh([1, 1, 1], 1), stale);
    }

    #[test]
    fn a_cosignature_from_the_future_is_not_fresh() {
        assert_eq!(is_fresh([NOW + 60, 1, 1], 1), Ok(()));
        assert!(is_fresh([NOW + 61, 1, 1], 1).is_err());
    }
}
