//! Issuance's messages to vault and custodian at enrolment, each signed by the enrolment key.
//!
//! They authenticate themselves, so that no transport has to be trusted for more than delivery; the one plaintext in
//! them, the document number that the blind index is computed over, is sealed to the vault.

use cyberid_crypto::PublicKey;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, SubjectId};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The longest life of these messages in seconds.
pub const MAX_LIFE: u64 = 120;

/// Of how many further subjects a settlement tells at most.
pub const MOST_OTHERS: usize = 63;

/// Who of the two key holders a message is for: its audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHolder {
    /// The vault.
    Vault,
    /// The custodian.
    Custodian,
}

/// What the HPKE seal around a document number is for.
pub const RESERVATION_INFO: &[u8] = b"cyberid/v1/reservation";

/// Asks the vault to reserve a person in the blind index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// The vault.
    pub aud: KeyHolder,
    /// The subject that the person would become.
    pub subject: SubjectId,
    /// `<document type>|<canonical number>`, sealed by HPKE to the vault for [`RESERVATION_INFO`] with the subject
    /// as associated data, base64url.
    pub person_sealed: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for Reservation {
    const TYP: &'static str = "cyberid-reservation+jwt";
}

/// Hands a key holder its part of a new identity record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// The key holder.
    pub aud: KeyHolder,
    /// The subject.
    pub subject: SubjectId,
    /// The device key that is bound to the record: only its consents open it.
    pub device: PublicKey,
    /// The commitment to the subject's network number, under a salt that stays with the registry, base64url: an official
    /// access opens the record only if its order names the number that this was made over.
    pub number_commitment: String,
    /// The fields.
    pub fields: Vec<DepositedField>,
    /// For the vault: the person whom it reserves with the record in one step, or neither, sealed as in [`Reservation`].
    /// Without it the person has to be reserved before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_sealed: Option<String>,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for Deposit {
    const TYP: &'static str = "cyberid-deposit+jwt";
}

/// One field of a deposit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepositedField {
    /// Which field.
    pub field: Field,
    /// The encrypted value, base64url; only for the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<String>,
    /// This key holder's share, sealed to it, base64url.
    pub share: String,
}

/// Tells a key holder how an enrolment ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// The key holder.
    pub aud: KeyHolder,
    /// The subject.
    pub subject: SubjectId,
    /// Further subjects whose enrolments ended so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<SubjectId>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for Settlement {
    const TYP: &'static str = "cyberid-settlement+jwt";
}

/// How an enrolment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The registry committed: the record stays.
    Confirmed,
    /// Nothing was committed: the unconfirmed record goes. A confirmed one is never freed.
    Freed,
}

/// The body that carries one of these messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommandBody {
    /// The signed message.
    pub message: String,
}

/// The vault's answer to a reservation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReservationAnswer {
    /// `false` when the person has an identifier, or is being given one.
    pub reserved: bool,
}
