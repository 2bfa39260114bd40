//! `GET /v1/checkpoint`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::warrant::RememberedSize;
use cyberid_web::Failure;
use cyberid_web::Json;

use crate::Vault;

/// Says from which size a consistency proof to the vault starts.
#[utoipa::path(get, path = "/v1/checkpoint", tag = "release",
    responses((status = 200, description = "The size of the last checkpoint that the vault accepted.",
        body = RememberedSize, example = json!({"size": 1204}))))]
pub(crate) async fn checkpoint(State(vault): State<Arc<Vault>>) -> Result<Json<RememberedSize>, Failure> {
    Ok(Json(vault.gate.remembered_size().await?))
}
