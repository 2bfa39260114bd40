//! Keys in a token, with the faces of keys in memory.

use std::sync::Arc;

use cyberid_crypto::key::KeyFailure;
use cyberid_crypto::{Agree, PublicKey, Sign, digest};
use zeroize::Zeroizing;

use super::operations;
use super::sessions::Sessions;

/// A P-256 key in a token.
pub(super) struct TokenKey {
    sessions: Arc<Sessions>,
    object: String,
    public: PublicKey,
    kid: String,
}

impl TokenKey {
    pub(super) fn new(sessions: &Arc<Sessions>, object: &str, public: PublicKey) -> Self {
        Self {
            sessions: Arc::clone(sessions),
            object: object.to_owned(),
            public,
            kid: public.thumbprint(),
        }
    }
}

impl Sign for TokenKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        let (object, digest) = (self.object.clone(), digest::sha256(message));
        let signed = self
            .sessions
            .ask(move |desk| operations::sign(desk, &object, &digest));
        signed.map_err(|_| KeyFailure)
    }
}

impl Agree for TokenKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyFailure> {
        let (object, peer) = (self.object.clone(), *peer.as_sec1());
        let agreed = self
            .sessions
            .ask(move |desk| operations::agree(desk, &object, &peer));
        agreed.map_err(|_| KeyFailure)
    }
}
