//! `POST /v1/identity-acts`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::life::{IdentityActBody, IdentityActView};
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What an act of operators can end in.
    pub(crate) ApplyActProblems: NotFound
);

/// Suspends identifiers, or takes a reason to suspend them away.
///
/// One person is suspended at once, on the word of one operator, who may say so twenty times a day. Several, whoever is beyond that,
/// and every reinstatement, wait for another
/// operator (`POST /v1/identity-acts/{id}/approve`). What is done to each is a leaf of the ledger, with a salted commitment;
/// the holder sees the reason.
#[utoipa::path(post, path = "/v1/identity-acts", operation_id = "apply_identity_act", tag = "issuance",
    request_body(content = IdentityActBody, example = json!({"act": "suspend", "reason": "misuse",
        "reference": "2026-117", "network_numbers": ["7K2M9-XQ4TD"]})),
    responses(
        (status = 201, description = "It is done, or waits for another operator.", body = IdentityActView,
            example = json!({"id": "act_Zm9vYmFyYmF6cXV4MTIzNA", "act": "suspend", "reason": "misuse",
                "reference": "2026-117", "identifiers": 1, "status": "done",
                "applied_by": "b3BlcmF0b3Itb25lLWZvbw", "applied_at": 1_784_131_200})),
        ApplyActProblems))]
pub(crate) async fn apply_act(
    State(issuance): State<Arc<Issuance>>,
    caller: OperatorCaller,
    StrictJson(body): StrictJson<IdentityActBody>,
) -> Result<(StatusCode, Json<IdentityActView>), Failure> {
    let act = issuance.apply_act(&caller.client_id, body).await?;
    Ok((StatusCode::CREATED, Json(act)))
}
