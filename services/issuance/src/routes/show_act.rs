//! `GET /v1/identity-acts/{id}`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::IdentityActId;
use cyberid_protocol::life::IdentityActView;
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What looking at an act can end in.
    pub(crate) ShowActProblems: NotFound
);

/// Shows an act of operators on identifiers.
#[utoipa::path(get, path = "/v1/identity-acts/{id}", operation_id = "show_identity_act", tag = "issuance",
    params(("id" = IdentityActId, Path, description = "The act.", example = "act_Zm9vYmFyYmF6cXV4MTIzNA")),
    responses(
        (status = 200, description = "The act.", body = IdentityActView,
            example = json!({"id": "act_Zm9vYmFyYmF6cXV4MTIzNA", "act": "suspend", "reason": "misuse",
                "reference": "2026-117", "identifiers": 3, "status": "waiting",
                "applied_by": "b3BlcmF0b3Itb25lLWZvbw", "applied_at": 1_784_131_200})),
        ShowActProblems))]
pub(crate) async fn show_act(
    State(issuance): State<Arc<Issuance>>,
    _: OperatorCaller,
    PathParam(id): PathParam<IdentityActId>,
) -> Result<Json<IdentityActView>, Failure> {
    Ok(Json(issuance.show_act(&id).await?))
}
