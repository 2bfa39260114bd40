//! The public half of a key, as the keystore's file and its listings hold it.

use std::fmt;

use cyberid_crypto::{PublicKey, base64url, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The public half of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PublicHalf {
    /// A point on the curve of a suite, which it names by lying there.
    Point(PublicKey),
    /// An Ed25519 key (RFC 8032, section 5.1.5).
    Ed25519([u8; 32]),
}

impl PublicHalf {
    /// The key's thumbprint: RFC 7638, and for Ed25519 RFC 8037 appendix A.3.
    pub fn thumbprint(&self) -> String {
        match self {
            Self::Point(key) => key.thumbprint(),
            Self::Ed25519(key) => {
                let x = base64url::encode(key);
                digest::sha256_base64url(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes())
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Point(key) => key.as_sec1(),
            Self::Ed25519(key) => key,
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        <[u8; 32]>::try_from(bytes).map_or_else(
            |_| PublicKey::from_sec1(bytes).ok().map(Self::Point),
            |key| Some(Self::Ed25519(key)),
        )
    }
}

impl fmt::Debug for PublicHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicHalf({})", self.thumbprint())
    }
}

impl Serialize for PublicHalf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(self.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for PublicHalf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        base64url::decode(&text)
            .and_then(|bytes| Self::from_bytes(&bytes))
            .ok_or_else(|| serde::de::Error::custom("not a public key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_thumbprint_of_rfc_8037() {
        let key = base64url::decode_array("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(
            PublicHalf::Ed25519(key).thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn only_keys_are_read() {
        assert!(serde_json::from_str::<PublicHalf>(r#""AAAA""#).is_err());
        let off_the_curve = format!("\"{}\"", base64url::encode(&[4; 65]));
        assert!(serde_json::from_str::<PublicHalf>(&off_the_curve).is_err());
    }
}
