//! P-256 public keys as JSON Web Keys (RFC 7517, RFC 7518 section 6.2) and their thumbprints (RFC 7638).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{base64url, digest};

/// A public key as it stands in a message: unchecked until it becomes a [`PublicKey`].
///
/// A private member (`d`) is refused as unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    /// Key type: `EC`.
    pub kty: String,
    /// Curve: `P-256`.
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

/// A JWK is not a P-256 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 public key")]
pub struct InvalidKey;

/// A checked P-256 public key: a point on the curve, not the identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 65]);

impl PublicKey {
    /// Checks an uncompressed point: `04 || x || y` (SEC 1, section 2.3.3).
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let uncompressed: [u8; 65] = bytes.try_into().map_err(|_| InvalidKey)?;
        p256::PublicKey::from_sec1_bytes(&uncompressed).map_err(|_| InvalidKey)?;
        Ok(Self(uncompressed))
    }

    /// The uncompressed point: `04 || x || y`.
    pub const fn as_sec1(&self) -> &[u8; 65] {
        &self.0
    }

    /// The key's thumbprint, RFC 7638: what `kid`, `jkt` and `enc_jkt` hold.
    pub fn thumbprint(&self) -> String {
        let Coordinates { x, y } = self.coordinates();
        digest::sha256_base64url(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes())
    }

    /// The key with nothing but its required members.
    pub fn to_jwk(&self) -> Jwk {
        let Coordinates { x, y } = self.coordinates();
        Jwk {
            kty: "EC".into(),
            crv: "P-256".into(),
            x,
            y,
            use_: None,
            alg: None,
            kid: None,
        }
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
        let (x, y) = self.0.split_at(33);
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

impl TryFrom<&Jwk> for PublicKey {
    type Error = InvalidKey;

    fn try_from(jwk: &Jwk) -> Result<Self, InvalidKey> {
        if jwk.kty != "EC" || jwk.crv != "P-256" {
            return Err(InvalidKey);
        }
        let coordinate = |text| base64url::decode_array::<32>(text).ok_or(InvalidKey);
        let mut point = [4; 65];
        let (x, y) = point.split_at_mut(33);
        x.get_mut(1..)
            .ok_or(InvalidKey)?
            .copy_from_slice(&coordinate(&jwk.x)?);
        y.copy_from_slice(&coordinate(&jwk.y)?);
        Self::from_sec1(&point)
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

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(&Jwk::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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

    #[test]
    fn private_members_and_points_off_the_curve_are_refused() {
        let private = r#"{"kty":"EC","crv":"P-256","x":"","y":"","d":"AA"}"#;
        assert!(serde_json::from_str::<Jwk>(private).is_err());
        assert_eq!(PublicKey::from_sec1(&[4; 65]), Err(InvalidKey));
        assert_eq!(PublicKey::from_sec1(&[0]), Err(InvalidKey));
    }
}
