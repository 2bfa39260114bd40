//! Compact JWS (RFC 7515) with ES256 (RFC 7518, section 3.4), or under a key of the SM suite with SM2 and SM3: one
//! algorithm per key, one `typ` per place.
//!
//! The header may hold `alg`, `typ`, `kid` and, where the place allows it, `jwk`; everything else (`crit`, `jku`,
//! `x5u`, `b64`, ...) is refused as unknown.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::json::Text;
use crate::jwk::{InvalidKey, Jwk, PublicKey, ReadJwk};
use crate::key::{KeyFailure, Sign};
use crate::suite::Suite;
use crate::{base64url, json, sm2};

/// The longest compact JWS that is read, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;

/// A header as it stands in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Signature algorithm.
    pub alg: String,
    /// The message type.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub typ: Option<String>,
    /// The signing key's thumbprint.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub kid: Option<String>,
    /// The signing key itself, only in DPoP and key proofs.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub jwk: Option<Jwk>,
}

/// Why a message is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJws {
    /// Not three parts of canonical base64url, too long, or a header that is not ours.
    #[error("not a compact JWS of ours")]
    Malformed,
    /// Another algorithm.
    #[error("another algorithm than its key's")]
    Algorithm,
    /// Another type of message than this place takes.
    #[error("another type of message than this place takes")]
    Type,
    /// The header names a key in a way that this place does not take.
    #[error("the header names its key in a way that this place does not take")]
    Key,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Signature,
    /// Signed, but the claims are not those of this type.
    #[error("the claims are not those of this type")]
    Claims,
}

/// A header as it is read: borrowed, because most of it is only compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadHeader<'a> {
    #[serde(borrow)]
    alg: Text<'a>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    typ: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    kid: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    jwk: Option<ReadJwk<'a>>,
}

/// What a header says of how its message is signed.
#[derive(Debug, Clone)]
struct Signed {
    suite: Suite,
    kid: Option<String>,
    key: Option<Result<PublicKey, InvalidKey>>,
}

impl Signed {
    fn by(header: &ReadHeader<'_>) -> Result<Self, InvalidJws> {
        Ok(Self {
            suite: Suite::of_signing_alg(&header.alg).ok_or(InvalidJws::Algorithm)?,
            kid: header.kid.as_deref().map(str::to_owned),
            key: header.jwk.as_ref().map(PublicKey::try_from),
        })
    }
}

/// The longest header that is kept: one with a key in it takes some 250 bytes, and an outsider may fill it with spaces.
const LONGEST_KNOWN: usize = 512;

/// The header of a message, as it stands there and as it was read: for messages that come back under the same one.
#[derive(Debug, Clone)]
pub struct KnownHeader {
    text: String,
    signed: Signed,
}

/// A message whose signature nobody has checked yet: only its header may be looked at.
#[derive(Debug, Clone)]
pub struct Unverified<'a> {
    header: &'a str,
    said: Signed,
    signed: &'a str,
    payload: Vec<u8>,
    /// Nothing, if it has not the length of one.
    signature: Option<[u8; SIGNATURE]>,
}

/// The length of a signature: `r || s`.
const SIGNATURE: usize = 64;

impl<'a> Unverified<'a> {
    /// Takes `compact` apart, and checks its algorithm and its `typ`.
    pub fn parse(compact: &'a str, typ: &str) -> Result<Self, InvalidJws> {
        Self::of_type(compact, |said| said == Some(typ))
    }

    /// Takes apart a message in a place where a standard leaves `typ` open (RFC 7523 assertions).
    pub fn parse_any_type(compact: &'a str) -> Result<Self, InvalidJws> {
        Self::of_type(compact, |_| true)
    }

    /// The same as [`parse`](Self::parse) in a place that has read `known` before: a header that is the same text is not
    /// read anew.
    pub fn parse_after(compact: &'a str, typ: &str, known: Option<&KnownHeader>) -> Result<Self, InvalidJws> {
        let Some(known) = known else {
            return Self::parse(compact, typ);
        };
        let parts = Parts::of(compact)?;
        if parts.header == known.text {
            Self::decoded(&parts, known.signed.clone())
        } else {
            Self::parse(compact, typ)
        }
    }

    fn of_type(compact: &'a str, is_type: impl FnOnce(Option<&str>) -> bool) -> Result<Self, InvalidJws> {
        let parts = Parts::of(compact)?;
        let header = decoded(parts.header)?;
        let header: ReadHeader<'_> = json::from_slice(&header).map_err(|_| InvalidJws::Malformed)?;
        let message = Self::decoded(&parts, Signed::by(&header)?)?;
        if is_type(header.typ.as_deref()) {
            Ok(message)
        } else {
            Err(InvalidJws::Type)
        }
    }

    fn decoded(parts: &Parts<'a>, said: Signed) -> Result<Self, InvalidJws> {
        let signature = base64url::decode_array(parts.signature);
        if signature.is_none() {
            decoded(parts.signature)?;
        }
        Ok(Self {
            header: parts.header,
            said,
            signed: parts.signed,
            payload: decoded(parts.payload)?,
            signature,
        })
    }

    /// Whether its header is this very text.
    pub fn is_under(&self, known: &KnownHeader) -> bool {
        self.header == known.text
    }

    /// The header, for [`parse_after`](Self::parse_after); nothing, if it is too long to be kept.
    pub fn header(&self) -> Option<KnownHeader> {
        (self.header.len() <= LONGEST_KNOWN).then(|| KnownHeader {
            text: self.header.to_owned(),
            signed: self.said.clone(),
        })
    }

    /// The thumbprint of the key that is said to have signed; the header may not hold a key itself.
    pub fn kid(&self) -> Result<&str, InvalidJws> {
        match (&self.said.kid, &self.said.key) {
            (Some(kid), None) => Ok(kid),
            _ => Err(InvalidJws::Key),
        }
    }

    /// The key in the header, in the two places that take it there: DPoP and key proofs.
    pub fn embedded_key(&self) -> Result<PublicKey, InvalidJws> {
        match (&self.said.kid, &self.said.key) {
            (None, Some(key)) => key.map_err(|InvalidKey| InvalidJws::Key),
            _ => Err(InvalidJws::Key),
        }
    }

    /// The suite that the message says it is signed by.
    pub fn suite(&self) -> Suite {
        self.said.suite
    }

    /// What the payload says, whoever signed it: for finding out who should have.
    pub fn unchecked_claims<'s, T: Deserialize<'s>>(&'s self) -> Result<T, InvalidJws> {
        json::from_slice(&self.payload).map_err(|_| InvalidJws::Claims)
    }

    /// The claims, if `key` signed them and `kid`, where given, is its thumbprint.
    pub fn verify<T: DeserializeOwned>(self, key: &PublicKey) -> Result<T, InvalidJws> {
        self.verified(key)
    }

    /// The same, borrowed from the message.
    pub fn verified<'s, T: Deserialize<'s>>(&'s self, key: &PublicKey) -> Result<T, InvalidJws> {
        let kid = self.said.kid.as_ref();
        if kid.is_some_and(|kid| *kid != key.thumbprint()) {
            return Err(InvalidJws::Key);
        }
        if self.said.suite != key.suite() {
            return Err(InvalidJws::Algorithm);
        }
        let signature = self.signature.as_ref().ok_or(InvalidJws::Signature)?;
        verify_signature(key, self.signed.as_bytes(), signature)?;
        self.unchecked_claims()
    }
}

/// The parts of a compact message, as they stand there.
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    /// Both, and the point between.
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(compact: &'a str) -> Result<Self, InvalidJws> {
        if compact.len() > MAX_LENGTH {
            return Err(InvalidJws::Malformed);
        }
        let (signed, signature) = compact.rsplit_once('.').ok_or(InvalidJws::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidJws::Malformed)?;
        Ok(Self {
            header,
            payload,
            signed,
            signature,
        })
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, InvalidJws> {
    base64url::decode(part).ok_or(InvalidJws::Malformed)
}

/// Checks the `signature` (`r || s`) of `message` by the algorithm of `key`.
pub fn verify_signature(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), InvalidJws> {
    let fits = match key.suite() {
        Suite::Nist => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_sec1())
            .verify(message, signature)
            .is_ok(),
        Suite::Sm => sm2::is_signature(key.as_sec1(), message, signature),
    };
    if fits { Ok(()) } else { Err(InvalidJws::Signature) }
}

/// The claims of a message whose key is known beforehand.
pub fn verify<T: DeserializeOwned>(compact: &str, typ: &str, key: &PublicKey) -> Result<T, InvalidJws> {
    Unverified::parse(compact, typ)?.verify(key)
}

/// Signs `claims`, naming the key by its thumbprint.
pub fn sign(key: &dyn Sign, typ: &str, claims: &impl Serialize) -> Result<String, KeyFailure> {
    let header = WrittenHeader {
        alg: key.public_key().suite().signing_alg(),
        typ,
        kid: Some(key.kid()),
        jwk: None,
    };
    sign_with(key, &header, claims)
}

/// Signs `claims` with the key itself in the header: for DPoP (RFC 9449) and key proofs.
pub fn sign_embedding_key(key: &dyn Sign, typ: &str, claims: &impl Serialize) -> Result<String, KeyFailure> {
    let public = key.public_key();
    let header = WrittenHeader {
        alg: public.suite().signing_alg(),
        typ,
        kid: None,
        jwk: Some(public.to_jwk()),
    };
    sign_with(key, &header, claims)
}

/// A header as it is written.
#[derive(Serialize)]
struct WrittenHeader<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<Jwk>,
}

fn sign_with(key: &dyn Sign, header: &impl Serialize, claims: &impl Serialize) -> Result<String, KeyFailure> {
    let header = serde_json::to_vec(header).map_err(|_| KeyFailure)?;
    // Claims may be personal: an identity is signed before it is encrypted.
    let claims = Zeroizing::new(json::to_vec(claims).map_err(|_| KeyFailure)?);
    // Long enough for the three parts, so that nothing of them is left where they were before.
    let mut compact = Zeroizing::new(Vec::with_capacity((header.len() + claims.len()) * 4 / 3 + 96));
    base64url::append(&header, &mut compact);
    compact.push(b'.');
    base64url::append(&claims, &mut compact);
    let signature = key.sign(&compact)?;
    compact.push(b'.');
    base64url::append(&signature, &mut compact);
    String::from_utf8(std::mem::take(&mut *compact)).map_err(|_| KeyFailure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Claims {
        exp: u64,
    }

    fn key() -> SigningKey {
        SigningKey::from_scalar(&[7; 32]).unwrap()
    }

    /// The ES256 example of RFC 7515, appendix A.3.
    #[test]
    fn the_example_of_rfc_7515_verifies() {
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        )
        .unwrap();
        let compact = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                       cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8IS\
                       lSApmWQxfKTUJqPP3-Kg6NU1Q";
        let key = PublicKey::try_from(&jwk).unwrap();
        let claims: serde_json::Value = Unverified::parse_any_type(compact).unwrap().verify(&key).unwrap();
        assert_eq!(claims["exp"], 1_300_819_380);
    }

    #[test]
    fn what_was_signed_is_read_and_nothing_else() {
        let compact = sign(&key(), "a+jwt", &Claims { exp: 5 }).unwrap();
        assert_eq!(
            verify(&compact, "a+jwt", &key().public_key()),
            Ok(Claims { exp: 5 })
        );
        assert_eq!(
            verify::<Claims>(&compact, "b+jwt", &key().public_key()),
            Err(InvalidJws::Type)
        );
        let other = SigningKey::from_scalar(&[8; 32]).unwrap().public_key();
        assert_eq!(verify::<Claims>(&compact, "a+jwt", &other), Err(InvalidJws::Key));
    }

    #[test]
    fn every_altered_character_is_noticed() {
        let compact = sign(&key(), "a+jwt", &Claims { exp: 5 }).unwrap();
        for at in 0..compact.len() {
            let mut altered = compact.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(
                verify::<Claims>(&altered, "a+jwt", &key().public_key()).is_err(),
                "at {at}"
            );
        }
    }

    #[test]
    fn foreign_headers_are_refused() {
        let refuse = |header: &str, why| {
            let compact = format!("{}.e30.AA", base64url::encode(header.as_bytes()));
            assert_eq!(Unverified::parse(&compact, "a").err(), Some(why), "{header}");
        };
        refuse(r#"{"alg":"none","typ":"a"}"#, InvalidJws::Algorithm);
        refuse(r#"{"alg":"HS256","typ":"a"}"#, InvalidJws::Algorithm);
        refuse(r#"{"alg":"ES256"}"#, InvalidJws::Type);
        refuse(
            r#"{"alg":"ES256","typ":"a","crit":["b64"],"b64":false}"#,
            InvalidJws::Malformed,
        );
        refuse(
            r#"{"alg":"ES256","typ":"a","jku":"https://evil.example"}"#,
            InvalidJws::Malformed,
        );
        refuse(r#"{"alg":"ES256","typ":"a","kid":null}"#, InvalidJws::Malformed);
        refuse(
            r#"{"alg":"ES256","alg":"ES256","typ":"a"}"#,
            InvalidJws::Malformed,
        );
    }

    fn sm_key() -> SigningKey {
        SigningKey::of(Suite::Sm, &[7; 32]).unwrap()
    }

    #[test]
    fn a_message_is_signed_and_read_by_the_suite_of_its_key() {
        let compact = sign(&sm_key(), "a+jwt", &Claims { exp: 5 }).unwrap();
        let header = base64url::decode(compact.split('.').next().unwrap()).unwrap();
        let header: Header = serde_json::from_slice(&header).unwrap();
        assert_eq!(header.alg, "urn:oid:1.2.156.10197.1.501");
        let read = verify(&compact, "a+jwt", &sm_key().public_key());
        assert_eq!(read, Ok(Claims { exp: 5 }));
        let embedded = sign_embedding_key(&sm_key(), "a+jwt", &Claims { exp: 5 }).unwrap();
        let message = Unverified::parse(&embedded, "a+jwt").unwrap();
        assert_eq!(
            (message.suite(), message.embedded_key()),
            (Suite::Sm, Ok(sm_key().public_key()))
        );
    }

    /// Each suite's name over the other's key, with a signature of either.
    #[test]
    fn a_suite_is_not_passed_off_as_the_other() {
        let keys = [key(), sm_key()];
        for (named, signer) in [(Suite::Sm, &keys[0]), (Suite::Nist, &keys[1])] {
            for jwk in [None, Some(signer.public_key().to_jwk())] {
                let header = Header {
                    alg: named.signing_alg().into(),
                    typ: Some("a".into()),
                    kid: jwk.is_none().then(|| signer.kid().into()),
                    jwk,
                };
                let compact = sign_with(signer, &header, &Claims { exp: 5 }).unwrap();
                for key in &keys {
                    let read = verify::<Claims>(&compact, "a", &key.public_key());
                    assert!(matches!(
                        read,
                        Err(InvalidJws::Algorithm | InvalidJws::Key | InvalidJws::Signature)
                    ));
                }
                let read = verify::<Claims>(&compact, "a", &signer.public_key());
                assert_eq!(read, Err(InvalidJws::Algorithm));
            }
        }
    }

    #[test]
    fn an_embedded_key_is_taken_only_where_it_is_asked_for() {
        let compact = sign_embedding_key(&key(), "a", &Claims { exp: 5 }).unwrap();
        let message = Unverified::parse(&compact, "a").unwrap();
        assert_eq!(message.kid().err(), Some(InvalidJws::Key));
        assert_eq!(message.embedded_key(), Ok(key().public_key()));
        let both = Header {
            alg: "ES256".into(),
            typ: Some("a".into()),
            kid: Some(key().kid().into()),
            jwk: Some(key().public_key().to_jwk()),
        };
        let compact = sign_with(&key(), &both, &Claims { exp: 5 }).unwrap();
        let message = Unverified::parse(&compact, "a").unwrap();
        assert_eq!(message.kid().err(), Some(InvalidJws::Key));
        assert_eq!(message.embedded_key().err(), Some(InvalidJws::Key));
    }

    #[test]
    fn der_and_zero_signatures_are_refused() {
        let compact = sign(&key(), "a", &Claims { exp: 5 }).unwrap();
        let signed = compact.rsplit_once('.').unwrap().0;
        for signature in [vec![0; 64], vec![0x30; 70], vec![], vec![1; 63]] {
            let forged = format!("{signed}.{}", base64url::encode(&signature));
            assert_eq!(
                verify::<Claims>(&forged, "a", &key().public_key()),
                Err(InvalidJws::Signature)
            );
        }
    }

    /// Whatever was known before, a message is read as it is read alone.
    #[test]
    fn a_known_header_changes_nothing_but_the_work() {
        let compact = |key: &SigningKey, exp| sign_embedding_key(key, "a", &Claims { exp }).unwrap();
        let (own, other) = (key(), SigningKey::from_scalar(&[8; 32]).unwrap());
        let first = compact(&own, 1);
        let known = Unverified::parse(&first, "a").unwrap().header().unwrap();
        let read = |compact: &str| {
            let message = Unverified::parse_after(compact, "a", Some(&known))?;
            let key = message.embedded_key()?;
            message.verified::<Claims>(&key).map(|claims| (key, claims.exp))
        };
        assert_eq!(read(&compact(&own, 2)), Ok((own.public_key(), 2)));
        assert_eq!(read(&compact(&other, 3)), Ok((other.public_key(), 3)));
        let (header, rest) = first.split_once('.').unwrap();
        let foreign = compact(&other, 1);
        let (other_header, other_rest) = foreign.split_once('.').unwrap();
        for (header, rest) in [(header, other_rest), (other_header, rest)] {
            assert_eq!(read(&format!("{header}.{rest}")), Err(InvalidJws::Signature));
        }
        assert_eq!(read(&format!("{header}.{rest}.")), Err(InvalidJws::Malformed));
        let other_type = sign_embedding_key(&own, "b", &Claims { exp: 4 }).unwrap();
        assert_eq!(read(&other_type), Err(InvalidJws::Type));
    }

    #[test]
    fn a_header_that_is_filled_with_spaces_is_not_kept() {
        let compact = sign_embedding_key(&key(), "a", &Claims { exp: 1 }).unwrap();
        let (header, rest) = compact.split_once('.').unwrap();
        let header = String::from_utf8(base64url::decode(header).unwrap()).unwrap();
        for (spaces, is_kept) in [(0, true), (LONGEST_KNOWN, false)] {
            let filled = header.clone() + &" ".repeat(spaces);
            let compact = format!("{}.{rest}", base64url::encode(filled.as_bytes()));
            let message = Unverified::parse(&compact, "a").unwrap();
            assert_eq!(message.header().is_some(), is_kept);
        }
    }
}
