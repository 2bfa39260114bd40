//! A relying party's registration: what an operator submits, and the certificate per intended use that a holder's
//! app can check offline.

use cyberid_crypto::jwk::{Jwk, JwkSet};
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a registration in seconds: 12 months.
pub const MAX_LIFE: u64 = 365 * 86_400;

/// The body of `POST /v1/relying-parties`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registration {
    /// The name that people are shown.
    pub name: String,
    /// The domains that it acts under; the first is shown.
    pub domains: Vec<String>,
    /// Whom to ask.
    pub contact: String,
    /// Whom to ask for deletion.
    pub deletion_contact: String,
    /// For what it may ask.
    pub intended_uses: Vec<IntendedUse>,
    /// Its public keys: at least one to sign and one to encrypt to.
    pub jwks: JwkSet,
    /// Where events are pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_uri: Option<String>,
}

/// What the platform answers about a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registered {
    /// The relying party's id.
    pub client_id: ClientId,
    /// Where the registration stands.
    pub status: RegistrationStatus,
    /// One signed certificate per intended use, once approved.
    pub registration_certificates: Vec<String>,
}

/// The body of `POST /v1/relying-parties/{client_id}/keys`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyChangeBody {
    /// The change, signed by the relying party's current signing key.
    pub key_change: String,
}

/// The claims of a key change: the whole set that is in force afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// The platform's issuer.
    pub aud: String,
    /// The relying party.
    pub iss: ClientId,
    /// The keys in force afterwards.
    pub jwks: JwkSet,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
}

impl Message for KeyChange {
    const TYP: &'static str = "cyberid-key-change+jwt";
}

/// The claims of a registration certificate: one relying party, one intended use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationCertificate {
    /// The platform's issuer.
    pub iss: String,
    /// The relying party.
    pub sub: ClientId,
    /// The name that people are shown.
    pub name: String,
    /// The domain that people are shown.
    pub domain: String,
    /// The intended use.
    pub intended_use: IntendedUse,
    /// The thumbprints of its signing keys.
    pub sig_jkts: Vec<String>,
    /// The thumbprint of the key that plaintext is encrypted to.
    pub enc_jkt: String,
    /// When it was issued.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
}

impl Message for RegistrationCertificate {
    const TYP: &'static str = "cyberid-registration+jwt";
}

impl Registration {
    /// The registered keys of one use, `sig` or `enc`.
    pub fn keys(&self, use_: &str) -> impl Iterator<Item = &Jwk> {
        self.jwks
            .keys
            .iter()
            .filter(move |key| key.use_.as_deref() == Some(use_))
    }

    /// The intended use of this purpose.
    pub fn intended_use(&self, purpose: &str) -> Option<&IntendedUse> {
        self.intended_uses
            .iter()
            .find(|intended| intended.purpose == purpose)
    }
}
