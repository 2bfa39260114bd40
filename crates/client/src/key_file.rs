//! A private key as its owner keeps it: a JWK in a file that only the owner can read.
//!
//! The file has no passphrase of its own. On a phone the platform's key chain takes its place; on a server the file
//! belongs on a disk that is encrypted, and a relying party of any size keeps the key in an HSM that implements
//! [`Sign`](cyberid_crypto::Sign).

use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use cyberid_crypto::jwk::Jwk;
use cyberid_crypto::key::random_scalar_of;
use cyberid_crypto::{AgreementKey, KeyFailure, PublicKey, Sign, SigningKey, Suite, base64url, json};
use cyberid_domain::Rng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Owner reads and writes; nobody else does anything.
const MODE: u32 = 0o600;

/// Why a key file is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Others than the owner can read the file.
    #[error("the key file has mode {mode:o}: others can read it")]
    Exposed {
        /// The mode's permission bits.
        mode: u32,
    },
    /// Not a private key of a suite as a JWK.
    #[error("not a private key of a suite as a JWK")]
    Malformed,
    /// The cryptographic library of this machine has nothing of the suite.
    #[error("this machine cannot make keys of the suite `{0}`")]
    Suite(Suite),
}

/// A private key that can be kept: it cannot be printed, and is wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey {
    scalar: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl PrivateKey {
    /// A fresh P-256 key.
    pub fn make(rng: &dyn Rng) -> Self {
        loop {
            if let Ok(key) = Self::make_of(Suite::Nist, rng) {
                return key;
            }
        }
    }

    /// A fresh key of a platform's suite.
    pub fn make_of(suite: Suite, rng: &dyn Rng) -> Result<Self, KeyFileError> {
        let scalar = random_scalar_of(suite, |out| rng.fill(out));
        let scalar = scalar.map_err(|KeyFailure| KeyFileError::Suite(suite))?;
        Self::from_scalar(suite, scalar).ok_or(KeyFileError::Suite(suite))
    }

    fn from_scalar(suite: Suite, scalar: Zeroizing<[u8; 32]>) -> Option<Self> {
        let public = SigningKey::of(suite, &scalar).ok()?.public_key();
        Some(Self { scalar, public })
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The key, to sign with.
    pub fn to_signing_key(&self) -> Result<SigningKey, KeyFileError> {
        SigningKey::of(self.public.suite(), &self.scalar).map_err(|_| KeyFileError::Malformed)
    }

    /// The key, to open with what was sealed to it.
    pub fn to_agreement_key(&self) -> Result<AgreementKey, KeyFileError> {
        AgreementKey::of(self.public.suite(), &self.scalar).map_err(|_| KeyFileError::Malformed)
    }

    /// Reads a private JWK (RFC 7518 section 6.2.2), whose public members have to belong to the private one.
    pub fn from_jwk(text: &[u8]) -> Result<Self, KeyFileError> {
        let jwk: PrivateJwk = json::from_slice(text).map_err(|_| KeyFileError::Malformed)?;
        jwk.key().ok_or(KeyFileError::Malformed)
    }

    /// Writes the private JWK.
    pub fn to_jwk(&self) -> Zeroizing<Vec<u8>> {
        // Five texts of known alphabets cannot fail to become JSON.
        Zeroizing::new(serde_json::to_vec(&PrivateJwk::from(self)).unwrap_or_default())
    }

    /// Reads the key from a file, which has to be the owner's alone.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Self::from_jwk(&read_private(path)?)
    }

    /// Writes the key to a new file that is the owner's alone; a file that exists is left as it is.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        write_private(path, &self.to_jwk())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.thumbprint())
    }
}

/// Serialised as its private JWK, for the files of whoever owns it.
impl Serialize for PrivateKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PrivateJwk::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PrivateKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let jwk = PrivateJwk::deserialize(deserializer)?;
        jwk.key()
            .ok_or_else(|| serde::de::Error::custom("not a private key of a suite"))
    }
}

/// Reads a file of secrets, which has to be its owner's alone.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut file = std::fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(bytes)
}

/// Writes a new file of secrets that is its owner's alone, durable before this returns.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateJwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    d: Zeroizing<String>,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    use_: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

impl PrivateJwk {
    fn key(&self) -> Option<PrivateKey> {
        let public = Jwk {
            kty: self.kty.clone(),
            crv: self.crv.clone(),
            x: self.x.clone(),
            y: self.y.clone(),
            use_: None,
            alg: None,
            kid: None,
        };
        let scalar = Zeroizing::new(base64url::decode_array(&self.d)?);
        let key = PrivateKey::from_scalar(Suite::of_curve(&self.crv)?, scalar)?;
        (PublicKey::try_from(&public).ok()? == key.public).then_some(key)
    }
}

impl From<&PrivateKey> for PrivateJwk {
    fn from(key: &PrivateKey) -> Self {
        let Jwk { kty, crv, x, y, .. } = key.public.to_jwk();
        let d = Zeroizing::new(base64url::encode(key.scalar.as_ref()));
        Self {
            kty,
            crv,
            x,
            y,
            d,
            use_: None,
            alg: None,
            kid: Some(key.public.thumbprint()),
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::Agree as _;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn a_key_is_written_and_read_as_a_private_jwk() {
        let key = PrivateKey::make(&SystemRng);
        let again = PrivateKey::from_jwk(&key.to_jwk()).unwrap();
        assert_eq!(again.to_signing_key().unwrap().public_key(), key.public_key());
        assert_eq!(again.to_agreement_key().unwrap().public_key(), key.public_key());
    }

    #[test]
    fn a_key_keeps_its_suite_and_a_jwk_of_two_is_refused() {
        for suite in Suite::ALL {
            let key = PrivateKey::make_of(suite, &SystemRng).unwrap();
            let again = PrivateKey::from_jwk(&key.to_jwk()).unwrap();
            assert_eq!(
                (again.public_key(), again.public_key().suite()),
                (key.public_key(), suite)
            );
            assert_eq!(again.to_signing_key().unwrap().public_key(), key.public_key());
            assert_eq!(again.to_agreement_key().unwrap().public_key(), key.public_key());
            for crv in Suite::ALL
                .map(Suite::curve)
                .into_iter()
                .filter(|crv| *crv != suite.curve())
            {
                let mut jwk: serde_json::Value = serde_json::from_slice(&key.to_jwk()).unwrap();
                jwk["crv"] = crv.into();
                let read = PrivateKey::from_jwk(&serde_json::to_vec(&jwk).unwrap());
                assert!(matches!(read, Err(KeyFileError::Malformed)));
            }
        }
    }

    #[test]
    fn a_jwk_whose_halves_do_not_belong_together_is_refused() {
        let (one, two) = (PrivateKey::make(&SystemRng), PrivateKey::make(&SystemRng));
        let mut jwk: serde_json::Value = serde_json::from_slice(&one.to_jwk()).unwrap();
        let other: serde_json::Value = serde_json::from_slice(&two.to_jwk()).unwrap();
        jwk["d"] = other["d"].clone();
        let text = serde_json::to_vec(&jwk).unwrap();
        assert!(matches!(
            PrivateKey::from_jwk(&text),
            Err(KeyFileError::Malformed)
        ));
    }
}
