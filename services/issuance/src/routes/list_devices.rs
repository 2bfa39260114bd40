//! `GET /v1/me/devices`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::device::Devices;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What looking at one's devices can end in.
    pub(crate) ListDevicesProblems: NotFound
);

/// Lists the holder's devices, oldest first.
#[utoipa::path(get, path = "/v1/me/devices", operation_id = "list_devices", tag = "issuance",
    responses(
        (status = 200, description = "The devices; `release_from` stands by one that cools off.", body = Devices,
            example = json!({"devices": [
                {"thumbprint": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "bound_at": 1_784_131_200, "this": true},
                {"thumbprint": "Yc2sBb3oZ9gGkL0bNq1TtIu5vWxPzReMdFhJaKs7ClE", "bound_at": 1_795_432_000,
                    "release_from": 1_795_691_200, "this": false}]})),
        ListDevicesProblems))]
pub(crate) async fn list_devices(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
) -> Result<Json<Devices>, Failure> {
    Ok(Json(issuance.devices(&caller.jkt).await?))
}
