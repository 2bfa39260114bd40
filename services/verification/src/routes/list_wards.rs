//! `GET /v1/me/wards`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::ward::Wards;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;

use crate::Verification;

/// The wards of the calling holder, and what waits for their word.
///
/// A ward's `requests` are the signed request objects that the ward, under 14, has opened and that ask `guardian_consent`. A ward
/// has no name here but an id that is this guardian's own; at 18 they are no ward any more.
#[utoipa::path(
    get,
    path = "/v1/me/wards",
    operation_id = "list_wards",
    responses((status = 200, description = "The wards.", body = Wards, example = json!({"wards": [{
        "id": "ward_3q2-7wAAAAAAAAAAAAAAAA",
        "requests": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVxdWVzdCtqd3QifQ..."]
    }]})))
)]
pub(super) async fn list_wards(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
) -> Result<Json<Wards>, Failure> {
    Ok(Json(service.wards(&caller.jkt).await?))
}
