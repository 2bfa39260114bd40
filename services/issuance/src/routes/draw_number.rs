//! `POST /v1/me/network-number`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::life::DrawnNumber;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What drawing a fresh number can end in.
    pub(crate) DrawNumberProblems: NotFound, IdentifierInactive, DeviceCoolingOff, RateLimited
);

/// Draws a fresh network number (网号) for the holder, once in 30 days.
///
/// It is the holder's once they have signed for it (`POST /v1/me/network-number/confirm`). Asking again gives the same
/// one until then. Pseudonyms and devices stay as they are; the old number is nobody's again.
#[utoipa::path(post, path = "/v1/me/network-number", operation_id = "draw_network_number", tag = "issuance",
    responses(
        (status = 200, description = "The fresh number, and what opens the commitment to it.", body = DrawnNumber,
            example = json!({"network_number": "7K2M9-XQ4TD", "salt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
        DrawNumberProblems))]
pub(crate) async fn draw_number(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
) -> Result<Json<DrawnNumber>, Failure> {
    Ok(Json(issuance.draw_fresh_number(&caller.jkt).await?))
}
