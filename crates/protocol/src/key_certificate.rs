//! What the platform's attestation root says of a key that signs attestations.
//!
//! The keys that sign attestations work in memory and live for a day; the root can be in hardware. Who verifies an
//! attestation by the key set alone needs none of this. Who has pinned the root asks for the certificate as well, and is
//! then safe from an attacker who only alters the key set.

use cyberid_crypto::PublicKey;
use cyberid_crypto::jwk::Jwk;
use cyberid_crypto::jws::InvalidJws;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::{DAY, SKEW};
use serde::{Deserialize, Serialize};

use crate::message::{Message, open};

/// For how many seconds a certified key may sign: a day, and what it waits and may be late.
pub const LIFE: u64 = 3 * DAY;

/// The claims of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCertificate {
    /// What the key signs.
    pub role: String,
    /// The key's thumbprint.
    pub sub: String,
    /// The key.
    pub jwk: Jwk,
    /// From when on it may sign.
    pub iat: UnixTime,
    /// Until when.
    pub exp: UnixTime,
}

impl Message for KeyCertificate {
    const TYP: &'static str = "cyberid-key-certificate+jwt";
}

/// A key is not certified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCertified {
    /// The certificate is not the root's, or is none.
    #[error(transparent)]
    Jws(#[from] InvalidJws),
    /// The certificate is of another key, or of another role.
    #[error("the certificate is of another key")]
    AnotherKey,
    /// The key signed before or after the time in which it might.
    #[error("the key signed outside the time in which it might")]
    OutOfTime,
}

impl KeyCertificate {
    /// The certificate of a key that is made at `made`.
    pub fn new(role: &str, key: PublicKey, made: UnixTime) -> Self {
        Self {
            role: role.to_owned(),
            sub: key.thumbprint(),
            jwk: key.to_jwk(),
            iat: made,
            exp: made.plus(LIFE),
        }
    }

    /// Accepts a certificate by which `root` says that `key` may have signed at `signed` in this role.
    pub fn check(
        compact: &str,
        root: &PublicKey,
        role: &str,
        key: &PublicKey,
        signed: UnixTime,
    ) -> Result<(), NotCertified> {
        let claims: Self = open(compact, root)?;
        let names = PublicKey::try_from(&claims.jwk).is_ok_and(|named| named == *key);
        if !names || claims.sub != key.thumbprint() || claims.role != role {
            return Err(NotCertified::AnotherKey);
        }
        let too_long = claims.exp > claims.iat.plus(LIFE);
        if too_long || signed.plus(SKEW) < claims.iat || signed >= claims.exp {
            return Err(NotCertified::OutOfTime);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Sign as _, SigningKey};

    use super::*;

    const MADE: UnixTime = UnixTime(1_795_000_000);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_scalar(&[seed; 32]).unwrap()
    }

    #[test]
    fn the_root_vouches_for_one_key_in_one_role_for_a_time() {
        let (root, signing) = (key(1), key(2).public_key());
        let compact = KeyCertificate::new("attestation", signing, MADE)
            .sign(&root)
            .unwrap();
        let check = |root: &SigningKey, role, key: &PublicKey, after: u64| {
            KeyCertificate::check(&compact, &root.public_key(), role, key, MADE.plus(after))
        };
        assert_eq!(check(&root, "attestation", &signing, 0), Ok(()));
        assert_eq!(check(&root, "attestation", &signing, LIFE - 1), Ok(()));
        assert_eq!(
            check(&root, "attestation", &signing, LIFE),
            Err(NotCertified::OutOfTime)
        );
        let early = KeyCertificate::check(
            &compact,
            &root.public_key(),
            "attestation",
            &signing,
            MADE.minus(SKEW + 1),
        );
        assert_eq!(early, Err(NotCertified::OutOfTime));
        assert_eq!(
            check(&root, "request", &signing, 0),
            Err(NotCertified::AnotherKey)
        );
        assert_eq!(
            check(&root, "attestation", &key(3).public_key(), 0),
            Err(NotCertified::AnotherKey)
        );
        assert!(matches!(
            check(&key(4), "attestation", &signing, 0),
            Err(NotCertified::Jws(_))
        ));
    }

    #[test]
    fn nothing_vouches_for_a_key_for_longer_than_a_certificate_lives() {
        let (root, signing) = (key(1), key(2).public_key());
        let mut claims = KeyCertificate::new("attestation", signing, MADE);
        claims.exp = claims.exp.plus(1);
        let compact = claims.sign(&root).unwrap();
        let checked = KeyCertificate::check(&compact, &root.public_key(), "attestation", &signing, MADE);
        assert_eq!(checked, Err(NotCertified::OutOfTime));
    }
}
