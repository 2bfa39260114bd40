//! The life of an identifier, as its holder and as operators turn it: halted and resumed, renewed, and numbered anew.

use cyberid_crypto::{KeyFailure, PublicKey, json, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, IdentityActId, Nonce};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::pin::Pin;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::enrolment::{Document, Evidence};
use crate::message::Message;

/// The longest life of a holder's word on their identifier in seconds.
pub const MAX_LIFE: u64 = 300;

/// The most identifiers of one act of operators.
pub const MOST_AT_ONCE: usize = 1_000;

/// The longest reference of an act, in characters.
pub const LONGEST_REFERENCE: usize = 200;

/// The claims of a holder's halt of their own identifier; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// The platform's issuer.
    pub aud: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it.
    pub jti: Nonce,
}

impl Message for Suspension {
    const TYP: &'static str = "cyberid-suspension+jwt";
}

/// The claims by which a holder lifts their own halt; its `kid` is the device key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// The platform's issuer.
    pub aud: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it.
    pub jti: Nonce,
}

impl Message for Resumption {
    const TYP: &'static str = "cyberid-resumption+jwt";
}

/// The claims by which a holder takes the number that was drawn for them; its `kid` is the device key. Vault and custodian
/// check it themselves: nobody but the holder has a record bound to another number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renumbering {
    /// The platform's issuer.
    pub aud: String,
    /// The salted commitment to the fresh number ([`crate::enrolment::number_commitment`]).
    pub number_commitment: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, at most [`MAX_LIFE`] later.
    pub exp: UnixTime,
    /// The device's own name for it.
    pub jti: Nonce,
}

impl Message for Renumbering {
    const TYP: &'static str = "cyberid-renumbering+jwt";
}

/// The body of `POST /v1/me/suspend`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SuspensionBody {
    /// The signed halt.
    pub suspension: String,
}

/// The body of `POST /v1/me/resume`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResumptionBody {
    /// The signed word with the holder's PIN, sealed to the platform.
    pub sealed: String,
}

/// A sealed word by which a holder lifts their own halt. The PIN is what a thief of the unlocked device lacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedResumption {
    /// The signed word.
    pub resumption: String,
    /// The holder's PIN.
    pub pin: Pin,
}

impl SealedResumption {
    /// Reads the opened seal.
    pub fn read(opened: &[u8]) -> Result<Self, json::InvalidJson> {
        json::from_slice(opened)
    }

    /// Seals the word and the PIN to the platform.
    pub fn seal(platform: &PublicKey, resumption: &str, pin: &Pin) -> Result<String, KeyFailure> {
        // A compact JWS and eight digits need no escaping.
        let body = format!(r#"{{"resumption":"{resumption}","pin":"{}"}}"#, pin.expose());
        jwe::seal(platform, "json", Zeroizing::new(body).as_bytes())
    }
}

/// The answer of `POST /v1/me/suspend` and `POST /v1/me/resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LifeAnswer {
    /// The status now.
    pub status: SubjectStatus,
    /// Why it is suspended, if it is: what the holder did not say, the holder does not lift.
    pub suspended_for: Vec<LifeReason>,
}

/// The body of `POST /v1/me/renewal`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewalBody {
    /// What an expired identifier needs, and an active one does not.
    #[serde(default)]
    pub proof: Option<FreshProof>,
}

/// The document and fresh evidence that the holder is its person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FreshProof {
    /// The document that the holder enrolled with.
    pub document: Document,
    /// Evidence that the holder is its person.
    pub evidence: Evidence,
}

/// The answer of `POST /v1/me/renewal`, and the end of a change of the network number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Renewed {
    /// The network number (网号).
    pub network_number: NetworkNumber,
    /// The network certificate (网证).
    pub credential: String,
    /// When the certificate ends.
    pub credential_expires_at: UnixTime,
    /// The identifier's status.
    pub status: SubjectStatus,
}

/// The answer of `POST /v1/me/network-number`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DrawnNumber {
    /// The fresh number, which is the holder's once they have signed for it.
    pub network_number: NetworkNumber,
    /// The salt of the commitment that the holder signs, base64url.
    pub salt: String,
}

/// The body of `POST /v1/me/network-number/confirm`, and of `POST /v1/renumberings` at vault and custodian.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenumberingBody {
    /// The signed word.
    pub renumbering: String,
}

/// The body of `POST /v1/me/guardians`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GuardianBody {
    /// The guardian's agreement to this device (`cyberid-guardian-consent+jwt`).
    pub guardian_consent: String,
}

/// What operators do to identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Act {
    /// Halt them.
    Suspend,
    /// Take a reason to halt them away; with the reason `death`, a death that was reported in error.
    Reinstate,
}

/// The body of `POST /v1/identity-acts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityActBody {
    /// What.
    pub act: Act,
    /// Why: `operator` or `misuse`; to take one back also `document` or `death`.
    pub reason: LifeReason,
    /// The case it belongs to, without a word on the person: it stays with the act.
    pub reference: String,
    /// Whose identifiers, by their network numbers: 1,000 at most.
    pub network_numbers: Vec<NetworkNumber>,
}

/// How far an act has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ActStatus {
    /// A second operator has to approve it.
    Waiting,
    /// It is being carried out.
    InForce,
    /// It was carried out, and is in the ledger.
    Done,
}

/// An act of operators on identifiers. Whose they are is not shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityActView {
    /// Its name.
    pub id: IdentityActId,
    /// What.
    pub act: Act,
    /// Why.
    pub reason: LifeReason,
    /// The case it belongs to.
    pub reference: String,
    /// How many identifiers it concerns.
    pub identifiers: u32,
    /// How far it has come.
    pub status: ActStatus,
    /// Who asked for it.
    pub applied_by: ClientId,
    /// When.
    pub applied_at: UnixTime,
    /// Who else approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<ClientId>,
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey};

    use super::*;

    #[test]
    fn a_resumption_travels_with_its_pin_inside_the_seal_only() {
        let key = AgreementKey::from_scalar(&[7; 32]).unwrap();
        let pin = Pin::chosen("27182845".into()).unwrap();
        let sealed = SealedResumption::seal(&key.public_key(), "a.b.c", &pin).unwrap();
        let opened = jwe::Sealed::parse(&sealed).unwrap().open(&key).unwrap();
        let read = SealedResumption::read(&opened).unwrap();
        assert_eq!(
            (read.resumption.as_str(), read.pin.expose()),
            ("a.b.c", "27182845")
        );
        assert!(!sealed.contains("27182845"));
        for other in [r#"{"resumption":"a"}"#, r#"{"pin":"27182845"}"#] {
            assert!(SealedResumption::read(other.as_bytes()).is_err(), "{other}");
        }
    }
}
