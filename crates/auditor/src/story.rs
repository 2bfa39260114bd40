//! What the leaves of a log have said, as far as they were read: all that an audit has to remember to go on.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::subject::LifeReason;
use cyberid_protocol::leaf::{EndedLog, Leaf, LeafKind, NoHalt};
use cyberid_protocol::{consent, warrant};
use serde::{Deserialize, Serialize};

use crate::chain::{Chains, Standing};
use crate::finding::Finding;
use crate::party::Parties;
use crate::warning::{Warning, Warnings};

/// For how many seconds after a withdrawal an erasure may be outstanding (docs/cycles/withdrawal.md).
const ERASE_WITHIN: u64 = 30 * 86_400;

/// How much longer than it promises a log may take for what it does by itself: a platform that was down does it when it
/// is back.
const ALLOWANCE: u64 = 3600;

/// Whether the service is up, by its own leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Service {
    /// It has not said anything yet.
    #[default]
    Unknown,
    /// It resumed.
    Running,
    /// It halted.
    Halted,
}

/// What the leaves have said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Story {
    /// How many leaves.
    pub(crate) size: u64,
    pub(crate) kinds: BTreeMap<LeafKind, u64>,
    pub(crate) chains: Chains,
    pub(crate) parties: Parties,
    pub(crate) service: Service,
    /// The latest time of any leaf, Unix seconds: the clock of the log itself.
    pub(crate) clock: u64,
    pub(crate) warnings: Warnings,
}

impl Story {
    /// Takes the next leaf, and says what it breaks: then the story stays as it was. A leaf may claim that the log
    /// continues another one, which is for who holds the tree to check.
    pub(crate) fn leaf(&mut self, entry: &[u8]) -> Result<Option<EndedLog>, Finding> {
        let index = self.size;
        let text = std::str::from_utf8(entry).map_err(|_| Finding::LeafFormat { index })?;
        let leaf = Leaf::from_text(text).map_err(|_| Finding::LeafFormat { index })?;
        if !says_its_own(&leaf) {
            return Err(Finding::LeafFormat { index });
        }
        let party = self.parties.next(&leaf);
        party.map_err(|broken| Finding::Party { index, broken })?;
        let before = self.chains.next(index, &leaf, text);
        let before = before.map_err(|broken| Finding::Chain { index, broken })?;
        *self.kinds.entry(leaf.kind).or_default() += 1;
        self.remark(&leaf, before);
        self.clock = self.clock.max(leaf.time.0);
        self.size += 1;
        Ok(leaf.ended)
    }

    /// All warnings once the last leaf was read: with what is overdue by now.
    pub(crate) fn warnings(&self) -> Warnings {
        let mut overdue: Vec<Warning> = self.overdue().collect();
        overdue.sort_by_key(|warning| match warning {
            Warning::Overdue { index, .. } => *index,
            _ => u64::MAX,
        });
        let mut warnings = self.warnings.clone();
        overdue.into_iter().for_each(|warning| warnings.add(warning));
        warnings
    }

    fn overdue(&self) -> impl Iterator<Item = Warning> {
        let open = self.chains.open.values();
        open.filter_map(|standing| {
            let seconds = UnixTime(self.clock).since(standing.time);
            let overdue = waits(standing.kind).is_some_and(|longest| seconds > longest + ALLOWANCE);
            overdue.then_some(Warning::Overdue {
                index: standing.index,
                kind: standing.kind,
                seconds,
            })
        })
    }

    fn remark(&mut self, leaf: &Leaf, before: Option<Standing>) {
        let index = self.size;
        let seconds = UnixTime(self.clock).since(leaf.time);
        if seconds > SKEW {
            self.warnings.add(Warning::Behind { index, seconds });
        }
        if let Some(before) = before.filter(|before| is_late(before, leaf)) {
            self.warnings.add(Warning::Late {
                index,
                kind: leaf.kind,
                seconds: leaf.time.since(before.time),
            });
        }
        self.attend(leaf);
    }

    fn attend(&mut self, leaf: &Leaf) {
        let index = self.size;
        let warning = match (leaf.kind, self.service, leaf.reason) {
            (LeafKind::ServiceResumed, Service::Halted, None)
            | (LeafKind::ServiceResumed, Service::Unknown, Some(NoHalt::First)) => None,
            (LeafKind::ServiceResumed, _, Some(NoHalt::Unclean)) => Some(Warning::CutOff { index }),
            (LeafKind::ServiceResumed, ..) => Some(Warning::NotHalted { index }),
            // A log takes another's place while nobody works on it.
            (LeafKind::KeyRotated, Service::Halted, _) if leaf.ended.is_some() => None,
            (_, Service::Halted, _) => Some(Warning::AfterHalt { index }),
            _ => None,
        };
        match leaf.kind {
            LeafKind::ServiceResumed => self.service = Service::Running,
            LeafKind::ServiceHalted => self.service = Service::Halted,
            _ => {}
        }
        warning.into_iter().for_each(|warning| self.warnings.add(warning));
    }
}

/// Whether the members that only some kinds have are in leaves of no other kind: nothing is said where nobody reads it.
fn says_its_own(leaf: &Leaf) -> bool {
    let official = leaf.official.is_some() || leaf.authority.is_some() || leaf.order_sha256.is_some();
    let rotated = leaf.role.is_some() || leaf.kid.is_some() || leaf.ended.is_some();
    let resumed = leaf.reason.is_some();
    let lived = leaf.life_reason.is_some();
    match leaf.kind {
        LeafKind::OfficialRequested
        | LeafKind::OfficialRefused
        | LeafKind::OfficialIntended
        | LeafKind::OfficialDelivered
        | LeafKind::OfficialPresumed => !rotated && !resumed && !lived,
        LeafKind::KeyRotated => !official && !resumed && !lived,
        LeafKind::ServiceResumed => !official && !rotated && !lived,
        LeafKind::IdentitySuspended | LeafKind::IdentityReinstated | LeafKind::IdentityEnded => {
            !official && !rotated && !resumed && is_of_a_life(leaf)
        }
        _ => !official && !rotated && !resumed && !lived,
    }
}

/// Whether a leaf of an identity says whose and why, and nothing of any relying party.
fn is_of_a_life(leaf: &Leaf) -> bool {
    let nobody_else = leaf.request.is_none() && leaf.rp.is_none() && leaf.fields.is_none();
    let fits = match leaf.life_reason {
        None | Some(LifeReason::Holder) => false,
        Some(LifeReason::Death) => leaf.kind != LeafKind::IdentitySuspended,
        Some(LifeReason::Misuse) => true,
        Some(LifeReason::Operator | LifeReason::Document) => leaf.kind != LeafKind::IdentityEnded,
    };
    fits && nobody_else && leaf.subject_commitment.is_some()
}

/// For how many seconds a kind may be the last of its release.
const fn waits(kind: LeafKind) -> Option<u64> {
    match kind {
        LeafKind::ConsentGranted => Some(consent::MAX_LIFE),
        LeafKind::ReleaseIntended | LeafKind::OfficialIntended => Some(warrant::MAX_AGE),
        // A withdrawal that owes no erasure is the end of its release.
        LeafKind::ConsentWithdrawn => Some(ERASE_WITHIN),
        _ => None,
    }
}

/// Whether plaintext left, or was to leave, when neither consent nor warrant can have opened anything any more. What the
/// platform presumes or records by itself may come late.
fn is_late(before: &Standing, leaf: &Leaf) -> bool {
    let opens = matches!(
        leaf.kind,
        LeafKind::ReleaseIntended | LeafKind::ReleaseDelivered | LeafKind::OfficialDelivered
    );
    let longest = waits(before.kind).filter(|_| opens);
    longest.is_some_and(|longest| leaf.time.since(before.time) > longest + SKEW)
}

#[cfg(test)]
mod tests;
