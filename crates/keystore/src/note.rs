//! Ed25519 keys (RFC 8032) for the notes of the transparency log.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use cyberid_crypto::key::KeyFailure;

/// Signs exactly what it is given: the face of an Ed25519 key that is not in memory.
pub(crate) type SignNote = dyn Fn(&[u8]) -> Result<[u8; 64], KeyFailure> + Send + Sync;

/// An Ed25519 key, in memory or in a token.
pub struct Ed25519Key {
    private: Private,
    public: [u8; 32],
}

enum Private {
    Memory(Ed25519KeyPair),
    Elsewhere(Box<SignNote>),
}

impl Ed25519Key {
    /// The key of a seed.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyFailure> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyFailure)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyFailure)?;
        let private = Private::Memory(pair);
        Ok(Self { private, public })
    }

    /// The key of this public half, whose private half does what `sign` does.
    pub(crate) fn elsewhere(public: [u8; 32], sign: Box<SignNote>) -> Self {
        let private = Private::Elsewhere(sign);
        Self { private, public }
    }

    /// The public half.
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// The signature of exactly `message`.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        match &self.private {
            Private::Memory(pair) => {
                let signature = pair.try_sign(message).map_err(|_| KeyFailure)?;
                signature.as_ref().try_into().map_err(|_| KeyFailure)
            }
            Private::Elsewhere(sign) => sign(message),
        }
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn the_first_test_of_rfc_8032() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = Ed25519Key::from_seed(&seed.try_into().unwrap()).unwrap();
        assert_eq!(
            hex::encode(key.public_key()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
        assert_eq!(
            hex::encode(key.sign(b"").unwrap()),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        );
    }
}
