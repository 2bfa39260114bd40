//! `POST /v1/releases/{id}/erasure`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::release::ErasureBody;
use cyberid_web::Failure;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::{PathParam, StrictJson};
use http::StatusCode;

use crate::Consent;

/// Confirms that what was received under a withdrawn consent is erased.
///
/// `erased_at` lies between the withdrawal and now. Where no erasure is owed the answer is `not-found`.
#[utoipa::path(post, path = "/v1/releases/{id}/erasure", operation_id = "confirm_erasure", tag = "releases",
    params(("id" = String, Path, description = "The release.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA")),
    request_body(content = ErasureBody, example = json!({"erased_at": 1_784_217_600})),
    responses((status = 204, description = "The ledger says so.")))]
pub(super) async fn confirm_erasure(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
    PathParam(id): PathParam<ReleaseId>,
    StrictJson(body): StrictJson<ErasureBody>,
) -> Result<StatusCode, Failure> {
    consent
        .confirm_erasure(&caller.client_id, &id, body.erased_at)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
