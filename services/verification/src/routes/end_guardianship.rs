//! `POST /v1/me/wards/{id}/end`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::WardId;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, problems};
use http::StatusCode;

use crate::Verification;

problems!(
    /// What ending a guardianship can end in.
    pub(super) EndGuardianshipProblems: NotFound
);

/// Ends the calling holder's guardianship of a ward, at once and for good.
///
/// From here on the guardian sees and answers nothing of the ward. A ward under 14 without another guardian passes nothing
/// and releases nothing until they have one again (`POST /v1/me/guardians`).
#[utoipa::path(
    post,
    path = "/v1/me/wards/{id}/end",
    operation_id = "end_guardianship",
    params(("id" = String, Path, example = "ward_3q2-7wAAAAAAAAAAAAAAAA")),
    responses((status = 204, description = "The guardianship is over."), EndGuardianshipProblems)
)]
pub(super) async fn end_guardianship(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
    PathParam(ward): PathParam<WardId>,
) -> Result<StatusCode, Failure> {
    service.end_guardianship(&caller.jkt, &ward).await?;
    Ok(StatusCode::NO_CONTENT)
}
