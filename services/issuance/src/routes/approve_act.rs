//! `POST /v1/identity-acts/{id}/approve`.

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
    /// What approving an act can end in.
    pub(crate) ApproveActProblems: NotFound, TwoPersonsRequired
);

/// Approves an act of another operator, and has it carried out. Again is fine.
#[utoipa::path(post, path = "/v1/identity-acts/{id}/approve", operation_id = "approve_identity_act", tag = "issuance",
    params(("id" = IdentityActId, Path, description = "The act.", example = "act_Zm9vYmFyYmF6cXV4MTIzNA")),
    responses(
        (status = 200, description = "It is done.", body = IdentityActView,
            example = json!({"id": "act_Zm9vYmFyYmF6cXV4MTIzNA", "act": "reinstate", "reason": "misuse",
                "reference": "2026-117", "identifiers": 1, "status": "done",
                "applied_by": "b3BlcmF0b3Itb25lLWZvbw", "applied_at": 1_784_131_200,
                "approved_by": "b3BlcmF0b3ItdHdvLWZvbw"})),
        ApproveActProblems))]
pub(crate) async fn approve_act(
    State(issuance): State<Arc<Issuance>>,
    caller: OperatorCaller,
    PathParam(id): PathParam<IdentityActId>,
) -> Result<Json<IdentityActView>, Failure> {
    Ok(Json(issuance.approve_act(&caller.client_id, &id).await?))
}
