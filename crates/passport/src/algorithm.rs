//! Which signatures are taken: ECDSA on P-256 and P-384, RSA (PKCS#1 v1.5 and PSS) from 2048 bits, each with SHA-256, SHA-384
//! or SHA-512. Part 12 allows more (Brainpool curves, P-521, SHA-224); what is not here is refused, never skipped.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Any, Decode as _, Sequence};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::curve::Curve;
use crate::{File, Refusal};

const EC_KEY: &str = "1.2.840.10045.2.1";
const RSA_KEY: &str = "1.2.840.113549.1.1.1";
const MGF1: &str = "1.2.840.113549.1.1.8";
const PSS: &str = "1.2.840.113549.1.1.10";

/// The smallest RSA modulus in bits.
const SMALLEST_RSA: usize = 2048;

/// A hash that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash that an identifier names, whose parameters are absent or NULL.
    pub(crate) fn of(algorithm: &AlgorithmIdentifierOwned) -> Result<Self, Refusal> {
        let plain = algorithm.parameters.as_ref().is_none_or(Any::is_null);
        let hash = Self::named(&algorithm.oid)?;
        plain.then_some(hash).ok_or(Refusal::UnknownAlgorithm)
    }

    /// The hash of these bytes.
    pub(crate) fn of_bytes(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    fn named(oid: &ObjectIdentifier) -> Result<Self, Refusal> {
        match oid.to_string().as_str() {
            "2.16.840.1.101.3.4.2.1" => Ok(Self::Sha256),
            "2.16.840.1.101.3.4.2.2" => Ok(Self::Sha384),
            "2.16.840.1.101.3.4.2.3" => Ok(Self::Sha512),
            // MD5, SHA-1, SHA-224.
            "1.2.840.113549.2.5" | "1.3.14.3.2.26" | "2.16.840.1.101.3.4.2.4" => Err(Refusal::WeakHash),
            _ => Err(Refusal::UnknownAlgorithm),
        }
    }

    fn length(self) -> u8 {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// How a signature is made, but for the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Ecdsa(Hash),
    Pkcs1(Hash),
    Pss(Hash),
}

/// `RSASSA-PSS-params` (RFC 4055). What is absent is SHA-1 by default, and so refused.
#[derive(Sequence)]
pub(crate) struct PssParameters {
    #[asn1(context_specific = "0", optional = "true")]
    pub(crate) hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", optional = "true")]
    pub(crate) mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", optional = "true")]
    pub(crate) salt_length: Option<u8>,
    #[asn1(context_specific = "3", optional = "true")]
    pub(crate) trailer: Option<u8>,
}

impl Scheme {
    /// The scheme that an identifier names. `digest` is the hash that CMS names beside it: with the plain RSA identifier it
    /// is the signature's, and otherwise it has to be the same.
    pub(crate) fn of(algorithm: &AlgorithmIdentifierOwned, digest: Option<Hash>) -> Result<Self, Refusal> {
        let scheme = match (algorithm.oid.to_string().as_str(), digest) {
            ("1.2.840.10045.4.3.2", _) => Self::Ecdsa(Hash::Sha256),
            ("1.2.840.10045.4.3.3", _) => Self::Ecdsa(Hash::Sha384),
            ("1.2.840.10045.4.3.4", _) => Self::Ecdsa(Hash::Sha512),
            ("1.2.840.113549.1.1.11", _) => Self::Pkcs1(Hash::Sha256),
            ("1.2.840.113549.1.1.12", _) => Self::Pkcs1(Hash::Sha384),
            ("1.2.840.113549.1.1.13", _) => Self::Pkcs1(Hash::Sha512),
            (RSA_KEY, Some(digest)) => Self::Pkcs1(digest),
            (PSS, _) => Self::Pss(pss_hash(algorithm)?),
            // RSA and ECDSA with MD5, SHA-1, SHA-224.
            (
                "1.2.840.113549.1.1.4"
                | "1.2.840.113549.1.1.5"
                | "1.2.840.113549.1.1.14"
                | "1.2.840.10045.4.1"
                | "1.2.840.10045.4.3.1",
                _,
            ) => return Err(Refusal::WeakHash),
            _ => return Err(Refusal::UnknownAlgorithm),
        };
        match digest {
            Some(digest) if digest != scheme.hash() => Err(Refusal::UnknownAlgorithm),
            _ => Ok(scheme),
        }
    }

    fn hash(self) -> Hash {
        match self {
            Self::Ecdsa(hash) | Self::Pkcs1(hash) | Self::Pss(hash) => hash,
        }
    }
}

/// The one hash of PSS: the message's, the mask's, and the salt as long as it.
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Result<Hash, Refusal> {
    let unknown = Refusal::UnknownAlgorithm;
    let parameters = algorithm.parameters.as_ref().ok_or(Refusal::WeakHash)?;
    let parameters: PssParameters = parameters.decode_as().map_err(|_| unknown)?;
    let hash = Hash::of(parameters.hash.as_ref().ok_or(Refusal::WeakHash)?)?;
    let mask = parameters.mask.ok_or(Refusal::WeakHash)?;
    let mask_hash = mask.parameters.as_ref().ok_or(unknown)?;
    let mask_hash: AlgorithmIdentifierOwned = mask_hash.decode_as().map_err(|_| unknown)?;
    let agrees = mask.oid.to_string() == MGF1
        && Hash::of(&mask_hash)? == hash
        && parameters.salt_length == Some(hash.length())
        && parameters.trailer.is_none_or(|trailer| trailer == 1);
    agrees.then_some(hash).ok_or(unknown)
}

/// A public key that may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Ec(Curve, Vec<u8>),
    Rsa(Vec<u8>),
}

/// `RSAPublicKey` (RFC 8017).
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl Key {
    /// The key of a certificate, if it is of a kind and size that is taken.
    pub(crate) fn of(info: &SubjectPublicKeyInfoOwned) -> Result<Self, Refusal> {
        let bytes = info.subject_public_key.as_bytes();
        let bytes = bytes.ok_or(Refusal::UnknownAlgorithm)?.to_vec();
        match info.algorithm.oid.to_string().as_str() {
            EC_KEY => {
                let parameters = info.algorithm.parameters.as_ref();
                let curve = Curve::of(parameters.ok_or(Refusal::UnknownAlgorithm)?)?;
                Ok(Self::Ec(curve, bytes))
            }
            RSA_KEY | PSS => check_rsa(&bytes).map(|()| Self::Rsa(bytes)),
            _ => Err(Refusal::UnknownAlgorithm),
        }
    }

    /// Whether this key signed this message; `wrong` if not.
    pub(crate) fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
        wrong: Refusal,
    ) -> Result<(), Refusal> {
        let (algorithm, key) = self.algorithm(scheme)?;
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .map_err(|_| wrong)
    }

    fn algorithm(&self, scheme: Scheme) -> Result<(&'static dyn VerificationAlgorithm, &[u8]), Refusal> {
        use Curve::{P256, P384};
        use Hash::{Sha256, Sha384, Sha512};
        let (algorithm, key): (&dyn VerificationAlgorithm, _) = match (self, scheme) {
            (Self::Ec(P256, key), Scheme::Ecdsa(Sha256)) => (&signature::ECDSA_P256_SHA256_ASN1, key),
            (Self::Ec(P256, key), Scheme::Ecdsa(Sha384)) => (&signature::ECDSA_P256_SHA384_ASN1, key),
            (Self::Ec(P256, key), Scheme::Ecdsa(Sha512)) => (&signature::ECDSA_P256_SHA512_ASN1, key),
            (Self::Ec(P384, key), Scheme::Ecdsa(Sha256)) => (&signature::ECDSA_P384_SHA256_ASN1, key),
            (Self::Ec(P384, key), Scheme::Ecdsa(Sha384)) => (&signature::ECDSA_P384_SHA384_ASN1, key),
            (Self::Ec(P384, key), Scheme::Ecdsa(Sha512)) => (&signature::ECDSA_P384_SHA512_ASN1, key),
            (Self::Rsa(key), Scheme::Pkcs1(Sha256)) => (&signature::RSA_PKCS1_2048_8192_SHA256, key),
            (Self::Rsa(key), Scheme::Pkcs1(Sha384)) => (&signature::RSA_PKCS1_2048_8192_SHA384, key),
            (Self::Rsa(key), Scheme::Pkcs1(Sha512)) => (&signature::RSA_PKCS1_2048_8192_SHA512, key),
            (Self::Rsa(key), Scheme::Pss(Sha256)) => (&signature::RSA_PSS_2048_8192_SHA256, key),
            (Self::Rsa(key), Scheme::Pss(Sha384)) => (&signature::RSA_PSS_2048_8192_SHA384, key),
            (Self::Rsa(key), Scheme::Pss(Sha512)) => (&signature::RSA_PSS_2048_8192_SHA512, key),
            _ => return Err(Refusal::UnknownAlgorithm),
        };
        Ok((algorithm, key))
    }
}

fn check_rsa(key: &[u8]) -> Result<(), Refusal> {
    let key = RsaPublicKey::from_der(key).map_err(|_| Refusal::Malformed(File::Sod))?;
    let modulus = key.modulus.as_bytes();
    let unused = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = modulus.len() * 8 - usize::try_from(unused).unwrap_or_default();
    // One and the even exponents sign nothing; the library refuses them as well.
    let sound =
        key.exponent.as_bytes().last().is_some_and(|last| last % 2 == 1) && key.exponent.as_bytes() != [1];
    match bits {
        SMALLEST_RSA.. if sound => Ok(()),
        _ => Err(Refusal::WeakKey),
    }
}
