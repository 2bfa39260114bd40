//! The problem registry: every failure that a caller can be told, as RFC 9457 problem details.
//!
//! A problem's `type` is the stable reference `/problems/<slug>`; `docs/problems/<slug>.md` tells the caller what to
//! do about it and is served there. Servers speak in these types, and clients read them back. What carries a problem
//! over HTTP is `cyberid-web`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// The media type of a problem, RFC 9457 section 3.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What stands before the slug in `type`.
pub const TYPE_PREFIX: &str = "/problems/";

/// The members that a problem always has or may have; an extension cannot take their names.
const MEMBERS: [&str; 6] = ["type", "title", "status", "detail", "instance", "code"];

macro_rules! registry {
    ($($(#[$doc:meta])* $name:ident = $slug:literal $status:literal $title:literal;)*) => {
        /// What went wrong, of a closed set with stable names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemType {
            $($(#[$doc])* $name,)*
        }

        impl ProblemType {
            /// Every type, in the registry's order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable name: the last part of `type`, and `code`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The HTTP status that goes with it, RFC 9110 section 15.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The summary for people, the same at every occurrence (RFC 9457 section 3.1.3).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

registry! {
    /// The request is not of the documented form; extension `reason` where the body is at fault.
    MalformedRequest = "malformed-request" 400 "The request is malformed";
    /// The body's media type is not the one this operation takes.
    UnsupportedMediaType = "unsupported-media-type" 415 "The media type is not supported";
    /// The body is longer than the limit.
    RequestTooLarge = "request-too-large" 413 "The request is too large";
    /// Nothing is there, or nothing that this caller may see.
    NotFound = "not-found" 404 "Not found";
    /// The path exists, the method does not.
    MethodNotAllowed = "method-not-allowed" 405 "The method is not allowed here";
    /// No token, or none that is accepted.
    Unauthenticated = "unauthenticated" 401 "Authentication is needed";
    /// The `DPoP` proof lacks a fresh nonce of this server (RFC 9449 section 8).
    UseDpopNonce = "use-dpop-nonce" 401 "A fresh DPoP nonce is needed";
    /// The caller is known, and may not do this.
    Forbidden = "forbidden" 403 "This caller may not do this";
    /// Too many requests; `Retry-After` says when to come back.
    RateLimited = "rate-limited" 429 "Too many requests";
    /// The request did not arrive, or was not answered, in time.
    RequestTimeout = "request-timeout" 408 "The request took too long";
    /// The service cannot answer now.
    Unavailable = "unavailable" 503 "The service is not available";
    /// A fault of the platform.
    Internal = "internal" 500 "The platform failed";
    /// A signed or sealed message is malformed, or of a wrong type, audience, key or signature.
    InvalidMessage = "invalid-message" 400 "The signed message is not valid";
    /// A signed message is not valid at this time.
    ExpiredMessage = "expired-message" 400 "The signed message has expired";
    /// A signed message was used before.
    ReplayedMessage = "replayed-message" 409 "The signed message was already used";
    /// The nonce was never given out, was used, or has expired.
    UnknownNonce = "unknown-nonce" 400 "The nonce is not known";
    /// The code of a counter was never given out, was used, has expired, or its holder is not active.
    UnknownCode = "unknown-code" 400 "The code is not known";
    /// The one answer to every enrolment or recovery that does not succeed.
    EnrolmentRefused = "enrolment-refused" 422 "The enrolment is refused";
    /// A face, a PIN or a passkey does not show what it has to; `detail` says no more than the caller knows.
    EvidenceRefused = "evidence-refused" 422 "The evidence is refused";
    /// The key is or was somebody's, or the holder has as many devices as one may have.
    DeviceRefused = "device-refused" 422 "The device is refused";
    /// The device was added of late and may not do this yet; extension `release_from`.
    DeviceCoolingOff = "device-cooling-off" 403 "The device is cooling off";
    /// The holder's last device is not revoked, nor one of an identifier that is being ended.
    LastDevice = "last-device" 409 "The device stays";
    /// A check or field outside the registered use.
    OverAsking = "over-asking" 403 "More is asked than is registered";
    /// A purpose that is not registered.
    UnregisteredUse = "unregistered-use" 403 "The use is not registered";
    /// The request was answered or has expired.
    RequestClosed = "request-closed" 409 "The request is closed";
    /// The holder has not granted this release.
    ReleaseNotGranted = "release-not-granted" 409 "The release is not granted";
    /// The relying party's encryption key changed after the consent.
    ReleaseVoid = "release-void" 409 "The release is void";
    /// The release was redeemed before.
    AlreadyRedeemed = "already-redeemed" 409 "The release was already redeemed";
    /// The consent was withdrawn before.
    AlreadyWithdrawn = "already-withdrawn" 409 "The consent was already withdrawn";
    /// The consent does not say what the request asked.
    ConsentMismatch = "consent-mismatch" 422 "The consent does not match the request";
    /// Too few witnesses cosigned in time.
    WitnessUnavailable = "witness-unavailable" 503 "The witnesses are not available";
    /// The idempotency key was used with another body.
    IdempotencyMismatch = "idempotency-mismatch" 422 "The idempotency key was used for another request";
    /// The registration is not approved, or is suspended.
    RelyingPartyInactive = "relying-party-inactive" 403 "The relying party is not active";
    /// A second, different person has to act.
    TwoPersonsRequired = "two-persons-required" 403 "A second person is needed";
    /// An official order is wider than one subject.
    OrderTooWide = "order-too-wide" 403 "The order is wider than one subject";
    /// The official access is refused for good; extension `reason`.
    OfficialRefused = "official-refused" 403 "The official access is refused";
    /// The registration breaks a rule of registrations.
    InvalidRegistration = "invalid-registration" 422 "The registration is not acceptable";
    /// The identifier is suspended, expired or ended; extension `status`.
    IdentifierInactive = "identifier-inactive" 409 "The identifier's state does not allow it";
    /// The PIN is too easy to guess, or not of the form of a PIN.
    PinUnacceptable = "pin-unacceptable" 422 "The PIN is not acceptable";
    /// The pseudonym is not one of this relying party's.
    InvalidSub = "invalid-sub" 400 "The pseudonym is not valid";
    /// A key holder refused the warrant; extension `reason`.
    WarrantRefused = "warrant-refused" 403 "The warrant is refused";
    /// The consistency proof starts from another size than the receiver's; extension `size`.
    StaleConsistency = "stale-consistency" 409 "The consistency proof starts elsewhere";
    /// The authoritative register does not answer.
    SourceUnavailable = "source-unavailable" 503 "The identity source is not available";
}

impl ProblemType {
    /// The type of this slug.
    pub fn named(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// Whether the same request may succeed later without the caller changing what it asks.
    ///
    /// A retry waits as `Retry-After` says, carries the same `Idempotency-Key`, and a fresh `DPoP` proof.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::UseDpopNonce
                | Self::RateLimited
                | Self::RequestTimeout
                | Self::Unavailable
                | Self::Internal
                | Self::WitnessUnavailable
                | Self::SourceUnavailable
        )
    }
}

impl fmt::Display for ProblemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

impl<'de> Deserialize<'de> for ProblemType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let slug = String::deserialize(deserializer)?;
        Self::named(&slug).ok_or_else(|| D::Error::custom("an unknown problem type"))
    }
}

/// One occurrence of a problem, RFC 9457 section 3.1.
///
/// Reading one whose type is not in the registry is an error: a client then has the status alone to go by.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What went wrong.
    pub kind: ProblemType,
    /// What is particular to this occurrence, for a person to read; never an inner cause, never personal data.
    pub detail: Option<String>,
    /// A reference to this occurrence.
    pub instance: Option<String>,
    /// Typed members beyond the standard's; never one of its own names.
    pub extensions: Map<String, Value>,
}

impl Problem {
    /// A problem that says no more than its type.
    pub fn new(kind: ProblemType) -> Self {
        Self {
            kind,
            detail: None,
            instance: None,
            extensions: Map::new(),
        }
    }

    /// Says what is particular to this occurrence.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self { detail, ..self }
    }

    /// Adds an extension member; the name of a standard member is left to the standard.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !MEMBERS.contains(&name) {
            self.extensions.insert(name.into(), value.into());
        }
        self
    }
}

impl From<ProblemType> for Problem {
    fn from(kind: ProblemType) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.slug(), self.kind.title())?;
        self.detail
            .as_ref()
            .map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

impl std::error::Error for Problem {}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("type", &format!("{TYPE_PREFIX}{}", self.kind))?;
        members.serialize_entry("title", self.kind.title())?;
        members.serialize_entry("status", &self.kind.status())?;
        if let Some(detail) = &self.detail {
            members.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &self.instance {
            members.serialize_entry("instance", instance)?;
        }
        members.serialize_entry("code", self.kind.slug())?;
        for (name, value) in &self.extensions {
            if !MEMBERS.contains(&name.as_str()) {
                members.serialize_entry(name, value)?;
            }
        }
        members.end()
    }
}

impl<'de> Deserialize<'de> for Problem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_members(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Problem {
    /// `type` decides; `title` and `status` follow from it and are not read.
    fn from_members(mut members: Map<String, Value>) -> Result<Self, &'static str> {
        let kind = text(&mut members, "type")?
            .and_then(|reference| ProblemType::named(reference.strip_prefix(TYPE_PREFIX)?))
            .ok_or("an unknown problem type")?;
        let detail = text(&mut members, "detail")?;
        let instance = text(&mut members, "instance")?;
        members.retain(|name, _| !MEMBERS.contains(&name.as_str()));
        Ok(Self {
            kind,
            detail,
            instance,
            extensions: members,
        })
    }
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, &'static str> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("a member of a problem is not a string"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    #[test]
    fn slugs_are_unique_and_name_their_type() {
        let slugs: BTreeSet<_> = ProblemType::ALL.iter().map(|kind| kind.slug()).collect();
        assert_eq!(slugs.len(), ProblemType::ALL.len());
        for kind in ProblemType::ALL {
            assert_eq!(ProblemType::named(kind.slug()), Some(*kind));
            assert!((400..600).contains(&kind.status()), "{kind}");
        }
        assert_eq!(ProblemType::named("about:blank"), None);
    }

    #[test]
    fn a_problem_has_exactly_its_members() {
        let problem = Problem::new(ProblemType::StaleConsistency)
            .detail("Prove from the size given.")
            .with("size", 7)
            .with("status", 200);
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"/problems/stale-consistency","title":"The consistency proof starts elsewhere","status":409,"#
                .to_owned()
                + r#""detail":"Prove from the size given.","code":"stale-consistency","size":7}"#
        );
    }

    #[test]
    fn a_client_reads_back_what_a_server_said() {
        for kind in ProblemType::ALL {
            let problem = Problem::from(*kind).detail("here").with("reason", "shape");
            let json = serde_json::to_vec(&problem).unwrap();
            assert_eq!(serde_json::from_slice::<Problem>(&json).unwrap(), problem);
        }
    }

    #[test]
    fn a_foreign_problem_is_an_error() {
        for json in [
            r#"{"type":"about:blank","status":404}"#,
            r#"{"type":"/problems/made-up","status":404}"#,
            r#"{"title":"No type","status":404}"#,
            r#"{"type":"/problems/not-found","detail":7}"#,
        ] {
            assert!(serde_json::from_str::<Problem>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn every_type_has_its_page_and_every_page_its_type() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems");
        let pages: BTreeMap<_, _> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (
                    path.file_stem().unwrap().to_str().unwrap().to_owned(),
                    std::fs::read_to_string(&path).unwrap(),
                )
            })
            .collect();
        let types: BTreeSet<_> = ProblemType::ALL
            .iter()
            .map(|kind| kind.slug().to_owned())
            .collect();
        assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), types);
        for kind in ProblemType::ALL {
            let page = &pages[kind.slug()];
            assert!(page.starts_with(&format!("# {}\n", kind.title())), "{kind}");
            assert!(
                page.contains(&format!("`{}` · {}", kind.slug(), kind.status())),
                "{kind}"
            );
            let retry = if kind.retryable() {
                "**Retry:** yes"
            } else {
                "**Retry:** no"
            };
            let retry_zh = if kind.retryable() {
                "**重试:** 可以"
            } else {
                "**重试:** 不可以"
            };
            assert!(page.contains(retry) && page.contains(retry_zh), "{kind}");
        }
    }
}
