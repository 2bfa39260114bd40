//! `GET /v1/official-accesses/{id}`

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::OfficialAccessId;
use cyberid_protocol::official::OfficialAccessView;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::AuthorityCaller;
use cyberid_web::extract::PathParam;

use crate::Consent;

/// Says where an official access stands, with the order for its second officer to read, to the authority that ordered it.
#[utoipa::path(get, path = "/v1/official-accesses/{id}", operation_id = "fetch_official_access",
    tag = "official access",
    params(("id" = String, Path, description = "The official access.", example = "off_Zm9vYmFyYmF6cXV4MTIzNA")),
    responses((status = 200, description = "Where it stands.", body = OfficialAccessView, example = json!({
        "id": "off_Zm9vYmFyYmF6cXV4MTIzNA", "status": "requested",
        "order": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtb2ZmaWNpYWwtb3JkZXIrand0In0...",
        "expires_at": 1_784_217_600}))))]
pub(super) async fn fetch_official_access(
    State(consent): State<Arc<Consent>>,
    caller: AuthorityCaller,
    PathParam(id): PathParam<OfficialAccessId>,
) -> Result<Json<OfficialAccessView>, Failure> {
    Ok(Json(consent.official_view(&caller.client_id, &id).await?))
}
