//! Public keys on the curve of either suite as JSON Web Keys (RFC 7517, RFC 7518 section 6.2), and their thumbprints
//! (RFC 7638) by the suite's hash.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::Text;
use crate::suite::Suite;
use crate::{base64url, sm2};

/// A public key as it stands in a message: unchecked until it becomes a [`PublicKey`].
///
/// A private member (`d`) is refused as unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    /// Key type: `EC`.
    pub kty: String,
    /// Curve: `P-256`, or the identifier of the SM2 curve.
    pub crv: String,
    /// The first coordinate, 32 bytes in base64url.
    pub x: String,
    /// The second coordinate, 32 bytes in base64url.
    pub y: String,
    /// `sig` or `enc`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// The algorithm the key is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// The key's id; ours is always the thumbprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

/// A set of public keys, RFC 7517 section 5.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// A JWK is not a public key on the curve of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key on the curve of a suite")]
pub struct InvalidKey;

/// A checked public key: a point on the curve of a suite, not the identity.
///
/// The point says which: one on P-256 is a key of the first suite, any other on the SM2 curve one of the second. So the
/// 65 bytes that a store keeps are of one suite only, whoever reads them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    point: [u8; 65],
    suite: Suite,
}

impl PublicKey {
    /// Checks an uncompressed point: `04 || x || y` (SEC 1, section 2.3.3).
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let point: [u8; 65] = bytes.try_into().map_err(|_| InvalidKey)?;
        let suite = if p256::PublicKey::from_sec1_bytes(&point).is_ok() {
            Suite::Nist
        } else if sm2::is_point(&point) {
            Suite::Sm
        } else {
            return Err(InvalidKey);
        };
        Ok(Self { point, suite })
    }

    /// The uncompressed point: `04 || x || y`.
    pub const fn as_sec1(&self) -> &[u8; 65] {
        &self.point
    }

    /// The suite that the key is of.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The key's thumbprint, RFC 7638: what `kid`, `jkt` and `enc_jkt` hold.
    pub fn thumbprint(&self) -> String {
        let Coordinates { x, y } = self.coordinates();
        let crv = self.suite.curve();
        let members = format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#);
        base64url::encode(&self.suite.hash(members.as_bytes()))
    }

    /// The key with nothing but its required members.
    pub fn to_jwk(&self) -> Jwk {
        let Coordinates { x, y } = self.coordinates();
        Jwk {
            kty: "EC".into(),
            crv: self.suite.curve().into(),
            x,
            y,
            use_: None,
            alg: None,
            kid: None,
        }
    }

    /// The key as published for its use: what it signs is verified under it.
    pub fn to_signing_jwk(&self) -> Jwk {
        self.to_published_jwk("sig", self.suite.signing_alg())
    }

    /// The key as published for its use: messages are sealed to it.
    pub fn to_sealing_jwk(&self) -> Jwk {
        self.to_published_jwk("enc", self.suite.agreement_alg())
    }

    /// The key as published: with its use, its algorithm and its thumbprint as `kid`.
    pub fn to_published_jwk(&self, use_: &str, alg: &str) -> Jwk {
        Jwk {
            use_: Some(use_.into()),
            alg: Some(alg.into()),
            kid: Some(self.thumbprint()),
            ..self.to_jwk()
        }
    }

    fn coordinates(&self) -> Coordinates {
        let (x, y) = self.point.split_at(33);
        Coordinates {
            x: base64url::encode(x.get(1..).unwrap_or_default()),
            y: base64url::encode(y),
        }
    }
}

struct Coordinates {
    x: String,
    y: String,
}

/// The members that make a key.
struct Members<'a> {
    kty: &'a str,
    crv: &'a str,
    x: &'a str,
    y: &'a str,
}

impl TryFrom<Members<'_>> for PublicKey {
    type Error = InvalidKey;

    fn try_from(Members { kty, crv, x, y }: Members<'_>) -> Result<Self, InvalidKey> {
        let suite = Suite::of_curve(crv).filter(|_| kty == "EC");
        let coordinate = |text| base64url::decode_array::<32>(text).ok_or(InvalidKey);
        let mut point = [4; 65];
        let (first, second) = point.split_at_mut(33);
        first
            .get_mut(1..)
            .ok_or(InvalidKey)?
            .copy_from_slice(&coordinate(x)?);
        second.copy_from_slice(&coordinate(y)?);
        let key = Self::from_sec1(&point)?;
        if suite == Some(key.suite) {
            Ok(key)
        } else {
            Err(InvalidKey)
        }
    }
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = InvalidKey;

    fn try_from(Jwk { kty, crv, x, y, .. }: &Jwk) -> Result<Self, InvalidKey> {
        Self::try_from(Members { kty, crv, x, y })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint())
    }
}

/// Serialised as the JWK with its required members only.
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_jwk().serialize(serializer)
    }
}

/// The form of a [`Jwk`], borrowed from what is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadJwk<'a> {
    #[serde(borrow)]
    kty: Text<'a>,
    #[serde(borrow)]
    crv: Text<'a>,
    #[serde(borrow)]
    x: Text<'a>,
    #[serde(borrow)]
    y: Text<'a>,
    #[serde(borrow, rename = "use", default)]
    _use: Option<Text<'a>>,
    #[serde(borrow, rename = "alg", default)]
    _alg: Option<Text<'a>>,
    #[serde(borrow, rename = "kid", default)]
    _kid: Option<Text<'a>>,
}

impl TryFrom<&ReadJwk<'_>> for PublicKey {
    type Error = InvalidKey;

    fn try_from(ReadJwk { kty, crv, x, y, .. }: &ReadJwk<'_>) -> Result<Self, InvalidKey> {
        Self::try_from(Members { kty, crv, x, y })
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = ReadJwk::deserialize(deserializer)?;
        Self::try_from(&read).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 9449, section 4.1 and figure 11, with its `jkt`.
    #[test]
    fn the_thumbprint_of_rfc_9449() {
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#,
        )
        .unwrap();
        let key = PublicKey::try_from(&jwk).unwrap();
        assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(key.to_jwk(), jwk);
    }

    /// The key of GM/T 0003.5, appendix A.
    fn sm2_key() -> PublicKey {
        let point = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                     ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
        PublicKey::from_sec1(&hex::decode(point).unwrap()).unwrap()
    }

    #[test]
    fn a_point_says_its_suite_and_a_jwk_has_to_say_the_same() {
        let key = sm2_key();
        assert_eq!(key.suite(), Suite::Sm);
        let jwk = key.to_jwk();
        assert_eq!(jwk.crv, "urn:oid:1.2.156.10197.1.301");
        assert_eq!(PublicKey::try_from(&jwk), Ok(key));
        for crv in ["P-256", "SM2", ""] {
            let other = Jwk {
                crv: crv.into(),
                ..jwk.clone()
            };
            assert_eq!(PublicKey::try_from(&other), Err(InvalidKey), "{crv:?}");
        }
        let nist = crate::SigningKey::from_scalar(&[7; 32]).unwrap();
        let nist = crate::Sign::public_key(&nist).to_jwk();
        let other = Jwk {
            crv: jwk.crv.clone(),
            ..nist
        };
        assert_eq!(PublicKey::try_from(&other), Err(InvalidKey));
    }

    #[test]
    fn the_thumbprint_of_an_sm2_key_is_by_sm3() {
        let key = sm2_key();
        let Jwk { crv, x, y, .. } = key.to_jwk();
        let members = format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let digest = Suite::Sm.hash(members.as_bytes());
        assert_eq!(key.thumbprint(), base64url::encode(&digest));
        let jwk = key.to_signing_jwk();
        assert_eq!(jwk.alg.as_deref(), Some("urn:oid:1.2.156.10197.1.501"));
        assert_eq!(jwk.kid, Some(key.thumbprint()));
    }

    #[test]
    fn private_members_and_points_off_the_curve_are_refused() {
        let private = r#"{"kty":"EC","crv":"P-256","x":"","y":"","d":"AA"}"#;
        assert!(serde_json::from_str::<Jwk>(private).is_err());
        assert_eq!(PublicKey::from_sec1(&[4; 65]), Err(InvalidKey));
        assert_eq!(PublicKey::from_sec1(&[0]), Err(InvalidKey));
    }
}
