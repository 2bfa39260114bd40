//! `POST /v1/requests/{id}/answer` for a verification.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::VerificationId;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::request::{Answer, AnswerBody};
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::{PathParam, StrictJson};
use cyberid_web::{Failure, problems};
use http::StatusCode;

use crate::Verification;

problems!(
    /// What answering can end in.
    pub(super) AnswerProblems: RequestClosed, RelyingPartyInactive, InvalidMessage, ExpiredMessage, ReplayedMessage
);

/// Answers a verification.
///
/// With `sealed`, a JWE to the platform's `encryption_jwk` that holds the proof and, where it was asked for, the PIN; or with
/// `declined`. A request that a device has opened is answered by that device alone, and declined with its token; what nobody
/// opened is opened by its answer. Whether the checks passed is for the relying party to learn: every proof that is valid is answered alike.
#[utoipa::path(
    post,
    path = "/v1/requests/{id}/answer",
    operation_id = "answer_verification_request",
    params(("id" = String, Path, example = "ver_3q2-7wAAAAAAAAAAAAAAAA")),
    request_body(content = AnswerBody, examples(
        ("agreed" = (summary = "The holder agrees", value = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..."}))),
        ("declined" = (summary = "The holder refuses", value = json!({"declined": true})))
    )),
    responses((status = 204, description = "The answer is kept."), AnswerProblems)
)]
pub(super) async fn answer_verification_request(
    State(service): State<Arc<Verification>>,
    caller: Option<HolderCaller>,
    PathParam(id): PathParam<VerificationId>,
    StrictJson(body): StrictJson<AnswerBody>,
) -> Result<StatusCode, Failure> {
    let answer = Answer::try_from(body).map_err(|_| Failure::from(ProblemType::MalformedRequest))?;
    let device = caller.as_ref().map(|caller| caller.jkt.as_str());
    service.answer(&id, device, answer).await?;
    Ok(StatusCode::NO_CONTENT)
}
