//! Keys and signatures by OpenSSL, weak ones included.

use der::asn1::ObjectIdentifier;
use der::{Any, Decode as _, Encode as _};
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::algorithm::PssParameters;

/// Something synthetic could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticFault {
    /// OpenSSL refused.
    #[error(transparent)]
    OpenSsl(#[from] ErrorStack),
    /// The encoding failed.
    #[error("an encoding failed: {0}")]
    Der(#[from] der::Error),
}

/// A hash, weak ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// Weak.
    Md5,
    /// Weak.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// Hashes.
    pub fn of(self, bytes: &[u8]) -> Result<Vec<u8>, SyntheticFault> {
        Ok(hash(self.openssl(), bytes)?.to_vec())
    }

    /// The identifier of the hash alone.
    pub fn algorithm(self) -> AlgorithmIdentifierOwned {
        let oid = match self {
            Self::Md5 => "1.2.840.113549.2.5",
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        };
        plain(oid)
    }

    fn openssl(self) -> MessageDigest {
        match self {
            Self::Md5 => MessageDigest::md5(),
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256, by its name.
    P256,
    /// ECDSA on P-256, its parameters in full.
    P256InFull,
    /// ECDSA on P-384, by its name.
    P384,
    /// ECDSA on P-521, which is not taken.
    P521,
    /// RSA of so many bits, PKCS#1 v1.5.
    Rsa(u32),
    /// RSA of so many bits, PSS.
    RsaPss(u32),
}

/// A key that signs with one hash.
#[derive(Debug, Clone)]
pub struct Key {
    kind: KeyKind,
    digest: Digest,
    pair: PKey<Private>,
}

impl Key {
    /// A fresh key.
    pub fn make(kind: KeyKind, digest: Digest) -> Result<Self, SyntheticFault> {
        let pair = match kind {
            KeyKind::P256 => elliptic(Nid::X9_62_PRIME256V1, Asn1Flag::NAMED_CURVE)?,
            KeyKind::P256InFull => elliptic(Nid::X9_62_PRIME256V1, Asn1Flag::EXPLICIT_CURVE)?,
            KeyKind::P384 => elliptic(Nid::SECP384R1, Asn1Flag::NAMED_CURVE)?,
            KeyKind::P521 => elliptic(Nid::SECP521R1, Asn1Flag::NAMED_CURVE)?,
            KeyKind::Rsa(bits) | KeyKind::RsaPss(bits) => PKey::from_rsa(Rsa::generate(bits)?)?,
        };
        Ok(Self { kind, digest, pair })
    }

    /// A key on P-256 that was kept as PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SyntheticFault> {
        Ok(Self {
            kind: KeyKind::P256,
            digest: Digest::Sha256,
            pair: PKey::private_key_from_pem(pem)?,
        })
    }

    /// The key as PEM (PKCS#8).
    pub fn to_pem(&self) -> Result<Vec<u8>, SyntheticFault> {
        Ok(self.pair.private_key_to_pem_pkcs8()?)
    }

    /// The hash it signs with.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same key, signing with another hash.
    #[must_use]
    pub fn with(self, digest: Digest) -> Self {
        Self { digest, ..self }
    }

    pub(crate) fn public(&self) -> Result<SubjectPublicKeyInfoOwned, SyntheticFault> {
        Ok(SubjectPublicKeyInfoOwned::from_der(
            &self.pair.public_key_to_der()?,
        )?)
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SyntheticFault> {
        let mut signer = Signer::new(self.digest.openssl(), &self.pair)?;
        if matches!(self.kind, KeyKind::RsaPss(_)) {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_mgf1_md(self.digest.openssl())?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        Ok(signer.sign_oneshot_to_vec(bytes)?)
    }

    /// The identifier of its signatures.
    pub(super) fn algorithm(&self) -> Result<AlgorithmIdentifierOwned, SyntheticFault> {
        let oid = match (self.kind, self.digest) {
            (KeyKind::RsaPss(_), _) => return self.pss(),
            (KeyKind::Rsa(_), Digest::Md5) => "1.2.840.113549.1.1.4",
            (KeyKind::Rsa(_), Digest::Sha1) => "1.2.840.113549.1.1.5",
            (KeyKind::Rsa(_), Digest::Sha256) => "1.2.840.113549.1.1.11",
            (KeyKind::Rsa(_), Digest::Sha384) => "1.2.840.113549.1.1.12",
            (KeyKind::Rsa(_), Digest::Sha512) => "1.2.840.113549.1.1.13",
            (_, Digest::Md5 | Digest::Sha1) => "1.2.840.10045.4.1",
            (_, Digest::Sha256) => "1.2.840.10045.4.3.2",
            (_, Digest::Sha384) => "1.2.840.10045.4.3.3",
            (_, Digest::Sha512) => "1.2.840.10045.4.3.4",
        };
        Ok(plain(oid))
    }

    fn pss(&self) -> Result<AlgorithmIdentifierOwned, SyntheticFault> {
        let hash = self.digest.algorithm();
        let length = self.digest.of(b"")?.len();
        let parameters = PssParameters {
            mask: Some(AlgorithmIdentifierOwned {
                oid: oid("1.2.840.113549.1.1.8"),
                parameters: Some(Any::from_der(&hash.to_der()?)?),
            }),
            hash: Some(hash),
            salt_length: u8::try_from(length).ok(),
            trailer: None,
        };
        Ok(AlgorithmIdentifierOwned {
            oid: oid("1.2.840.113549.1.1.10"),
            parameters: Some(Any::from_der(&parameters.to_der()?)?),
        })
    }
}

pub(super) fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn plain(text: &str) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: oid(text),
        parameters: None,
    }
}

fn elliptic(curve: Nid, form: Asn1Flag) -> Result<PKey<Private>, SyntheticFault> {
    let mut group = EcGroup::from_curve_name(curve)?;
    group.set_asn1_flag(form);
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}
