//! Opaque identifiers: at least 128 random bits in canonical base64url, each noun its own type.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

use crate::UnixTime;
use crate::rng::{Rng, random};

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical identifier")]
pub struct InvalidId;

const MIN_BYTES: usize = 16;
const MAX_BYTES: usize = 48;

/// The engine takes no padding, and no bits that the text of these bytes would not have: one text for each identifier.
fn require_canonical(text: &str) -> Result<(), InvalidId> {
    let mut bytes = [0; MAX_BYTES];
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, &mut bytes)
        .map_err(|_| InvalidId)?;
    (length >= MIN_BYTES).then_some(()).ok_or(InvalidId)
}

/// The length of 128 bits in base64url.
const RANDOM_TEXT: usize = 22;

/// Reads an identifier without a copy of its text.
struct Parsed<T>(PhantomData<T>);

impl<T: FromStr<Err = InvalidId>> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name(SmolStr);

        impl $name {
            /// What every such identifier begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh identifier of 128 random bits.
            pub fn random(rng: &dyn Rng) -> Self {
                Self::from_bytes(&random(rng))
            }

            /// The identifier of these 128 bits, which nobody can foretell.
            pub fn from_bytes(bytes: &[u8; 16]) -> Self {
                let mut text = [0; RANDOM_TEXT];
                // The space is as long as the text.
                let _ = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
                let random = std::str::from_utf8(&text).unwrap_or_default();
                Self(smol_str::format_smolstr!("{}{random}", $prefix))
            }

            /// The identifier as it stands in messages.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                require_canonical(text.strip_prefix($prefix).ok_or(InvalidId)?)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parsed(PhantomData))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// A registered client: a relying party, an operator, a regulator or an authority.
    ClientId = "";
    /// A verification that a relying party asked for; also the id under which the holder fetches it.
    VerificationId = "ver_";
    /// A code that a holder shows at a counter, used once.
    CounterCode = "code_";
    /// A guardian's name for one of their wards, which nobody else uses.
    WardId = "ward_";
    /// A release of plaintext that a relying party asked for; also the id under which the holder fetches it.
    ReleaseId = "rel_";
    /// One consent, in its receipt and in its withdrawal.
    ConsentId = "con_";
    /// An official access that an authority ordered.
    OfficialAccessId = "off_";
    /// An act of operators on identifiers, which may wait for a second operator.
    IdentityActId = "act_";
    /// A case that two operators decide: a misuse that was reported, or an appeal.
    CaseId = "case_";
    /// A value that its maker uses once: a nonce, or a `jti` (RFC 7519, section 4.1.7).
    Nonce = "";
    /// The name of one leaf before it has a place in the log; appending the same name twice appends once.
    LeafId = "leaf_";
}

impl LeafId {
    /// What comes before every name that begins with its time, in the order of text.
    pub const TIMELY_START: &'static str = "leaf_0000";

    /// What comes after every one of them, until the year 2106.
    pub const TIMELY_END: &'static str = "leaf_0001";

    /// A fresh name of 128 random bits that begins with the second it was made in: 12 hexadecimal digits, so that the order
    /// of text is nearly that of time, and a log finds at once that it is new.
    pub fn new(now: UnixTime, rng: &dyn Rng) -> Self {
        let bytes: [u8; 16] = random(rng);
        let random = URL_SAFE_NO_PAD.encode(bytes);
        Self(smol_str::format_smolstr!(
            "{}{:012x}{random}",
            Self::PREFIX,
            now.0
        ))
    }

    /// Whether it may begin with its time.
    pub fn is_timely(&self) -> bool {
        (Self::TIMELY_START..Self::TIMELY_END).contains(&self.0.as_str())
    }
}

/// The random handle of a subject inside the platform: 256 bits, never shown outside it.
///
/// It cannot be printed in clear, so that no log line relates two acts of one person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId([u8; 32]);

impl SubjectId {
    /// A fresh handle.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random(rng))
    }

    /// The handle that a store holds.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The handle's bytes, for stores and derivations.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectId(..)")
    }
}

impl Serialize for SubjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for SubjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD
            .decode(&text)
            .map_err(|_| serde::de::Error::custom(InvalidId))?;
        let bytes = bytes
            .try_into()
            .map_err(|_| serde::de::Error::custom(InvalidId))?;
        Ok(Self(bytes))
    }
}

/// What the holder fetches and answers under `/v1/requests/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestId {
    /// A verification.
    Verification(VerificationId),
    /// A release of plaintext.
    Release(ReleaseId),
}

impl std::str::FromStr for RequestId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse()
            .map(Self::Verification)
            .or_else(|InvalidId| text.parse().map(Self::Release))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn a_fresh_id_parses_as_itself_and_as_no_other_noun() {
        let id = VerificationId::random(&SystemRng);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.as_str().parse::<ReleaseId>(), Err(InvalidId));
        assert_eq!(id.as_str().parse(), Ok(RequestId::Verification(id)));
    }

    #[test]
    fn short_padded_and_non_canonical_texts_are_refused() {
        for text in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAAA+",
        ] {
            assert_eq!(text.parse::<Nonce>(), Err(InvalidId), "{text}");
        }
        assert!("AAAAAAAAAAAAAAAAAAAAAA".parse::<Nonce>().is_ok());
    }

    #[test]
    fn the_name_of_a_leaf_is_in_the_order_of_time_and_parses_as_itself() {
        let seconds = [0, 1, 9, 10, 1_795_000_000, 1_795_000_001, (1 << 32) - 1];
        let names = seconds.map(|second| LeafId::new(UnixTime(second), &SystemRng));
        assert!(names.is_sorted());
        for name in &names {
            assert_eq!(name.as_str().parse().as_ref(), Ok(name));
            assert!(name.is_timely(), "{name}");
        }
        let later = LeafId::new(UnixTime(1 << 32), &SystemRng);
        assert!(later > names[6] && !later.is_timely());
        assert_ne!(
            LeafId::new(UnixTime(5), &SystemRng),
            LeafId::new(UnixTime(5), &SystemRng)
        );
    }

    #[test]
    fn a_subject_handle_is_not_printed() {
        assert_eq!(format!("{:?}", SubjectId::from_bytes([7; 32])), "SubjectId(..)");
    }
}
