//! Bodies of the calls about codes that a holder shows at a counter.

use cyberid_domain::id::CounterCode;
use serde::{Deserialize, Serialize};

/// The life of a code in seconds.
pub const LIFE: u64 = 30;

/// The answer of `POST /v1/me/codes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeMade {
    /// The code, for a QR code at a counter. It is used once.
    pub code: CounterCode,
    /// Its life in seconds.
    pub expires_in: u64,
}

/// The answer of `GET /v1/me/codes/{code}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeView {
    /// What the holder's app fetches, once a relying party has used the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_uri: Option<String>,
}
