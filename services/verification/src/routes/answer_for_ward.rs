//! `POST /v1/me/wards/{id}/answers`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::WardId;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::request::{Answer, AnswerBody};
use cyberid_protocol::ward::WardAnswerBody;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::{PathParam, StrictJson};
use cyberid_web::{Failure, problems};
use http::StatusCode;

use crate::Verification;

problems!(
    /// What a guardian's answer can end in.
    pub(super) WardProblems: RequestClosed, RelyingPartyInactive, InvalidMessage, ExpiredMessage, ReplayedMessage
);

/// Agrees to a request of a ward, or refuses it.
///
/// `sealed` holds a `cyberid-proof+jwt` of the calling device for that very request, with `factors` `["device"]` and without a
/// PIN: the ward answers afterwards, with the factors that are asked. A refusal ends the request as `declined`.
#[utoipa::path(
    post,
    path = "/v1/me/wards/{id}/answers",
    operation_id = "answer_for_ward",
    params(("id" = String, Path, example = "ward_3q2-7wAAAAAAAAAAAAAAAA")),
    request_body(content = WardAnswerBody, examples(
        ("agreed" = (summary = "The guardian agrees", value = json!({
            "request": "ver_3q2-7wAAAAAAAAAAAAAAAA", "sealed": "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..."
        }))),
        ("declined" = (summary = "The guardian refuses", value = json!({
            "request": "ver_3q2-7wAAAAAAAAAAAAAAAA", "declined": true
        })))
    )),
    responses((status = 204, description = "The answer is kept."), WardProblems)
)]
pub(super) async fn answer_for_ward(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
    PathParam(ward): PathParam<WardId>,
    StrictJson(body): StrictJson<WardAnswerBody>,
) -> Result<StatusCode, Failure> {
    let WardAnswerBody {
        request,
        sealed,
        declined,
    } = body;
    let answer = Answer::try_from(AnswerBody { sealed, declined });
    let answer = answer.map_err(|_| Failure::from(ProblemType::MalformedRequest))?;
    service
        .answer_for_ward(&caller.jkt, &ward, &request, answer)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
