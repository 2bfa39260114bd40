//! What a private key can do, one trait per ability, so that a key may live in memory or in hardware; and the
//! keys in memory.

use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use crate::jwk::{InvalidKey, PublicKey};
use crate::sm2;
use crate::suite::Suite;

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

    /// The signature of `message` by the key's suite: `r || s`, 64 bytes (RFC 7518, section 3.4; GB/T 32918.2).
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
    /// HMAC by the hash of the key's suite over the parts, each preceded by its length.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32];

    /// The suite of the key, for whoever goes on with what it derives.
    fn suite(&self) -> Suite {
        Suite::Nist
    }
}

/// A signing key in memory.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    kid: String,
}

enum Pair {
    P256(EcdsaKeyPair),
    Sm2(sm2::Signer),
}

impl SigningKey {
    /// The P-256 key of a private scalar, 32 bytes big-endian, not zero and below the group order.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, InvalidKey> {
        Self::of(Suite::Nist, scalar)
    }

    /// A suite's key of a private scalar, 32 bytes big-endian: not zero, and below the order of the suite's group, for SM2
    /// below the order less one.
    pub fn of(suite: Suite, scalar: &[u8; 32]) -> Result<Self, InvalidKey> {
        let public = public_of(suite, scalar)?;
        let point = public.as_sec1();
        let pair = match suite {
            Suite::Nist => {
                EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, scalar, point)
                    .map(Pair::P256)
                    .map_err(|_| InvalidKey)?
            }
            Suite::Sm => sm2::Signer::new(scalar, point)
                .map(Pair::Sm2)
                .map_err(|sm2::Refused| InvalidKey)?,
        };
        let kid = public.thumbprint();
        Ok(Self { pair, public, kid })
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
        match &self.pair {
            Pair::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                let signature = signature.map_err(|_| KeyFailure)?;
                signature.as_ref().try_into().map_err(|_| KeyFailure)
            }
            Pair::Sm2(signer) => signer.sign(message).map_err(|sm2::Refused| KeyFailure),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// A key-agreement key in memory.
pub struct AgreementKey {
    private: Private,
    public: PublicKey,
    kid: String,
}

enum Private {
    P256(agreement::PrivateKey),
    Sm2(sm2::Agreement),
}

impl AgreementKey {
    /// The P-256 key of a private scalar, 32 bytes big-endian, not zero and below the group order.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, InvalidKey> {
        Self::of(Suite::Nist, scalar)
    }

    /// A suite's key of a private scalar, as [`SigningKey::of`] takes it.
    pub fn of(suite: Suite, scalar: &[u8; 32]) -> Result<Self, InvalidKey> {
        let public = public_of(suite, scalar)?;
        let private = match suite {
            Suite::Nist => agreement::PrivateKey::from_private_key(&ECDH_P256, scalar)
                .map(Private::P256)
                .map_err(|_| InvalidKey)?,
            Suite::Sm => sm2::Agreement::new(scalar, public.as_sec1())
                .map(Private::Sm2)
                .map_err(|sm2::Refused| InvalidKey)?,
        };
        let kid = public.thumbprint();
        Ok(Self { private, public, kid })
    }

    /// A fresh P-256 key that lives for one message.
    pub fn ephemeral() -> Result<Self, KeyFailure> {
        Self::ephemeral_of(Suite::Nist)
    }

    /// A suite's fresh key that lives for one message.
    pub fn ephemeral_of(suite: Suite) -> Result<Self, KeyFailure> {
        match suite {
            Suite::Nist => Self::ephemeral_p256(),
            Suite::Sm => {
                let scalar = drawn(suite, |out| rand::fill(out).map_err(|_| KeyFailure))?;
                Self::of(suite, &scalar).map_err(|InvalidKey| KeyFailure)
            }
        }
    }

    fn ephemeral_p256() -> Result<Self, KeyFailure> {
        let private = agreement::PrivateKey::generate(&ECDH_P256).map_err(|_| KeyFailure)?;
        let public = private.compute_public_key().map_err(|_| KeyFailure)?;
        let public = PublicKey::from_sec1(public.as_ref()).map_err(|_| KeyFailure)?;
        Ok(Self {
            private: Private::P256(private),
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
        if peer.suite() != self.public.suite() {
            return Err(KeyFailure);
        }
        match &self.private {
            Private::P256(private) => {
                let peer = UnparsedPublicKey::new(&ECDH_P256, peer.as_sec1());
                agreement::agree(private, peer, KeyFailure, |shared| {
                    shared.try_into().map(Zeroizing::new).map_err(|_| KeyFailure)
                })
            }
            Private::Sm2(private) => private.agree(peer.as_sec1()).map_err(|sm2::Refused| KeyFailure),
        }
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgreementKey({})", self.kid)
    }
}

/// An HMAC key in memory.
pub struct MacKey {
    bytes: Zeroizing<[u8; 32]>,
    suite: Suite,
}

impl MacKey {
    /// The key of these bytes, for HMAC-SHA-256.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self::of(Suite::Nist, bytes)
    }

    /// A suite's key of these bytes.
    pub fn of(suite: Suite, bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { bytes, suite }
    }
}

impl Mac for MacKey {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.suite.hmac_parts(self.bytes.as_ref(), parts)
    }

    fn suite(&self) -> Suite {
        self.suite
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

/// Draws a private scalar of P-256.
pub fn random_scalar(mut fill: impl FnMut(&mut [u8])) -> Zeroizing<[u8; 32]> {
    let mut scalar = Zeroizing::new([0; 32]);
    loop {
        fill(scalar.as_mut());
        if p256_of(&scalar).is_ok() {
            return scalar;
        }
    }
}

/// Draws a private scalar of a suite's group, if it can be used on this machine.
pub fn random_scalar_of(
    suite: Suite,
    mut fill: impl FnMut(&mut [u8]),
) -> Result<Zeroizing<[u8; 32]>, KeyFailure> {
    drawn(suite, |out| {
        fill(out);
        Ok(())
    })
}

/// `fill` is asked again in the one case in 2^32 that its bytes are not below the order.
fn drawn(
    suite: Suite,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), KeyFailure>,
) -> Result<Zeroizing<[u8; 32]>, KeyFailure> {
    const TRIES: usize = 8;
    let mut scalar = Zeroizing::new([0; 32]);
    for _ in 0..TRIES {
        fill(scalar.as_mut())?;
        if public_of(suite, &scalar).is_ok() {
            return Ok(scalar);
        }
    }
    Err(KeyFailure)
}

fn public_of(suite: Suite, scalar: &[u8; 32]) -> Result<PublicKey, InvalidKey> {
    match suite {
        Suite::Nist => p256_of(scalar),
        Suite::Sm => {
            let point = sm2::public_of(scalar).map_err(|sm2::Refused| InvalidKey)?;
            PublicKey::from_sec1(&point)
        }
    }
}

fn p256_of(scalar: &[u8; 32]) -> Result<PublicKey, InvalidKey> {
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
    fn a_key_agrees_within_its_suite_only() {
        let key = |suite| AgreementKey::ephemeral_of(suite).unwrap();
        let [(one, two), (three, four)] = Suite::ALL.map(|suite| (key(suite), key(suite)));
        assert_eq!(three.agree(&four.public_key()), four.agree(&three.public_key()));
        assert_ne!(three.agree(&four.public_key()), three.agree(&three.public_key()));
        for (key, peer) in [(&one, &three), (&four, &two)] {
            assert_eq!(key.agree(&peer.public_key()), Err(KeyFailure));
        }
    }

    #[test]
    fn a_key_is_of_the_suite_that_it_was_made_for() {
        for suite in Suite::ALL {
            let scalar = random_scalar_of(suite, |out| out.fill(7)).unwrap();
            assert_eq!(*scalar, [7; 32]);
            let (signing, agreement) = (SigningKey::of(suite, &scalar), AgreementKey::of(suite, &scalar));
            let (signing, agreement) = (signing.unwrap().public_key(), agreement.unwrap().public_key());
            assert_eq!((signing.suite(), signing), (suite, agreement));
        }
        assert_eq!(random_scalar_of(Suite::Sm, |out| out.fill(255)), Err(KeyFailure));
        let [nist, sm] = Suite::ALL.map(|suite| MacKey::of(suite, Zeroizing::new([7; 32])).mac(&[b"m"]));
        assert_ne!(nist, sm);
        assert_eq!(nist, MacKey::new(Zeroizing::new([7; 32])).mac(&[b"m"]));
    }

    #[test]
    fn zero_and_the_order_are_not_scalars() {
        let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
        assert!(SigningKey::from_scalar(&[0; 32]).is_err());
        assert!(SigningKey::from_scalar(&order.try_into().unwrap()).is_err());
    }
}
