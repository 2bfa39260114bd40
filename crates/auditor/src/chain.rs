//! The order of kinds: no delivery without intent, no intent without grant, and every leaf linked to the one before.

use std::collections::{HashMap, HashSet};

use cyberid_crypto::{base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_protocol::leaf::{Leaf, LeafKind};

use crate::said::repeated;

/// How a leaf breaks the chain of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// A kind that belongs to a release, or to an official access, names none, or both.
    #[error("it does not name the one release that it belongs to")]
    NoRelease,
    /// The kind may not stand here.
    #[error("{} may not follow {}", .kind.as_str(), .after.map_or("nothing", LeafKind::as_str))]
    Order {
        /// The kind.
        kind: LeafKind,
        /// The last kind of the release before it.
        after: Option<LeafKind>,
    },
    /// The release had come to its end.
    #[error("{} stands after the release had ended", .kind.as_str())]
    Ended {
        /// The kind.
        kind: LeafKind,
    },
    /// The link is not the hash of the release's last leaf.
    #[error("it is not linked to the leaf before it")]
    Link,
    /// It says something else than the grant.
    #[error("it says something else than the grant")]
    Differs,
}

/// A release in the books: half of the digest of its name. Two names that met here would be reported, not overlooked,
/// because a leaf also repeats the name itself.
pub(crate) type Name = [u8; 16];

/// Where a release stands whose story can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The digest of its last leaf.
    pub(crate) last: [u8; 32],
    /// The digest of what every leaf of it repeats.
    pub(crate) said: [u8; 32],
    /// The kind of its last leaf.
    pub(crate) kind: LeafKind,
    /// When its last leaf was made.
    pub(crate) time: UnixTime,
    /// The place of its last leaf.
    pub(crate) index: u64,
}

/// The releases of a log, as far as it was read. Of one that has ended only the name is kept: whatever comes after is one
/// too many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chains {
    pub(crate) open: HashMap<Name, Standing>,
    pub(crate) ended: HashSet<Name>,
}

impl Chains {
    /// Takes the leaf at `index`, and says where its release stood before.
    pub(crate) fn next(
        &mut self,
        index: u64,
        leaf: &Leaf,
        text: &str,
    ) -> Result<Option<Standing>, ChainBreak> {
        let Some(starts) = starting(leaf.kind) else {
            return Ok(None);
        };
        let name = name(leaf)?;
        let now = Standing {
            last: digest::sha256(text.as_bytes()),
            said: repeated(text),
            kind: leaf.kind,
            time: leaf.time,
            index,
        };
        let before = self.open.get(&name).copied();
        match &before {
            Some(before) => follows(before, &now, leaf)?,
            None => self.begins(&name, starts, leaf)?,
        }
        if ends(before.map(|before| before.kind), leaf.kind) {
            self.open.remove(&name);
            self.ended.insert(name);
        } else {
            self.open.insert(name, now);
        }
        Ok(before)
    }

    /// How many releases were seen.
    pub fn releases(&self) -> usize {
        self.open.len() + self.ended.len()
    }

    fn begins(&self, name: &Name, starts: bool, leaf: &Leaf) -> Result<(), ChainBreak> {
        let kind = leaf.kind;
        if self.ended.contains(name) {
            return Err(ChainBreak::Ended { kind });
        }
        match (starts, &leaf.previous) {
            (true, None) => Ok(()),
            (true, Some(_)) => Err(ChainBreak::Link),
            (false, _) => Err(ChainBreak::Order { kind, after: None }),
        }
    }
}

fn name(leaf: &Leaf) -> Result<Name, ChainBreak> {
    let text = match (&leaf.request, &leaf.official) {
        (Some(release), None) if !is_official(leaf.kind) => release.as_str(),
        (None, Some(access)) if is_official(leaf.kind) => access.as_str(),
        _ => return Err(ChainBreak::NoRelease),
    };
    let [half, _] = halves(digest::sha256(text.as_bytes()));
    Ok(half)
}

fn halves(digest: [u8; 32]) -> [Name; 2] {
    let mut halves = [[0; 16]; 2];
    for (half, bytes) in halves.iter_mut().zip(digest.chunks_exact(16)) {
        half.copy_from_slice(bytes);
    }
    halves
}

fn follows(before: &Standing, now: &Standing, leaf: &Leaf) -> Result<(), ChainBreak> {
    if !may_follow(before.kind, leaf.kind) {
        return Err(ChainBreak::Order {
            kind: leaf.kind,
            after: Some(before.kind),
        });
    }
    if leaf.previous.as_deref() != Some(base64url::encode(&before.last).as_str()) {
        return Err(ChainBreak::Link);
    }
    (before.said == now.said).then_some(()).ok_or(ChainBreak::Differs)
}

const fn is_official(kind: LeafKind) -> bool {
    use LeafKind as K;
    matches!(
        kind,
        K::OfficialRequested
            | K::OfficialRefused
            | K::OfficialIntended
            | K::OfficialDelivered
            | K::OfficialPresumed
    )
}

/// Whether a kind begins a chain; nothing if it belongs to none.
const fn starting(kind: LeafKind) -> Option<bool> {
    match kind {
        LeafKind::ConsentGranted | LeafKind::OfficialRequested => Some(true),
        LeafKind::ReleaseIntended
        | LeafKind::ReleaseDelivered
        | LeafKind::ReleasePresumed
        | LeafKind::ConsentWithdrawn
        | LeafKind::ConsentExpired
        | LeafKind::ErasureConfirmed
        | LeafKind::ErasureOverdue
        | LeafKind::OfficialRefused
        | LeafKind::OfficialIntended
        | LeafKind::OfficialDelivered
        | LeafKind::OfficialPresumed => Some(false),
        LeafKind::RpRegistered
        | LeafKind::RpSuspended
        | LeafKind::RpKeyChanged
        | LeafKind::KeyRotated
        | LeafKind::ServiceHalted
        | LeafKind::ServiceResumed
        | LeafKind::IdentitySuspended
        | LeafKind::IdentityReinstated
        | LeafKind::IdentityEnded => None,
    }
}

const fn may_follow(before: LeafKind, next: LeafKind) -> bool {
    use LeafKind as K;
    matches!(
        (before, next),
        (
            K::ConsentGranted,
            K::ReleaseIntended | K::ConsentWithdrawn | K::ConsentExpired
        ) | (K::ReleaseIntended, K::ReleaseDelivered | K::ReleasePresumed)
            | (K::ReleaseDelivered | K::ReleasePresumed, K::ConsentWithdrawn)
            | (K::ConsentWithdrawn, K::ErasureConfirmed | K::ErasureOverdue)
            | (K::ErasureOverdue, K::ErasureConfirmed)
            | (K::OfficialRequested, K::OfficialIntended | K::OfficialRefused)
            | (K::OfficialIntended, K::OfficialDelivered | K::OfficialPresumed)
    )
}

/// Whether nothing may follow a kind that itself follows `before`. A withdrawal before anything was delivered owes no
/// erasure.
const fn ends(before: Option<LeafKind>, kind: LeafKind) -> bool {
    use LeafKind as K;
    match kind {
        K::ConsentExpired
        | K::ErasureConfirmed
        | K::OfficialRefused
        | K::OfficialDelivered
        | K::OfficialPresumed => true,
        K::ConsentWithdrawn => matches!(before, Some(K::ConsentGranted)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
