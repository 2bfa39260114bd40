//! Security events for a relying party: RFC 8417 tokens, `typ` `secevent+jwt`, fetched from the feed or pushed
//! (RFC 8935).

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::{ClientId, ConsentId, Nonce, ReleaseId, VerificationId};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The event type of a withdrawn consent.
pub const CONSENT_WITHDRAWN: &str = "urn:cyberid:event:consent-withdrawn";

/// The event type of an identifier that its holder ended.
pub const IDENTIFIER_CANCELLED: &str = "urn:cyberid:event:identifier-cancelled";

/// The event type of an erasure that was not confirmed in time.
pub const ERASURE_OVERDUE: &str = "urn:cyberid:event:erasure-overdue";

/// The event type of a verification that is over.
pub const VERIFICATION_CONCLUDED: &str = "urn:cyberid:event:verification-concluded";

/// For how many seconds after `iat` an event of the feed is pushed; it stays in the feed for good.
pub const PUSHED_FOR: u64 = 7 * DAY;

/// The media type of a pushed token, RFC 8935 section 2.1.
pub const MEDIA_TYPE: &str = "application/secevent+jwt";

/// The claims of a security event token, RFC 8417 section 2.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityEvent<E = Event> {
    /// The platform's issuer.
    pub iss: String,
    /// The relying party.
    pub aud: ClientId,
    /// When it happened.
    pub iat: UnixTime,
    /// Its own name: the same whenever it is delivered again.
    pub jti: Nonce,
    /// The one event under its type.
    pub events: E,
}

impl<E: Serialize + for<'de> Deserialize<'de>> Message for SecurityEvent<E> {
    const TYP: &'static str = "secevent+jwt";
}

/// What happened: written as an object of one member, named by the event's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A consent was withdrawn.
    #[serde(rename = "urn:cyberid:event:consent-withdrawn")]
    ConsentWithdrawn(ConsentWithdrawn),
    /// A holder ended their identifier.
    #[serde(rename = "urn:cyberid:event:identifier-cancelled")]
    IdentifierCancelled(IdentifierCancelled),
    /// An erasure was not confirmed in time.
    #[serde(rename = "urn:cyberid:event:erasure-overdue")]
    ErasureOverdue(ErasureOverdue),
    /// A verification is over.
    #[serde(rename = "urn:cyberid:event:verification-concluded")]
    VerificationConcluded(VerificationConcluded),
}

/// A consent was withdrawn: what was received under it must be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentWithdrawn {
    /// The consent.
    pub consent: ConsentId,
    /// The release that it had granted.
    pub release: ReleaseId,
    /// By when erasure is to be confirmed.
    pub erase_by: UnixTime,
}

/// A holder ended their identifier: nobody answers for this pseudonym again. What was received under consents is told
/// apart, each by its own withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentifierCancelled {
    /// The holder's pseudonym at this relying party.
    pub sub: String,
}

/// An erasure was not confirmed in time: the ledger says so, and the regulator sees it until it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureOverdue {
    /// The release.
    pub release: ReleaseId,
    /// By when erasure was to be confirmed.
    pub erase_by: UnixTime,
}

/// A verification is over: pushed only, and never part of the feed. It carries no answer; the attestation is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationConcluded {
    /// The verification.
    pub id: VerificationId,
    /// How it ended.
    pub status: Concluded,
}

/// How a verification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concluded {
    /// Every check passed.
    Passed,
    /// Some check failed.
    Failed,
    /// The holder refused.
    Declined,
    /// Nobody answered in time.
    Expired,
}

/// The answer of `GET /v1/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Events {
    /// Signed security event tokens, oldest first.
    pub events: Vec<String>,
    /// What to send as `after` next time.
    pub next: u64,
}

/// The body of a receiver's answer 400, RFC 8935 section 2.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRefused {
    /// The code, such as `invalid_audience` (section 2.4).
    pub err: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_member_named_by_its_type() {
        let consent = ConsentWithdrawn {
            consent: "con_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            release: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            erase_by: UnixTime(7),
        };
        let concluded = VerificationConcluded {
            id: "ver_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            status: Concluded::Expired,
        };
        let cancelled = IdentifierCancelled { sub: "x".into() };
        let overdue = ErasureOverdue {
            release: consent.release.clone(),
            erase_by: UnixTime(7),
        };
        for (event, name) in [
            (Event::ConsentWithdrawn(consent), CONSENT_WITHDRAWN),
            (Event::IdentifierCancelled(cancelled), IDENTIFIER_CANCELLED),
            (Event::ErasureOverdue(overdue), ERASURE_OVERDUE),
            (Event::VerificationConcluded(concluded), VERIFICATION_CONCLUDED),
        ] {
            let written = serde_json::to_value(&event).unwrap();
            let members: Vec<_> = written.as_object().unwrap().keys().cloned().collect();
            assert_eq!(members, [name]);
            assert_eq!(serde_json::from_value::<Event>(written).unwrap(), event);
        }
        let one = json!({"id": "ver_AAAAAAAAAAAAAAAAAAAAAA", "status": "passed"});
        let withdrawn = json!({"consent": "con_AAAAAAAAAAAAAAAAAAAAAA", "release": "rel_AAAAAAAAAAAAAAAAAAAAAA", "erase_by": 7});
        for wrong in [
            json!({}),
            json!({VERIFICATION_CONCLUDED: one, CONSENT_WITHDRAWN: withdrawn}),
            json!({VERIFICATION_CONCLUDED: {"id": "ver_AAAAAAAAAAAAAAAAAAAAAA", "status": "pending"}}),
            json!({VERIFICATION_CONCLUDED: {"id": "ver_AAAAAAAAAAAAAAAAAAAAAA", "status": "passed", "sub": "x"}}),
            json!({"urn:cyberid:event:another": one}),
        ] {
            assert!(serde_json::from_value::<Event>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
