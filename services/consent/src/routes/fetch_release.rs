//! `GET /v1/releases/{id}`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::release::ReleaseView;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::PathParam;

use crate::Consent;

/// Says where a release stands, to the relying party that asked for it.
#[utoipa::path(get, path = "/v1/releases/{id}", operation_id = "fetch_release", tag = "releases",
    params(("id" = String, Path, description = "The release.", example = "rel_Zm9vYmFyYmF6cXV4MTIzNA")),
    responses((status = 200, description = "Where it stands.", body = ReleaseView, example = json!({
        "id": "rel_Zm9vYmFyYmF6cXV4MTIzNA", "status": "granted", "fields": ["name"],
        "consent_id": "con_c2FtcGxlLWNvbnNlbnQtaQ", "expires_at": 1_784_217_600}))))]
pub(super) async fn fetch_release(
    State(consent): State<Arc<Consent>>,
    caller: RelyingPartyCaller,
    PathParam(id): PathParam<ReleaseId>,
) -> Result<Json<ReleaseView>, Failure> {
    Ok(Json(consent.view(&caller.client_id, &id).await?))
}
