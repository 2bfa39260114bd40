//! Bodies of the calls about cases: misuse reports and appeals, and how two operators decide them.

use cyberid_domain::UnixTime;
use cyberid_domain::case::{CaseKind, Verdict};
use cyberid_domain::id::{CaseId, ClientId};
use serde::{Deserialize, Serialize};

/// For how many seconds an appeal that was upheld permits an enrolment: seven days.
pub const PERMISSION: u64 = 7 * 86_400;

/// The body of `POST /v1/appeals`. It says nothing of the person: they show the case's name where they show themselves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppealBody {
    /// Proof of possession of the device key that is to be enrolled.
    pub key_proof: String,
}

/// The body of `POST /v1/cases/{id}/decide`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerdictBody {
    /// What the operator says. Two have to say the same.
    pub verdict: Verdict,
}

/// How far a case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CaseStatus {
    /// No two operators have said the same yet.
    Open,
    /// It is decided, and being carried out.
    Decided,
    /// It is decided and carried out.
    Done,
}

/// A case, as whoever knows its name sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseView {
    /// Its name, which nobody guesses.
    pub id: CaseId,
    /// What it is about.
    pub kind: CaseKind,
    /// How far it has come.
    pub status: CaseStatus,
    /// How it was decided, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Until when an appeal that was upheld permits an enrolment with its device key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permitted_until: Option<UnixTime>,
}

/// A case as operators see it: whose it is, they see where the person shows themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenCase {
    /// Its name.
    pub id: CaseId,
    /// What it is about.
    pub kind: CaseKind,
    /// When it was brought.
    pub opened_at: UnixTime,
    /// What one operator said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<Verdict>,
    /// Who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<ClientId>,
}

/// The answer of `GET /v1/cases`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenCases {
    /// Those that wait for a decision: misuses first, then appeals, the oldest first of each.
    pub cases: Vec<OpenCase>,
}
