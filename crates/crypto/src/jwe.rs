//! Compact JWE (RFC 7516) with ECDH-ES in direct key agreement (RFC 7518, section 4.6) and A256GCM. No
//! compression: a header with `zip` is refused as unknown.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::jwk::{Jwk, PublicKey};
use crate::key::{Agree, AgreementKey, KeyFailure};
use crate::{aead, base64url, digest, json};

const ALG: &str = "ECDH-ES";
const ENC: &str = "A256GCM";

/// The longest compact JWE that is read, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    enc: String,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    kid: Option<String>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    typ: Option<String>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    cty: Option<String>,
    epk: Jwk,
}

/// Why a message does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwe {
    /// Not five parts of canonical base64url, too long, or a header that is not ours.
    #[error("not a compact JWE of ours")]
    Malformed,
    /// Sealed to another key than the one at hand.
    #[error("sealed to another key")]
    Key,
    /// The ciphertext does not open.
    #[error("the ciphertext does not open")]
    DoesNotOpen,
}

/// A sealed message that nobody has opened yet.
#[derive(Debug, Clone)]
pub struct Sealed<'a> {
    aad: &'a str,
    kid: Option<String>,
    ephemeral: PublicKey,
    nonce: [u8; aead::NONCE],
    ciphertext: Vec<u8>,
}

impl<'a> Sealed<'a> {
    /// Takes `compact` apart, and checks its algorithms.
    pub fn parse(compact: &'a str) -> Result<Self, InvalidJwe> {
        if compact.len() > MAX_LENGTH {
            return Err(InvalidJwe::Malformed);
        }
        let parts: Vec<&str> = compact.split('.').collect();
        let [aad, "", nonce, ciphertext, tag] = parts.as_slice() else {
            return Err(InvalidJwe::Malformed);
        };
        let decode = |part: &str| base64url::decode(part).ok_or(InvalidJwe::Malformed);
        let header: Header = json::from_slice(&decode(aad)?).map_err(|_| InvalidJwe::Malformed)?;
        if header.alg != ALG || header.enc != ENC {
            return Err(InvalidJwe::Malformed);
        }
        let ephemeral = PublicKey::try_from(&header.epk).map_err(|_| InvalidJwe::Malformed)?;
        let nonce = decode(nonce)?.try_into().map_err(|_| InvalidJwe::Malformed)?;
        let tag = decode(tag)?;
        if tag.len() != 16 {
            return Err(InvalidJwe::Malformed);
        }
        let ciphertext = [decode(ciphertext)?, tag].concat();
        Ok(Self {
            aad,
            kid: header.kid,
            ephemeral,
            nonce,
            ciphertext,
        })
    }

    /// The thumbprint of the key that it is sealed to, where the sender named it.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The plaintext.
    pub fn open(&self, key: &dyn Agree) -> Result<Zeroizing<Vec<u8>>, InvalidJwe> {
        if self.kid().is_some_and(|kid| kid != key.kid()) {
            return Err(InvalidJwe::Key);
        }
        let shared = key
            .agree(&self.ephemeral)
            .map_err(|KeyFailure| InvalidJwe::DoesNotOpen)?;
        let content_key = content_key(&shared);
        aead::decrypt(&content_key, self.nonce, self.aad.as_bytes(), &self.ciphertext)
            .map_err(|_| InvalidJwe::DoesNotOpen)
    }
}

/// Seals `plaintext` to `recipient`, saying by `cty` what is inside.
pub fn seal(recipient: &PublicKey, cty: &str, plaintext: &[u8]) -> Result<String, KeyFailure> {
    let ephemeral = AgreementKey::ephemeral()?;
    let header = Header {
        alg: ALG.into(),
        enc: ENC.into(),
        kid: Some(recipient.thumbprint()),
        typ: None,
        cty: Some(cty.into()),
        epk: ephemeral.public_key().to_jwk(),
    };
    let aad = base64url::encode(&serde_json::to_vec(&header).map_err(|_| KeyFailure)?);
    let content_key = content_key(&*ephemeral.agree(recipient)?);
    // The key is fresh for this one message, so that any nonce is unique under it.
    let nonce = [0; aead::NONCE];
    let sealed = aead::encrypt(&content_key, nonce, aad.as_bytes(), plaintext);
    let (ciphertext, tag) = sealed.split_at(sealed.len().saturating_sub(16));
    let [nonce, ciphertext, tag] = [&nonce, ciphertext, tag].map(base64url::encode);
    Ok(format!("{aad}..{nonce}.{ciphertext}.{tag}"))
}

fn content_key(shared: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    concat_kdf(shared, ENC, b"", b"", 256)
}

/// The Concat KDF of NIST SP 800-56A as RFC 7518, section 4.6.2 uses it; one round of SHA-256.
fn concat_kdf(shared: &[u8; 32], algorithm: &str, apu: &[u8], apv: &[u8], bits: u32) -> Zeroizing<[u8; 32]> {
    let mut input = Zeroizing::new(Vec::with_capacity(128));
    input.extend(1_u32.to_be_bytes());
    input.extend(shared);
    for part in [algorithm.as_bytes(), apu, apv] {
        input.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        input.extend(part);
    }
    input.extend(bits.to_be_bytes());
    Zeroizing::new(digest::sha256(&input))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7518, appendix C.
    #[test]
    fn the_key_derivation_of_rfc_7518() {
        let scalar = |text| base64url::decode_array::<32>(text).unwrap();
        let alice =
            AgreementKey::from_scalar(&scalar("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo")).unwrap();
        let bob = AgreementKey::from_scalar(&scalar("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw")).unwrap();
        let shared = alice.agree(&bob.public_key()).unwrap();
        let derived = concat_kdf(&shared, "A128GCM", b"Alice", b"Bob", 128);
        assert_eq!(base64url::encode(&derived[..16]), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn only_the_recipient_opens_and_only_what_was_sealed() {
        let key = AgreementKey::from_scalar(&[7; 32]).unwrap();
        let compact = seal(&key.public_key(), "json", b"secret").unwrap();
        assert_eq!(
            Sealed::parse(&compact).unwrap().open(&key).unwrap().as_slice(),
            b"secret"
        );
        let other = AgreementKey::from_scalar(&[8; 32]).unwrap();
        assert_eq!(
            Sealed::parse(&compact).unwrap().open(&other).err(),
            Some(InvalidJwe::Key)
        );
        for at in 0..compact.len() {
            let mut altered = compact.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(
                Sealed::parse(&altered)
                    .and_then(|sealed| sealed.open(&key))
                    .is_err(),
                "at {at}"
            );
        }
    }

    #[test]
    fn compression_and_other_algorithms_are_refused() {
        let epk = serde_json::to_string(&AgreementKey::ephemeral().unwrap().public_key()).unwrap();
        for header in [
            format!(r#"{{"alg":"ECDH-ES","enc":"A256GCM","zip":"DEF","epk":{epk}}}"#),
            format!(r#"{{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{epk}}}"#),
            format!(r#"{{"alg":"ECDH-ES","enc":"A128CBC-HS256","epk":{epk}}}"#),
        ] {
            let nonce = base64url::encode(&[0; 12]);
            let tag = base64url::encode(&[0; 16]);
            let compact = format!("{}..{nonce}.AA.{tag}", base64url::encode(header.as_bytes()));
            assert_eq!(
                Sealed::parse(&compact).err(),
                Some(InvalidJwe::Malformed),
                "{header}"
            );
        }
    }
}
