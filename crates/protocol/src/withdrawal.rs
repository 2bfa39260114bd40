//! The holder's withdrawal of a consent, signed by the device key.

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ConsentId, Nonce};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a withdrawal in seconds.
pub const MAX_LIFE: u64 = 300;

/// The claims of a withdrawal; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The platform's issuer.
    pub aud: String,
    /// The consent that ends.
    pub consent: ConsentId,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it; used once.
    pub jti: Nonce,
}

impl Message for Withdrawal {
    const TYP: &'static str = "cyberid-withdrawal+jwt";
}

/// The body of `POST /v1/consents/{id}/withdraw`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithdrawalBody {
    /// The signed withdrawal.
    pub withdrawal: String,
}
