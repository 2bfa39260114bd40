//! The key that one answer of the identity source is sealed to: it agrees once with whoever sealed several texts of the answer
//! under one agreement.

use std::sync::{Mutex, PoisonError};

use cyberid_crypto::{Agree, AgreementKey, KeyFailure, PublicKey, Suite};
use zeroize::Zeroizing;

/// A key for one answer.
pub(crate) struct ReplyKey {
    key: AgreementKey,
    /// With whom it agreed last, and on what.
    last: Mutex<Option<(PublicKey, Zeroizing<[u8; 32]>)>>,
}

impl ReplyKey {
    /// A fresh one.
    pub(crate) fn fresh(suite: Suite) -> Result<Self, KeyFailure> {
        Ok(Self {
            key: AgreementKey::ephemeral_of(suite)?,
            last: Mutex::default(),
        })
    }
}

impl Agree for ReplyKey {
    fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn kid(&self) -> &str {
        self.key.kid()
    }

    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyFailure> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, agreed)) = last.as_ref().filter(|(with, _)| with == peer) {
            return Ok(agreed.clone());
        }
        let agreed = self.key.agree(peer)?;
        *last = Some((*peer, agreed.clone()));
        Ok(agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_remembers_is_of_that_peer_alone() {
        let key = ReplyKey::fresh(Suite::Nist).unwrap();
        let [one, other] = [(); 2].map(|()| AgreementKey::ephemeral().unwrap());
        for peer in [&one, &one, &other, &one] {
            let theirs = peer.agree(&key.public_key()).unwrap();
            assert_eq!(key.agree(&peer.public_key()).unwrap(), theirs);
        }
    }
}
