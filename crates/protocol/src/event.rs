//! Security events for a relying party: RFC 8417 tokens, `typ` `secevent+jwt`.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, ConsentId, Nonce, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The event type of a withdrawn consent.
pub const CONSENT_WITHDRAWN: &str = "urn:cyberid:event:consent-withdrawn";

/// The claims of a security event token, RFC 8417 section 2.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityEvent {
    /// The platform's issuer.
    pub iss: String,
    /// The relying party.
    pub aud: ClientId,
    /// When it was signed.
    pub iat: UnixTime,
    /// Its own name.
    pub jti: Nonce,
    /// The event under its type.
    pub events: BTreeMap<String, ConsentWithdrawn>,
}

impl Message for SecurityEvent {
    const TYP: &'static str = "secevent+jwt";
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
