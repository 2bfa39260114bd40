//! The direct request: handed from the relying party's app to the holder's app, without the platform between.

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{ClientId, Nonce};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a direct request in seconds.
pub const MAX_LIFE: u64 = 300;

/// The claims of a direct request, signed by the relying party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectRequest {
    /// The relying party.
    pub iss: ClientId,
    /// The registered purpose.
    pub purpose: String,
    /// The checks that are asked.
    pub checks: Vec<Check>,
    /// The factors that are asked.
    pub factors: Vec<Factor>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// The platform's word on who asks.
    pub registration_certificate: String,
    /// The key that signed, whose thumbprint stands in the certificate.
    pub jwk: cyberid_crypto::PublicKey,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
}

impl Message for DirectRequest {
    const TYP: &'static str = "cyberid-direct-request+jwt";
}
