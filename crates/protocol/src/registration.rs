//! A relying party's registration: what an operator submits, and the certificate per intended use that a holder's
//! app can check offline.

use cyberid_crypto::jwk::{Jwk, JwkSet};
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of a registration in days: never more than twelve calendar months, whichever year it is.
pub const MAX_LIFE_DAYS: u64 = 365;

/// The longest life of a registration in seconds.
pub const MAX_LIFE: u64 = MAX_LIFE_DAYS * 86_400;

/// For how many seconds a published certificate may be kept before it is fetched again.
pub const CERTIFICATES_KEPT: u64 = 60;

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

/// A registration without its keys: what a renewal may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Particulars {
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
    /// Where events are pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_uri: Option<String>,
}

/// The body of `POST /v1/relying-parties/{client_id}/renewal`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewalBody {
    /// What the registration says from then on; absent, it says the same. Its keys are those in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Particulars>,
    /// For how many days from the approval, 1 to 365; the longest by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u64>,
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
    /// When the registration ends, once approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixTime>,
    /// What is registered: what a second operator approves, or what is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// The keys that come into force by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_keys: Option<WaitingKeys>,
    /// The renewal that waits for a second operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_renewal: Option<WaitingRenewal>,
    /// What its verifications came to of late; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<OutcomeCounts>,
}

/// What a relying party's verifications came to in the last hour, and whether too many failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutcomeCounts {
    /// Verifications that a holder answered.
    pub outcomes: u32,
    /// Those of them that failed, for whatever reason.
    pub misses: u32,
    /// Whether there are enough outcomes to say something, and more than half of them are misses.
    pub miss_alarm: bool,
}

/// Keys that were announced and cool off. Until they come into force, those before them are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingKeys {
    /// The whole set that is in force afterwards.
    pub jwks: JwkSet,
    /// From when on.
    pub in_force_at: UnixTime,
}

/// A renewal that one operator applied for. Until another approves it, nothing changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingRenewal {
    /// Its digest, which an approval names: what is approved is what was seen.
    pub renewal_sha256: String,
    /// Who applied for it.
    pub applied_by: ClientId,
    /// When.
    pub applied_at: UnixTime,
    /// What the registration would say; absent, it would say the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Particulars>,
    /// For how many days from the approval.
    pub expires_in_days: u64,
}

/// The published certificates of one relying party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishedCertificates {
    /// The relying party.
    pub client_id: ClientId,
    /// One signed certificate per intended use.
    pub registration_certificates: Vec<String>,
}

/// The answer of `GET /v1/registration-certificates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CertificatesPage {
    /// Who may ask, by id.
    pub relying_parties: Vec<PublishedCertificates>,
    /// What to send as `after` for the next page; absent, there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ClientId>,
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

impl Particulars {
    /// The registration with these keys.
    pub fn with_keys(self, jwks: JwkSet) -> Registration {
        let Self {
            name,
            domains,
            contact,
            deletion_contact,
            intended_uses,
            events_uri,
        } = self;
        Registration {
            name,
            domains,
            contact,
            deletion_contact,
            intended_uses,
            jwks,
            events_uri,
        }
    }
}

impl Registration {
    /// The registration apart from its keys.
    pub fn into_particulars(self) -> (Particulars, JwkSet) {
        let Self {
            name,
            domains,
            contact,
            deletion_contact,
            intended_uses,
            jwks,
            events_uri,
        } = self;
        let particulars = Particulars {
            name,
            domains,
            contact,
            deletion_contact,
            intended_uses,
            events_uri,
        };
        (particulars, jwks)
    }

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
