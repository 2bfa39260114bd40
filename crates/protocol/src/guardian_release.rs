//! A guardian's agreement to one release of a child under 14, signed by the guardian's own device.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of an agreement in seconds.
pub const MAX_LIFE: u64 = 600;

/// The claims of a guardian's agreement to a release; its `kid` is the guardian's device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardianRelease {
    /// The platform's issuer.
    pub aud: String,
    /// The thumbprint of the child's device key.
    pub ward_jkt: String,
    /// The release.
    pub request: ReleaseId,
    /// SHA-256 of the compact request object that the guardian was shown, base64url.
    pub request_sha256: String,
    /// The fields that may be released at most.
    pub fields: Vec<Field>,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it.
    pub jti: Nonce,
}

impl Message for GuardianRelease {
    const TYP: &'static str = "cyberid-guardian-release+jwt";
}
