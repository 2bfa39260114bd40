//! `GET /v1/checkpoint`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::warrant::RememberedSize;
use cyberid_web::Failure;
use cyberid_web::Json;

use crate::Custodian;

/// Says from which size a consistency proof to the custodian starts.
#[utoipa::path(get, path = "/v1/checkpoint", tag = "release",
    responses((status = 200, description = "The size of the last checkpoint that the custodian accepted.",
        body = RememberedSize, example = json!({"size": 1204}))))]
pub(crate) async fn checkpoint(
    State(custodian): State<Arc<Custodian>>,
) -> Result<Json<RememberedSize>, Failure> {
    Ok(Json(custodian.gate.remembered_size().await?))
}
