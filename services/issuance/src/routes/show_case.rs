//! `GET /v1/cases/{id}`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::CaseId;
use cyberid_protocol::case::CaseView;
use cyberid_web::Json;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What showing a case can end in.
    pub(crate) ShowCaseProblems: NotFound
);

/// Shows how far a case has come, to whoever knows its unguessable name.
#[utoipa::path(get, path = "/v1/cases/{id}", operation_id = "show_case", tag = "issuance",
    params(("id" = CaseId, Path, description = "The case.", example = "case_Zm9vYmFyYmF6cXV4MTIzNA")),
    responses(
        (status = 200, description = "The case.", body = CaseView, example = json!({
            "id": "case_Zm9vYmFyYmF6cXV4MTIzNA", "kind": "appeal", "status": "done", "verdict": "upheld",
            "permitted_until": 1_795_691_200})),
        ShowCaseProblems))]
pub(crate) async fn show_case(
    State(issuance): State<Arc<Issuance>>,
    PathParam(id): PathParam<CaseId>,
) -> Result<Json<CaseView>, Failure> {
    Ok(Json(issuance.show_case(&id).await?))
}
