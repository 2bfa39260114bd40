//! Who may receive: a relying party that was registered before, and is not suspended.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::ClientId;
use cyberid_protocol::leaf::{Leaf, LeafKind};

/// How a leaf contradicts what was recorded of its relying party.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartyBreak {
    /// It is about a relying party and names none.
    #[error("it names no relying party")]
    Unnamed,
    /// Nothing before it registered this relying party.
    #[error("{rp} was not registered before")]
    Unregistered {
        /// The relying party.
        rp: ClientId,
    },
    /// Plaintext was to leave to a relying party that was suspended.
    #[error("{rp} was suspended")]
    Suspended {
        /// The relying party.
        rp: ClientId,
    },
}

/// The relying parties of a log, as far as it was read: since when each is suspended, if it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parties(pub(crate) BTreeMap<ClientId, Option<UnixTime>>);

impl Parties {
    /// Takes the next leaf of the log. An intent that was under way while its relying party was suspended may stand up
    /// to [`SKEW`] seconds behind.
    pub(crate) fn next(&mut self, leaf: &Leaf) -> Result<(), PartyBreak> {
        use LeafKind as K;
        if !matches!(
            leaf.kind,
            K::RpRegistered | K::RpSuspended | K::RpKeyChanged | K::ConsentGranted | K::ReleaseIntended
        ) {
            return Ok(());
        }
        let rp = leaf.rp.clone().ok_or(PartyBreak::Unnamed)?;
        if leaf.kind == K::RpRegistered {
            self.0.insert(rp, None);
            return Ok(());
        }
        let suspended = self
            .0
            .get_mut(&rp)
            .ok_or_else(|| PartyBreak::Unregistered { rp: rp.clone() })?;
        match (leaf.kind, *suspended) {
            (K::RpSuspended, None) => *suspended = Some(leaf.time),
            (K::ReleaseIntended, Some(since)) if leaf.time > since.plus(SKEW) => {
                return Err(PartyBreak::Suspended { rp });
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(kind: LeafKind, time: u64) -> Leaf {
        Leaf {
            rp: Some(rp()),
            ..Leaf::new(kind, UnixTime(time))
        }
    }

    fn rp() -> ClientId {
        "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()
    }

    fn read(leaves: &[Leaf]) -> Result<(), PartyBreak> {
        let mut parties = Parties::default();
        leaves.iter().try_for_each(|leaf| parties.next(leaf))
    }

    use LeafKind as K;

    #[test]
    fn nobody_receives_who_was_not_registered_before() {
        let unregistered = Err(PartyBreak::Unregistered { rp: rp() });
        for kind in [
            K::ConsentGranted,
            K::ReleaseIntended,
            K::RpSuspended,
            K::RpKeyChanged,
        ] {
            assert_eq!(read(&[leaf(kind, 1)]), unregistered);
            assert_eq!(read(&[leaf(K::RpRegistered, 1), leaf(kind, 1)]), Ok(()));
            let nobody = Leaf::new(kind, UnixTime(1));
            assert_eq!(
                read(&[leaf(K::RpRegistered, 1), nobody]),
                Err(PartyBreak::Unnamed)
            );
        }
    }

    #[test]
    fn nobody_receives_while_suspended() {
        let until = |intent| {
            [
                leaf(K::RpRegistered, 1),
                leaf(K::RpSuspended, 100),
                leaf(K::RpSuspended, 200),
                leaf(K::ReleaseIntended, intent),
            ]
        };
        assert_eq!(read(&until(160)), Ok(()));
        assert_eq!(read(&until(161)), Err(PartyBreak::Suspended { rp: rp() }));
        let reinstated = [
            leaf(K::RpRegistered, 1),
            leaf(K::RpSuspended, 100),
            leaf(K::RpRegistered, 150),
            leaf(K::ReleaseIntended, 300),
        ];
        assert_eq!(read(&reinstated), Ok(()));
    }
}
