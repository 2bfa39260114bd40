//! A guardian's consent: their device agrees that the holder of another device key is enrolled as their ward.
//!
//! It says that somebody of 18 or over takes this place. That they are kin, or appointed, is confirmed by no register.

use cyberid_domain::UnixTime;
use cyberid_domain::id::Nonce;
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a guardian's consent in seconds: it is carried to the ward's device while that enrols.
pub const MAX_LIFE: u64 = 600;

/// The claims of a guardian's consent; its `kid` is the guardian's device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardianConsent {
    /// The platform's issuer.
    pub aud: String,
    /// The thumbprint of the device key that the ward enrols with.
    pub ward_jkt: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it; used once.
    pub jti: Nonce,
}

impl Message for GuardianConsent {
    const TYP: &'static str = "cyberid-guardian-consent+jwt";
}
