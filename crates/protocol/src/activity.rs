//! The body of the call by which a holder reads who asked about them.

use std::str::FromStr;

use cyberid_domain::UnixTime;
use cyberid_domain::calendar::read_date;
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_domain::id::ClientId;
use serde::{Deserialize, Serialize};

/// The most days that are read at once.
pub const MAX_DAYS: u32 = 31;

/// A day of UTC+8, as `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day(String);

/// A text is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a day, as YYYY-MM-DD")]
pub struct InvalidDay;

impl Day {
    /// The day as it stands in a query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        read_date(text).ok_or(InvalidDay)?;
        Ok(Self(text.into()))
    }
}

/// The answer of `GET /v1/me/activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Activity {
    /// The holder's visits, the latest first.
    pub visits: Vec<ActivityVisit>,
    /// What else happened on these days, the latest first.
    #[serde(default)]
    pub events: Vec<ActivityEvent>,
}

/// Something that happened to the holder's identifier, devices, consents or record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityEvent {
    /// When.
    pub time: UnixTime,
    /// What: a kind of leaf, such as `consent.granted`, `release.delivered`, `official.delivered` or `identity.suspended`; or
    /// what the holder is alerted of, such as `device_added`, `pin_changed` or `enrolment_tried`; or `suspended` with its
    /// reason. Later versions add kinds.
    pub kind: String,
    /// The relying party, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rp: Option<ActivityParty>,
    /// The purpose, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The fields that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// The thumbprint of the device that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The reason, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One visit: a relying party asked, and was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityVisit {
    /// When.
    pub time: UnixTime,
    /// Who asked.
    pub rp: ActivityParty,
    /// For which registered purpose.
    pub purpose: String,
    /// What was checked.
    pub checks: Vec<Check>,
    /// Whether every check passed.
    pub passed: bool,
}

/// A relying party, as the holder knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityParty {
    /// Its id.
    pub client_id: ClientId,
    /// Its registered name, while its registration is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
