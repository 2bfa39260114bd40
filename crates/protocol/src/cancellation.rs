//! The holder's cancellation of their identifier, signed by the device key. Vault and custodian check it themselves:
//! nobody but the holder has a record destroyed.

use cyberid_domain::UnixTime;
use cyberid_domain::id::Nonce;
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a cancellation in seconds, when it is sent. Once it is taken it is final.
pub const MAX_LIFE: u64 = 300;

/// The claims of a cancellation; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancellation {
    /// The platform's issuer.
    pub aud: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it.
    pub jti: Nonce,
}

impl Message for Cancellation {
    const TYP: &'static str = "cyberid-cancellation+jwt";
}

/// The body of `POST /v1/me/cancel`, and of `POST /v1/erasures` at vault and custodian.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancellationBody {
    /// The signed cancellation.
    pub cancellation: String,
}
