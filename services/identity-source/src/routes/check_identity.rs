//! `POST /v1/identity-checks`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::source::{IdentityCheckAnswer, IdentityCheckBody};
use cyberid_web::Json;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::{CheckFailure, IdentitySource};

problems!(
    /// What an identity check can end in.
    pub(crate) CheckIdentityProblems: InvalidMessage, SourceUnavailable
);

/// Says whether document and evidence belong to one living person.
///
/// The question is sealed to the source and carries the asker's key for the answer; the answer is signed, bound to
/// the question's SHA-256, and holds the date of birth sealed to that key only when everything matches.
#[utoipa::path(post, path = "/v1/identity-checks", operation_id = "check_identity", tag = "source",
    request_body(content = IdentityCheckBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses(
        (status = 200, description = "The signed answer.", body = IdentityCheckAnswer,
            example = json!({"answer": "eyJhbGciOiJFUzI1NiJ9.eyJjb25maXJtZWQiOnRydWV9.c2lnbmF0dXJl"})),
        CheckIdentityProblems))]
pub(crate) async fn check_identity(
    State(source): State<Arc<IdentitySource>>,
    StrictJson(body): StrictJson<IdentityCheckBody>,
) -> Result<Response, Failure> {
    if let Some(spoiled) = source.fault().spoiled() {
        return Ok(spoiled);
    }
    let answer = source.check(&body.sealed).await?;
    Ok(Json(IdentityCheckAnswer { answer }).into_response())
}

impl From<CheckFailure> for Failure {
    fn from(failure: CheckFailure) -> Self {
        match failure {
            CheckFailure::NotAQuestion => ProblemType::InvalidMessage.into(),
            CheckFailure::Refused => ProblemType::EvidenceRefused.into(),
            CheckFailure::Down => ProblemType::SourceUnavailable.into(),
            CheckFailure::Key(_) | CheckFailure::Journal(_) => Self::internal(failure),
        }
    }
}
