//! Issuance's messages to vault and custodian when a person has another document or name: a new version of the record is
//! staged at both, and only then put into force at both. The old version answers until then. Each message is signed by the
//! enrolment key; device keys, the number commitment and pseudonyms stay as they are.

use cyberid_domain::UnixTime;
use cyberid_domain::id::{Nonce, SubjectId};
use serde::{Deserialize, Serialize};

use crate::deposit::{DepositedField, KeyHolder};
use crate::message::Message;

/// What the HPKE seal around the number of a new document is for.
pub const REPLACEMENT_INFO: &[u8] = b"cyberid/v1/replacement";

/// Hands a key holder its part of a record's new version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagedVersion {
    /// The key holder.
    pub aud: KeyHolder,
    /// The subject.
    pub subject: SubjectId,
    /// The name of the version.
    pub version: Nonce,
    /// `<document type>|<canonical number>`, sealed by HPKE to the vault for [`REPLACEMENT_INFO`] with the subject as
    /// associated data, base64url; only for the vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_sealed: Option<String>,
    /// The fields.
    pub fields: Vec<DepositedField>,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for StagedVersion {
    const TYP: &'static str = "cyberid-staged-version+jwt";
}

/// Tells a key holder to put a staged version into force: the other one has it too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionSwitch {
    /// The key holder.
    pub aud: KeyHolder,
    /// The subject.
    pub subject: SubjectId,
    /// The name of the version.
    pub version: Nonce,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
}

impl Message for VersionSwitch {
    const TYP: &'static str = "cyberid-version-switch+jwt";
}
