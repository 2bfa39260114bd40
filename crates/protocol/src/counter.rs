//! Bodies of the calls by which a counter assists people without a device.

use cyberid_domain::UnixTime;
use serde::{Deserialize, Serialize};

use crate::device::{Recovered, RecoveryBody};
use crate::enrolment::{Enrolled, EnrolmentBody};

/// The most codes on a sheet.
pub const MOST_CODES: usize = 20;

/// The body of `POST /v1/counter/enrolments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CounterEnrolmentBody {
    /// The enrolment; its key is that of the first code.
    pub enrolment: EnrolmentBody,
    /// Proofs of possession of the keys of the other codes, at most 19.
    pub sheet: Vec<String>,
}

/// The body of `POST /v1/counter/recoveries`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CounterRecoveryBody {
    /// The recovery; its key is that of the first code.
    pub recovery: RecoveryBody,
    /// Proofs of possession of the keys of the other codes, at most 19.
    pub sheet: Vec<String>,
}

/// The answer of `POST /v1/counter/enrolments`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CounterEnrolled {
    /// What the person has from now on.
    pub enrolled: Enrolled,
    /// The thumbprints of the keys that are bound: a code whose key is not among them is good for nothing.
    pub bound: Vec<String>,
    /// The moment from which the codes beside the first release plaintext; none if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_from: Option<UnixTime>,
}

/// The answer of `POST /v1/counter/recoveries`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CounterRecovered {
    /// What the person has again.
    pub recovered: Recovered,
    /// The thumbprints of the keys that are bound: a code whose key is not among them is good for nothing.
    pub bound: Vec<String>,
    /// The moment from which the codes beside the first release plaintext; none if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_from: Option<UnixTime>,
}
