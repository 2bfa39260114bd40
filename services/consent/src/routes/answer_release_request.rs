//! `POST /v1/requests/{id}/answer` for a release.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::request::{Answer, AnswerBody, Consented};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::{PathParam, StrictJson};
use http::StatusCode;

use crate::{Consent, ConsentError, Refusal};

cyberid_web::problems! {
    /// What answering can end in.
    pub(super) AnswerProblems:
        InvalidMessage, ExpiredMessage, ReplayedMessage, RequestClosed, ConsentMismatch, DeviceCoolingOff
}

/// Answers a request for a release: with a sealed, signed consent, or by declining.
///
/// The consent says exactly what the request object says, with all or some of its fields in their order. To a holder
/// who was not asked the request is not there.
#[utoipa::path(post, path = "/v1/requests/{id}/answer", operation_id = "answer_release_request", tag = "requests",
    params(("id" = String, Path, description = "The request.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA")),
    request_body(content = AnswerBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIiwi..."})),
    responses(
        (status = 201, description = "The consent is in the ledger.", body = Consented, example = json!({
            "consent_id": "con_c2FtcGxlLWNvbnNlbnQtaQ", "receipt": super::examples::receipt()})),
        (status = 204, description = "The request is declined."),
    AnswerProblems))]
pub(super) async fn answer_release_request(
    State(consent): State<Arc<Consent>>,
    PathParam(id): PathParam<ReleaseId>,
    StrictJson(body): StrictJson<AnswerBody>,
) -> Result<Response, Failure> {
    let answer = Answer::try_from(body).map_err(|_| ConsentError::from(Refusal::Malformed("answer")))?;
    match answer {
        Answer::Sealed(sealed) => {
            let consented = consent.consent(&id, &sealed).await?;
            Ok((StatusCode::CREATED, Json(consented)).into_response())
        }
        Answer::Declined => {
            consent.decline(&id).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    }
}
