//! `GET /v1/cases`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::case::OpenCases;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;

use crate::Issuance;

/// Lists the cases that wait for two operators: misuses first, then appeals, the oldest first of each.
#[utoipa::path(get, path = "/v1/cases", operation_id = "list_cases", tag = "issuance",
    responses((status = 200, description = "The cases.", body = OpenCases, example = json!({"cases": [{
        "id": "case_Zm9vYmFyYmF6cXV4MTIzNA", "kind": "misuse", "opened_at": 1_795_435_200,
        "proposed": "upheld", "proposed_by": "b3BlcmF0b3Itb25lLWZvbw"}]}))))]
pub(crate) async fn list_cases(
    State(issuance): State<Arc<Issuance>>,
    _: OperatorCaller,
) -> Result<Json<OpenCases>, Failure> {
    Ok(Json(issuance.open_cases().await?))
}
