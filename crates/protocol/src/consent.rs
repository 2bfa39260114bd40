//! The holder's consent to one release of plaintext, signed by the device key over exactly what was shown.

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, Nonce, ReleaseId};
use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::statement::Locale;

/// The longest life of a consent in seconds: until then the relying party may redeem it.
pub const MAX_LIFE: u64 = 86_400;

/// The claims of a consent; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The platform's issuer.
    pub aud: String,
    /// The relying party that receives.
    pub rp: ClientId,
    /// The release that it grants.
    pub request: ReleaseId,
    /// The registered purpose.
    pub purpose: String,
    /// The fields that the holder grants: some or all of those asked.
    pub fields: Vec<Field>,
    /// The legal basis that the holder was shown.
    pub legal_basis: String,
    /// For how many days the relying party may keep the fields.
    pub retention_days: u32,
    /// The thumbprint of the only key that the fields are encrypted to.
    pub enc_jkt: String,
    /// SHA-256 of the registered notice, base64url.
    pub notice_sha256: String,
    /// SHA-256 of the compact request object, base64url.
    pub request_sha256: String,
    /// SHA-256 of the UTF-8 of the statement, computed by the device from what it showed, base64url.
    pub statement_sha256: String,
    /// The language of the statement.
    pub locale: Locale,
    /// When it was signed.
    pub iat: UnixTime,
    /// Until when it can be redeemed, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it; used once.
    pub jti: Nonce,
}

impl Message for Consent {
    const TYP: &'static str = "cyberid-consent+jwt";
}
