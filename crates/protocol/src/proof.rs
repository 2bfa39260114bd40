//! The holder's proof: the answer to a verification, signed by the device key.

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a proof in seconds.
pub const MAX_LIFE: u64 = 300;

/// The claims of a proof; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The platform's issuer.
    pub aud: String,
    /// The relying party that it is for.
    pub rp: ClientId,
    /// The request that it answers; absent in a direct proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<VerificationId>,
    /// The registered purpose.
    pub purpose: String,
    /// The checks that the holder agrees to.
    pub checks: Vec<Check>,
    /// The factors that the holder answers with.
    pub factors: Vec<Factor>,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it; used once.
    pub jti: Nonce,
}

impl Message for Proof {
    const TYP: &'static str = "cyberid-proof+jwt";
}
