//! What a private key can do, one trait per ability, so that a key may live in memory or in hardware; and the
//! keys in memory.

use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use crate::digest;
use crate::jwk::{InvalidKey, PublicKey};

/// The device that holds a key did not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key could not be used")]
pub struct KeyFailure;

/// A key that signs.
pub trait Sign: Send + Sync {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// The thumbprint of the public half.
    fn kid(&self) -> &str;

    /// The ES256 signature of `message`: `r || s`, 64 bytes (RFC 7518, section 3.4).
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure>;
}

/// A key that agrees on a shared secret.
pub trait Agree: Send + Sync {
    /// The public half.
    fn public_key(&self) -> PublicKey;

    /// The thumbprint of the public half.
    fn kid(&self) -> &str;

    /// The x coordinate of the shared point (SEC 1, section 3.3.1).
    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyFailure>;
}

/// A key that authenticates or derives.
pub trait Mac: Send + Sync {
    /// HMAC-SHA-256 over the parts, each preceded by its length.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32];
}

/// A P-256 signing key in memory.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    kid: String,
}

impl SigningKey {
    /// The key of a private scalar, 32 bytes big-endian, not zero and below the group order.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, InvalidKey> {
        let public = public_of(scalar)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            scalar,
            public.as_sec1(),
        );
        Ok(Self {
            pair: pair.map_err(|_| InvalidKey)?,
            public,
            kid: public.thumbprint(),
        })
    }
}

impl Sign for SigningKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message)
            .map_err(|_| KeyFailure)?;
        signature.as_ref().try_into().map_err(|_| KeyFailure)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// A P-256 key-agreement key in memory.
pub struct AgreementKey {
    private: agreement::PrivateKey,
    public: PublicKey,
    kid: String,
}

impl AgreementKey {
    /// The key of a private scalar, 32 bytes big-endian, not zero and below the group order.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, InvalidKey> {
        let public = public_of(scalar)?;
        let private = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar).map_err(|_| InvalidKey)?;
        Ok(Self {
            private,
            public,
            kid: public.thumbprint(),
        })
    }

    /// A fresh key that lives for one message.
    pub fn ephemeral() -> Result<Self, KeyFailure> {
        let private = agreement::PrivateKey::generate(&ECDH_P256).map_err(|_| KeyFailure)?;
        let public = private.compute_public_key().map_err(|_| KeyFailure)?;
        let public = PublicKey::from_sec1(public.as_ref()).map_err(|_| KeyFailure)?;
        Ok(Self {
            private,
            public,
            kid: public.thumbprint(),
        })
    }
}

impl Agree for AgreementKey {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, KeyFailure> {
        let peer = UnparsedPublicKey::new(&ECDH_P256, peer.as_sec1());
        agreement::agree(&self.private, peer, KeyFailure, |shared| {
            shared.try_into().map(Zeroizing::new).map_err(|_| KeyFailure)
        })
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgreementKey({})", self.kid)
    }
}

/// An HMAC key in memory.
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// The key of these bytes.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }
}

impl Mac for MacKey {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        digest::hmac_parts(self.0.as_ref(), parts)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// Draws a private scalar: `fill` is asked again in the one case in 2^32 that its bytes are not below the order.
pub fn random_scalar(mut fill: impl FnMut(&mut [u8])) -> Zeroizing<[u8; 32]> {
    let mut scalar = Zeroizing::new([0; 32]);
    loop {
        fill(scalar.as_mut());
        if public_of(&scalar).is_ok() {
            return scalar;
        }
    }
}

fn public_of(scalar: &[u8; 32]) -> Result<PublicKey, InvalidKey> {
    let secret = p256::SecretKey::from_slice(scalar).map_err(|_| InvalidKey)?;
    PublicKey::from_sec1(&secret.public_key().to_sec1_bytes())
        .or_else(|InvalidKey| PublicKey::from_sec1(&uncompressed(&secret)))
}

fn uncompressed(secret: &p256::SecretKey) -> Vec<u8> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    secret.public_key().to_sec1_point(false).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sides_agree() {
        let (one, two) = (
            AgreementKey::ephemeral().unwrap(),
            AgreementKey::ephemeral().unwrap(),
        );
        assert_eq!(one.agree(&two.public_key()), two.agree(&one.public_key()));
    }

    #[test]
    fn zero_and_the_order_are_not_scalars() {
        let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
        assert!(SigningKey::from_scalar(&[0; 32]).is_err());
        assert!(SigningKey::from_scalar(&order.try_into().unwrap()).is_err());
    }
}
