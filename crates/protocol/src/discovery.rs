//! `GET /.well-known/cyberid` and `GET /.well-known/jwks.json`.

use cyberid_crypto::Suite;
use cyberid_crypto::jwk::Jwk;
use cyberid_domain::check::Check;
use cyberid_domain::document::DocumentType;
use cyberid_domain::field::Field;
use serde::{Deserialize, Serialize};

/// The platform's description of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Discovery {
    /// The issuer: `iss` of what the platform signs, `aud` of what is signed for it.
    pub issuer: String,
    /// Where the public signing keys are.
    pub jwks_uri: String,
    /// Where access tokens are given.
    pub token_endpoint: String,
    /// Where people enrol.
    pub enrolment_endpoint: String,
    /// Where the OpenAPI documents are listed.
    pub openapi_uri: String,
    /// The checks that can be asked.
    pub checks_supported: Vec<Check>,
    /// The fields that can be released.
    pub fields_supported: Vec<Field>,
    /// The documents that people can enrol with.
    pub document_types_supported: Vec<DocumentType>,
    /// The one signature algorithm.
    pub signing_alg: String,
    /// The key that messages are sealed to; it changes daily.
    pub encryption_jwk: Jwk,
    /// The suite of algorithms that the platform runs, and takes.
    pub suite: Suite,
    /// The ledger.
    pub ledger: LedgerDescription,
    /// The version of the protocol.
    pub version: String,
}

/// How to check the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerDescription {
    /// The log's name.
    pub origin: String,
    /// The log's verifier key (C2SP signed-note).
    pub vkey: String,
    /// Where the log is read.
    pub url: String,
    /// The witnesses' verifier keys.
    pub witnesses: Vec<String>,
    /// The witness policy (C2SP tlog-policy).
    pub policy: String,
}

/// The public signing keys, each with its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlatformKeys {
    /// The keys.
    pub keys: Vec<PlatformKey>,
}

/// One public signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlatformKey {
    /// The key as a JWK.
    #[serde(flatten)]
    pub jwk: Jwk,
    /// What it signs: `attestation`, `request`, `certificate`, `registration`, `identity` or `event`; and
    /// `attestation-root`, which signs what vouches for those that sign attestations.
    pub role: String,
    /// `next`, `active` or `retained`.
    pub state: String,
    /// What the platform's attestation root says of a key that signs attestations: a compact JWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}
