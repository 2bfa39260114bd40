//! `POST /v1/cases/{id}/decide`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::CaseId;
use cyberid_protocol::case::{CaseView, VerdictBody};
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::{PathParam, StrictJson};
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What deciding a case can end in.
    pub(crate) DecideCaseProblems: NotFound, TwoPersonsRequired, RequestClosed
);

/// Says how a case is to be decided. When a second, different operator says the same, it is, and is carried out.
///
/// A word that differs takes the place of the one before.
#[utoipa::path(post, path = "/v1/cases/{id}/decide", operation_id = "decide_case", tag = "issuance",
    params(("id" = CaseId, Path, description = "The case.", example = "case_Zm9vYmFyYmF6cXV4MTIzNA")),
    request_body(content = VerdictBody, example = json!({"verdict": "upheld"})),
    responses(
        (status = 200, description = "The word is taken.", body = CaseView, example = json!({
            "id": "case_Zm9vYmFyYmF6cXV4MTIzNA", "kind": "misuse", "status": "done", "verdict": "upheld"})),
        DecideCaseProblems))]
pub(crate) async fn decide_case(
    State(issuance): State<Arc<Issuance>>,
    caller: OperatorCaller,
    PathParam(id): PathParam<CaseId>,
    StrictJson(body): StrictJson<VerdictBody>,
) -> Result<Json<CaseView>, Failure> {
    let decided = issuance.decide_case(&caller.client_id, &id, body.verdict).await?;
    Ok(Json(decided))
}
