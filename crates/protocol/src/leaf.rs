//! The ledger's leaf: canonical JSON (RFC 8785) that reveals nothing about a person.

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::canonical::{self, NotCanonical};

/// The version of the leaf format.
pub const VERSION: u8 = 1;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a leaf records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum LeafKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl LeafKind {
            /// Every kind, in the order of the protocol page.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in leaves.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The kind of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }
        }
    };
}

kinds! {
    /// A holder consented to a release.
    ConsentGranted = "consent.granted";
    /// Plaintext is about to leave.
    ReleaseIntended = "release.intended";
    /// Plaintext left.
    ReleaseDelivered = "release.delivered";
    /// Plaintext may have left: the platform stopped in between.
    ReleasePresumed = "release.presumed";
    /// A holder withdrew a consent.
    ConsentWithdrawn = "consent.withdrawn";
    /// A consent was not redeemed in time.
    ConsentExpired = "consent.expired";
    /// A relying party confirmed erasure.
    ErasureConfirmed = "erasure.confirmed";
    /// A relying party did not confirm erasure in time.
    ErasureOverdue = "erasure.overdue";
    /// An authority asked for an official access.
    OfficialRequested = "official.requested";
    /// An official access was refused.
    OfficialRefused = "official.refused";
    /// Plaintext is about to leave to an authority.
    OfficialIntended = "official.intended";
    /// Plaintext left to an authority.
    OfficialDelivered = "official.delivered";
    /// A relying party was approved.
    RpRegistered = "rp.registered";
    /// A relying party was suspended.
    RpSuspended = "rp.suspended";
    /// A relying party's keys changed.
    RpKeyChanged = "rp.key_changed";
    /// A platform key was rotated.
    KeyRotated = "key.rotated";
    /// The service halted.
    ServiceHalted = "service.halted";
    /// The service resumed.
    ServiceResumed = "service.resumed";
}

/// One leaf. What does not apply to its kind is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The version of the format.
    pub v: u8,
    /// What it records.
    pub kind: LeafKind,
    /// When it was made.
    pub time: UnixTime,
    /// The release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ReleaseId>,
    /// The relying party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rp: Option<ClientId>,
    /// HMAC of the consenting device key's thumbprint under a salt kept elsewhere, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_commitment: Option<String>,
    /// The granted fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<Field>>,
    /// The registered purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The registered legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// The registered retention in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// The thumbprint of the key that plaintext is encrypted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enc_jkt: Option<String>,
    /// SHA-256 of the compact consent, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_sha256: Option<String>,
    /// SHA-256 of the canonical registration that was approved or changed, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_sha256: Option<String>,
    /// SHA-256 of the previous leaf of this release, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

impl Leaf {
    /// A leaf with nothing but its kind and its time.
    pub fn new(kind: LeafKind, time: UnixTime) -> Self {
        Self {
            v: VERSION,
            kind,
            time,
            request: None,
            rp: None,
            subject_commitment: None,
            fields: None,
            purpose: None,
            legal_basis: None,
            retention_days: None,
            enc_jkt: None,
            consent_sha256: None,
            registration_sha256: None,
            previous: None,
        }
    }

    /// The leaf that follows this one in the life of a release: it says the same, but for kind, time and link.
    pub fn followed_by(&self, kind: LeafKind, time: UnixTime) -> Result<Self, NotCanonical> {
        let previous = Some(digest::sha256_base64url(self.to_text()?.as_bytes()));
        Ok(Self {
            kind,
            time,
            previous,
            ..self.clone()
        })
    }

    /// The leaf's bytes, as a text.
    pub fn to_text(&self) -> Result<String, NotCanonical> {
        canonical::to_string(self)
    }

    /// Reads a leaf, which must be canonical and of this version.
    pub fn from_text(text: &str) -> Result<Self, NotCanonical> {
        let leaf: Self = canonical::from_str(text)?;
        if leaf.v == VERSION {
            Ok(leaf)
        } else {
            Err(NotCanonical)
        }
    }
}

/// The commitment to the person of a release: HMAC-SHA-256, under a salt of 256 bits fresh for this release, of the
/// thumbprint of the device key that signed the consent. Holder and key holders know the thumbprint and can check
/// it; without the salt nobody can.
pub fn subject_commitment(salt: &[u8; 32], device_jkt: &str) -> String {
    let tag = digest::hmac_parts(salt, &[b"cyberid/v1/subject", device_jkt.as_bytes()]);
    cyberid_crypto::base64url::encode(&tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_reads_back_and_only_in_its_canonical_form() {
        let leaf = Leaf::new(LeafKind::ServiceHalted, UnixTime(5));
        assert_eq!(
            leaf.to_text().as_deref(),
            Ok(r#"{"kind":"service.halted","time":5,"v":1}"#)
        );
        assert_eq!(
            Leaf::from_text(r#"{"kind":"service.halted","time":5,"v":1}"#),
            Ok(leaf)
        );
        for text in [
            r#"{"v":1,"kind":"service.halted","time":5}"#,
            r#"{"kind":"service.halted","time":5,"v":2}"#,
        ] {
            assert_eq!(Leaf::from_text(text), Err(NotCanonical));
        }
    }

    #[test]
    fn a_following_leaf_is_linked_to_the_bytes_before_it() {
        let first = Leaf::new(LeafKind::ConsentGranted, UnixTime(5));
        let next = first.followed_by(LeafKind::ReleaseIntended, UnixTime(6)).unwrap();
        let expected = digest::sha256_base64url(first.to_text().unwrap().as_bytes());
        assert_eq!(next.previous, Some(expected));
    }
}
