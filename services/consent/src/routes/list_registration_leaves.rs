//! `GET /v1/registration-leaves`

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::release::RegistrationLeaves;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;

use crate::Consent;

/// Lists the leaves of the caller's own registration, oldest first, each with the proof that it is in the ledger.
///
/// They say when it was approved or suspended and when its keys changed, at most 100 of each. The leaves of a release are under
/// `GET /v1/releases/{id}/proof`.
#[utoipa::path(get, path = "/v1/registration-leaves", operation_id = "list_registration_leaves", tag = "releases",
    responses((status = 200, description = "The leaves and their proofs.", body = RegistrationLeaves,
        example = json!({"leaves": [super::examples::leaf_proof()]}))))]
pub(super) async fn list_registration_leaves(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
) -> Result<Json<RegistrationLeaves>, Failure> {
    let leaves = consent.registration_leaves(&caller.client_id).await?;
    Ok(Json(RegistrationLeaves { leaves }))
}
