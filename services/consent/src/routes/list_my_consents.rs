//! `GET /v1/me/consents`

use std::sync::Arc;

use axum::extract::State;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;

use crate::Consent;
use crate::view::MyConsents;

/// Lists the holder's consents, oldest first, with where each release stands, and the official accesses to the holder's
/// record. An official access stands here from the moment that its order states, at once where it states none.
#[utoipa::path(get, path = "/v1/me/consents", operation_id = "list_my_consents", tag = "consents",
    responses((status = 200, description = "The consents.", body = MyConsents, example = json!({"consents": [{
        "consent_id": "con_c2FtcGxlLWNvbnNlbnQtaQ", "release_id": "rel_Zm9vYmFyYmF6cXV4MTIzNA",
        "rp": "2wbxUXdcvHxRhvfYRNO9Zg", "status": "delivered", "purpose": "open-account", "fields": ["name"],
        "granted_at": 1_784_131_200}], "official_accesses": []}))))]
pub(super) async fn list_my_consents(
    State(consent): State<Arc<Consent>>,
    caller: HolderCaller,
) -> Result<Json<MyConsents>, Failure> {
    Ok(Json(consent.my_consents(&caller.jkt).await?))
}
