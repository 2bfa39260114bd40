//! `POST /v1/enrolments`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::enrolment::{Enrolled, EnrolmentBody};
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::StorageError;
use cyberid_web::Json;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::{EnrolmentError, Issuance, SourceFailure};

/// After how many seconds an enrolment may be tried again when a party did not answer.
const RETRY_AFTER: u64 = 10;

problems!(
    /// What an enrolment can end in.
    pub(crate) EnrolmentProblems:
        PinUnacceptable, InvalidMessage, ExpiredMessage, UnknownNonce, EnrolmentRefused, RateLimited, SourceUnavailable
);

/// Enrols a person: document, evidence, PIN and a device key become an identifier.
///
/// `key_proof` is a JWS of type `cyberid-key-proof+jwt` with the device key in its header and the claims `aud` (the
/// issuer), `nonce` and `iat`. `guardian_consent` is for whoever is under 18: a JWS of type `cyberid-guardian-consent+jwt`, signed
/// by the device of somebody of 18 or over, with the claims `aud`, `ward_jkt` (the thumbprint of the key that is enrolled), `iat`,
/// `exp` (ten minutes at most) and `jti`; it is taken once. Whatever stands against document, evidence, person, device or guardian is the one problem
/// `enrolment-refused`, so that nobody learns from it who has an identifier.
#[utoipa::path(post, path = "/v1/enrolments", operation_id = "create_enrolment", tag = "issuance",
    request_body(content = EnrolmentBody, example = json!({
        "document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2034-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
        "pin": "31415926",
        "key_proof": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln",
        "locale": "zh-CN"})),
    responses(
        (status = 201, description = "The person has an identifier.", body = Enrolled, example = json!({
            "network_number": "7K2M9-XQ4TD",
            "credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2VydGlmaWNhdGUrand0In0.eyJpc3MiOiIifQ.c2ln",
            "credential_expires_at": 1_800_000_000, "status": "active"})),
        EnrolmentProblems))]
pub(crate) async fn create_enrolment(
    State(issuance): State<Arc<Issuance>>,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<EnrolmentBody>,
) -> Result<(StatusCode, Json<Enrolled>), Failure> {
    let enrolled = issuance.enrol_from(from, body, None).await?;
    Ok((StatusCode::CREATED, Json(enrolled)))
}

impl From<EnrolmentError> for Failure {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::PinUnacceptable => ProblemType::PinUnacceptable.into(),
            EnrolmentError::InvalidProof => ProblemType::InvalidMessage.into(),
            EnrolmentError::ExpiredProof => ProblemType::ExpiredMessage.into(),
            EnrolmentError::UnknownNonce => ProblemType::UnknownNonce.into(),
            EnrolmentError::TooMany(over) => over.into(),
            EnrolmentError::Refused => ProblemType::EnrolmentRefused.into(),
            EnrolmentError::Source(cause) => {
                tracing::warn!(%cause, "the identity source gave no answer that can be believed");
                let after = match cause {
                    SourceFailure::Resting { retry_after } => retry_after,
                    _ => RETRY_AFTER,
                };
                Self::from(ProblemType::SourceUnavailable).retry_after(after)
            }
            EnrolmentError::NoncesFull
            | EnrolmentError::KeyHolder(_)
            | EnrolmentError::CommitUnknown(_)
            | EnrolmentError::Storage(StorageError::Unknown(_)) => {
                Self::unavailable(error).retry_after(RETRY_AFTER)
            }
            EnrolmentError::Storage(_)
            | EnrolmentError::Key(_)
            | EnrolmentError::Pin(_)
            | EnrolmentError::Stopped => Self::internal(error),
        }
    }
}
