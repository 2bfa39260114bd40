//! The ledger's leaf: canonical JSON (RFC 8785) that reveals nothing about a person.

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, OfficialAccessId, ReleaseId};
use cyberid_domain::subject::LifeReason;
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
    /// Plaintext may have left to an authority: the platform stopped in between.
    OfficialPresumed = "official.presumed";
    /// A relying party was approved.
    RpRegistered = "rp.registered";
    /// A relying party was suspended.
    RpSuspended = "rp.suspended";
    /// A relying party's keys changed.
    RpKeyChanged = "rp.key_changed";
    /// A platform key came into use.
    KeyRotated = "key.rotated";
    /// The service halted: after all else that it had promised.
    ServiceHalted = "service.halted";
    /// The service resumed.
    ServiceResumed = "service.resumed";
    /// Somebody else than the holder alone suspended an identifier.
    IdentitySuspended = "identity.suspended";
    /// A reason for a suspension, or a death that was reported in error, fell away.
    IdentityReinstated = "identity.reinstated";
    /// Somebody else than the holder ended an identifier.
    IdentityEnded = "identity.ended";
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
    /// HMAC of the thumbprint of the device key that consented, or of the first one of an identity that others turned,
    /// under a salt kept elsewhere, base64url.
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
    /// The official access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub official: Option<OfficialAccessId>,
    /// The authority that ordered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<ClientId>,
    /// SHA-256 of the words of the order that its first officer signed, base64url: case, basis and subject are in it,
    /// and a random name, so that nobody can guess them from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_sha256: Option<String>,
    /// What a platform key is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The thumbprint of a platform key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Why a service that resumed had not halted in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoHalt>,
    /// The log that ended, and that this one continues from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndedLog>,
    /// Why somebody turned an identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_reason: Option<LifeReason>,
}

/// A log whose key is in use no more, as its successor commits to it: the tree is the same up to that size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedLog {
    /// Its name.
    pub origin: String,
    /// Its verifier key (C2SP signed-note).
    pub vkey: String,
    /// The number of its leaves.
    pub size: u64,
    /// Its root, base64.
    pub root: String,
}

/// Why no `service.halted` stands before a `service.resumed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoHalt {
    /// The log begins here.
    First,
    /// The process before this one was cut off: what it had intended is presumed delivered.
    Unclean,
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
            official: None,
            authority: None,
            order_sha256: None,
            role: None,
            kid: None,
            reason: None,
            ended: None,
            life_reason: None,
        }
    }

    /// The leaf of a turn that somebody else than the holder gave to an identity.
    pub fn of_identity(
        kind: LeafKind,
        time: UnixTime,
        subject_commitment: String,
        reason: LifeReason,
    ) -> Self {
        Self {
            subject_commitment: Some(subject_commitment),
            life_reason: Some(reason),
            ..Self::new(kind, time)
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
        // An auditor reads millions of these, nearly all of them plain: the short way takes what the long way takes.
        let leaf: Self = if canonical::is_plain(text) {
            serde_json::from_str(text).map_err(|_| NotCanonical)?
        } else {
            canonical::from_str(text)?
        };
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

    /// A leaf with every kind of member, from which all altered ones are made.
    const WHOLE: &str = concat!(
        r#"{"consent_sha256":"q","enc_jkt":"k","fields":["name","birth_date"],"kind":"release.intended","#,
        r#""legal_basis":"法","previous":"p","purpose":"a","request":"rel_AAAAAAAAAAAAAAAAAAAAAA","#,
        r#""retention_days":30,"rp":"AAAAAAAAAAAAAAAAAAAAAA","subject_commitment":"c","time":1784131200,"v":1}"#
    );

    fn slowly(text: &str) -> Result<Leaf, NotCanonical> {
        canonical::from_str(text)
            .and_then(|leaf: Leaf| (leaf.v == VERSION).then_some(leaf).ok_or(NotCanonical))
    }

    #[test]
    fn the_short_way_of_reading_takes_what_the_long_way_takes() {
        assert!(canonical::is_plain(WHOLE) && Leaf::from_text(WHOLE).is_ok());
        let pieces = [
            "",
            "{",
            "}",
            "[",
            "]",
            "\"",
            ",",
            ":",
            "0",
            "1",
            " ",
            "null",
            "true",
            "\\u0061",
            "\\",
            "-1",
            "1.0",
            "1e2",
            "\"v\":1",
            "\"a\":1,",
            ",\"z\":0",
            "{\"consent.granted\":null}",
            "[]",
            "9007199254740993",
            "99999999999",
            "é",
        ];
        let (mut accepted, mut texts) = (0, 0);
        for start in 0..WHOLE.len() {
            for len in [0, 1, 2, 5, 13] {
                let (Some(before), Some(after)) = (WHOLE.get(..start), WHOLE.get(start + len..)) else {
                    continue;
                };
                for piece in pieces {
                    let text = format!("{before}{piece}{after}");
                    let read = Leaf::from_text(&text);
                    assert_eq!(read, slowly(&text), "{text}");
                    accepted += usize::from(read.is_ok());
                    texts += 1;
                }
            }
        }
        assert!(
            accepted > 500 && texts - accepted > 5_000,
            "{accepted} of {texts}"
        );
    }

    #[test]
    fn values_of_any_shape_in_the_place_of_any_member_are_read_alike_either_way() {
        let leaf: serde_json::Map<String, serde_json::Value> = serde_json::from_str(WHOLE).unwrap();
        let values = [
            "null",
            "0",
            "1",
            "-0",
            "300",
            "4294967296",
            "1.5",
            "\"\"",
            "\"first\"",
            "\"x\"",
            "[]",
            "[\"name\"]",
            "[0]",
            "[null]",
            "{}",
            "true",
            "{\"first\":null}",
            "\"\\u00e9\"",
            "\"\u{7f}\"",
            "1e1",
        ];
        let members =
            leaf.keys()
                .map(String::as_str)
                .chain(["role", "kid", "reason", "registration_sha256", "x"]);
        for member in members {
            for value in values {
                let mut others: Vec<(String, String)> = leaf
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_string()))
                    .collect();
                others.retain(|(name, _)| name != member);
                others.push((member.to_owned(), value.to_owned()));
                others.sort();
                let body: Vec<String> = others
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                let text = format!("{{{}}}", body.join(","));
                assert_eq!(Leaf::from_text(&text), slowly(&text), "{text}");
            }
        }
    }
}
