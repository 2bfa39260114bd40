//! Compact JWE (RFC 7516) with ECDH-ES in direct key agreement (RFC 7518, section 4.6) and A256GCM; to a key of the SM
//! suite the same on its curve, with SM3 in the KDF and SM4-GCM. No compression: a header with `zip` is refused as unknown.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::json::Text;
use crate::jwk::{Jwk, PublicKey};
use crate::key::{Agree, AgreementKey, KeyFailure};
use crate::suite::Suite;
use crate::{aead, base64url, json};

/// The longest compact JWE that is read, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// A header as it is written.
#[derive(Serialize)]
struct WrittenHeader<'a> {
    alg: &'a str,
    enc: &'a str,
    kid: &'a str,
    cty: &'a str,
    epk: Jwk,
}

/// A header as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadHeader<'a> {
    #[serde(borrow)]
    alg: Text<'a>,
    #[serde(borrow)]
    enc: Text<'a>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    kid: Option<Text<'a>>,
    #[serde(borrow, rename = "typ", default, deserialize_with = "json::present")]
    _typ: Option<Text<'a>>,
    #[serde(borrow, rename = "cty", default, deserialize_with = "json::present")]
    _cty: Option<Text<'a>>,
    epk: PublicKey,
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
        let [aad, nonce, ciphertext, tag] = parts(compact).ok_or(InvalidJwe::Malformed)?;
        let decode = |part: &str| base64url::decode(part).ok_or(InvalidJwe::Malformed);
        let header = decode(aad)?;
        let header: ReadHeader<'_> = json::from_slice(&header).map_err(|_| InvalidJwe::Malformed)?;
        let suite = header.epk.suite();
        if *header.alg != *suite.agreement_alg() || *header.enc != *suite.content_alg() {
            return Err(InvalidJwe::Malformed);
        }
        let nonce = base64url::decode_array(nonce).ok_or(InvalidJwe::Malformed)?;
        let tag: [u8; aead::TAG] = base64url::decode_array(tag).ok_or(InvalidJwe::Malformed)?;
        let mut ciphertext = decode(ciphertext)?;
        ciphertext.extend(tag);
        Ok(Self {
            aad,
            kid: header.kid.map(|kid| kid.to_string()),
            ephemeral: header.epk,
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
        let suite = self.ephemeral.suite();
        if key.public_key().suite() != suite {
            return Err(InvalidJwe::DoesNotOpen);
        }
        let shared = key
            .agree(&self.ephemeral)
            .map_err(|KeyFailure| InvalidJwe::DoesNotOpen)?;
        let content_key = content_key(suite, &shared);
        suite
            .decrypt(&content_key, self.nonce, self.aad.as_bytes(), &self.ciphertext)
            .map_err(|_| InvalidJwe::DoesNotOpen)
    }
}

/// Header, nonce, ciphertext and tag; the second of five parts is empty in direct key agreement.
fn parts(compact: &str) -> Option<[&str; 4]> {
    let mut parts = compact.split('.');
    let (aad, "") = (parts.next()?, parts.next()?) else {
        return None;
    };
    let four = [aad, parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(four)
}

/// Seals `plaintext` to `recipient`, saying by `cty` what is inside.
pub fn seal(recipient: &PublicKey, cty: &str, plaintext: &[u8]) -> Result<String, KeyFailure> {
    let suite = recipient.suite();
    let ephemeral = AgreementKey::ephemeral_of(suite)?;
    let header = WrittenHeader {
        alg: suite.agreement_alg(),
        enc: suite.content_alg(),
        kid: &recipient.thumbprint(),
        cty,
        epk: ephemeral.public_key().to_jwk(),
    };
    let aad = base64url::encode(&serde_json::to_vec(&header).map_err(|_| KeyFailure)?);
    let content_key = content_key(suite, &*ephemeral.agree(recipient)?);
    // The key is fresh for this one message, so that any nonce is unique under it.
    let nonce = [0; aead::NONCE];
    let sealed = suite.encrypt(&content_key, nonce, aad.as_bytes(), plaintext);
    let (ciphertext, tag) = sealed.split_at(sealed.len().saturating_sub(aead::TAG));
    let [nonce, ciphertext, tag] = [&nonce, ciphertext, tag].map(base64url::encode);
    Ok(format!("{aad}..{nonce}.{ciphertext}.{tag}"))
}

fn content_key(suite: Suite, shared: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let bits = u32::from(suite.content_key_length()) * 8;
    Zeroizing::new(suite.hash(&other_info(shared, suite.content_alg(), b"", b"", bits)))
}

/// What the Concat KDF of NIST SP 800-56A hashes in its one round, as RFC 7518, section 4.6.2 uses it.
fn other_info(shared: &[u8; 32], algorithm: &str, apu: &[u8], apv: &[u8], bits: u32) -> Zeroizing<Vec<u8>> {
    let mut input = Zeroizing::new(Vec::with_capacity(128));
    input.extend(1_u32.to_be_bytes());
    input.extend(shared);
    for part in [algorithm.as_bytes(), apu, apv] {
        input.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        input.extend(part);
    }
    input.extend(bits.to_be_bytes());
    input
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
        let derived = Suite::Nist.hash(&other_info(&shared, "A128GCM", b"Alice", b"Bob", 128));
        assert_eq!(base64url::encode(&derived[..16]), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn only_the_recipient_opens_and_only_what_was_sealed() {
        Suite::ALL.into_iter().for_each(only_the_recipient_opens);
    }

    fn only_the_recipient_opens(suite: Suite) {
        let key = AgreementKey::of(suite, &[7; 32]).unwrap();
        let compact = seal(&key.public_key(), "json", b"secret").unwrap();
        assert_eq!(
            Sealed::parse(&compact).unwrap().open(&key).unwrap().as_slice(),
            b"secret"
        );
        let other = AgreementKey::of(suite, &[8; 32]).unwrap();
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

    /// A header of one suite with the other's key, and every other mixture of the two.
    #[test]
    fn suites_do_not_mix_in_a_header() {
        let epk = |suite| AgreementKey::ephemeral_of(suite).unwrap().public_key().to_jwk();
        let mut taken = 0;
        for alg in Suite::ALL {
            for enc in Suite::ALL {
                for of in Suite::ALL {
                    let header = serde_json::json!({"alg": alg.agreement_alg(), "enc": enc.content_alg(), "epk": epk(of)});
                    let header = base64url::encode(header.to_string().as_bytes());
                    let [nonce, tag] = [12, 16].map(|length| base64url::encode(&vec![0; length]));
                    let read = Sealed::parse(&format!("{header}..{nonce}.AA.{tag}")).map(drop);
                    let one = alg == enc && enc == of;
                    assert_eq!(read, if one { Ok(()) } else { Err(InvalidJwe::Malformed) });
                    taken += usize::from(one);
                }
            }
        }
        assert_eq!(taken, 2);
    }

    #[test]
    fn a_message_of_one_suite_does_not_open_under_a_key_of_the_other() {
        let [nist, sm] = Suite::ALL.map(|suite| AgreementKey::of(suite, &[7; 32]).unwrap());
        for (to, by) in [(&nist, &sm), (&sm, &nist)] {
            let compact = seal(&to.public_key(), "json", b"secret").unwrap();
            let mut sealed = Sealed::parse(&compact).unwrap();
            assert_eq!(sealed.open(by).err(), Some(InvalidJwe::Key));
            sealed.kid = None;
            assert_eq!(sealed.open(by).err(), Some(InvalidJwe::DoesNotOpen));
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
