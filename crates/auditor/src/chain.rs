//! The order of kinds: no delivery without intent, no intent without grant, and every leaf linked to the one before.

use std::collections::HashMap;

use cyberid_crypto::digest;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::leaf::{Leaf, LeafKind};

/// How a leaf breaks the chain of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// A kind that belongs to a release names none.
    #[error("it names no release")]
    NoRelease,
    /// The kind may not stand here.
    #[error("{} may not follow {}", .kind.as_str(), .after.map_or("nothing", LeafKind::as_str))]
    Order {
        /// The kind.
        kind: LeafKind,
        /// The last kind of the release before it.
        after: Option<LeafKind>,
    },
    /// The link is not the hash of the release's last leaf.
    #[error("it is not linked to the leaf before it")]
    Link,
    /// It says something else than the grant.
    #[error("it says something else than the grant")]
    Differs,
}

/// The releases of a log, as far as it was read.
#[derive(Debug, Default)]
pub struct Chains {
    last: HashMap<ReleaseId, (Leaf, String)>,
}

impl Chains {
    /// Takes the next leaf of the log.
    pub fn next(&mut self, leaf: Leaf, text: &str) -> Result<(), ChainBreak> {
        let Some(starts) = starting(leaf.kind) else {
            return Ok(());
        };
        let release = leaf.request.clone().ok_or(ChainBreak::NoRelease)?;
        match self.last.get(&release) {
            None if starts && leaf.previous.is_none() => {}
            None if starts => return Err(ChainBreak::Link),
            None => {
                return Err(ChainBreak::Order {
                    kind: leaf.kind,
                    after: None,
                });
            }
            Some((before, sha256)) => follows(before, sha256, &leaf)?,
        }
        self.last
            .insert(release, (leaf, digest::sha256_base64url(text.as_bytes())));
        Ok(())
    }

    /// How many releases were seen.
    pub fn releases(&self) -> usize {
        self.last.len()
    }
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
        | LeafKind::OfficialDelivered => Some(false),
        LeafKind::RpRegistered
        | LeafKind::RpSuspended
        | LeafKind::RpKeyChanged
        | LeafKind::KeyRotated
        | LeafKind::ServiceHalted
        | LeafKind::ServiceResumed => None,
    }
}

fn follows(before: &Leaf, before_sha256: &str, leaf: &Leaf) -> Result<(), ChainBreak> {
    if !may_follow(before.kind, leaf.kind) {
        return Err(ChainBreak::Order {
            kind: leaf.kind,
            after: Some(before.kind),
        });
    }
    if leaf.previous.as_deref() != Some(before_sha256) {
        return Err(ChainBreak::Link);
    }
    let said = Leaf {
        kind: leaf.kind,
        time: leaf.time,
        previous: leaf.previous.clone(),
        ..before.clone()
    };
    if said == *leaf {
        Ok(())
    } else {
        Err(ChainBreak::Differs)
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
            | (K::OfficialIntended, K::OfficialDelivered)
    )
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;

    use super::*;

    fn grant() -> Leaf {
        Leaf {
            request: Some("rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
            ..Leaf::new(LeafKind::ConsentGranted, UnixTime(1))
        }
    }

    fn read(leaves: &[Leaf]) -> Result<usize, ChainBreak> {
        let mut chains = Chains::default();
        for leaf in leaves {
            chains.next(leaf.clone(), &leaf.to_text().unwrap())?;
        }
        Ok(chains.releases())
    }

    fn chain(kinds: &[LeafKind]) -> Vec<Leaf> {
        let mut leaves = vec![grant()];
        for kind in kinds {
            let last = leaves.last().unwrap().clone();
            leaves.push(last.followed_by(*kind, UnixTime(2)).unwrap());
        }
        leaves
    }

    #[test]
    fn a_whole_life_is_in_order() {
        use LeafKind as K;
        let life = [
            K::ReleaseIntended,
            K::ReleaseDelivered,
            K::ConsentWithdrawn,
            K::ErasureConfirmed,
        ];
        assert_eq!(read(&chain(&life)), Ok(1));
    }

    #[test]
    fn no_delivery_without_intent_and_no_intent_without_grant() {
        let after = Some(LeafKind::ConsentGranted);
        let kind = LeafKind::ReleaseDelivered;
        assert_eq!(read(&chain(&[kind])), Err(ChainBreak::Order { kind, after }));
        let kind = LeafKind::ReleaseIntended;
        assert_eq!(
            read(&chain(&[kind])[1..]),
            Err(ChainBreak::Order { kind, after: None })
        );
    }

    #[test]
    fn a_second_intent_or_grant_of_one_release_is_noticed() {
        assert!(read(&chain(&[LeafKind::ReleaseIntended, LeafKind::ReleaseIntended])).is_err());
        assert!(read(&[grant(), grant()]).is_err());
    }

    #[test]
    fn a_leaf_that_says_more_or_is_not_linked_is_noticed() {
        let mut leaves = chain(&[LeafKind::ReleaseIntended]);
        leaves[1].fields = Some(vec![cyberid_domain::field::Field::Name]);
        assert_eq!(read(&leaves), Err(ChainBreak::Differs));
        let mut leaves = chain(&[LeafKind::ReleaseIntended]);
        leaves[1].previous = Some(digest::sha256_base64url(b"other"));
        assert_eq!(read(&leaves), Err(ChainBreak::Link));
    }

    #[test]
    fn a_leaf_without_its_release_is_noticed() {
        assert_eq!(
            read(&[Leaf::new(LeafKind::ConsentGranted, UnixTime(1))]),
            Err(ChainBreak::NoRelease)
        );
        assert_eq!(read(&[Leaf::new(LeafKind::RpRegistered, UnixTime(1))]), Ok(0));
    }
}
