//! `DELETE /v1/me/devices/{thumbprint}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::PathParam;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What revoking a device can end in.
    pub(crate) RevokeDeviceProblems: NotFound, DeviceCoolingOff, LastDevice
);

/// Revokes one of the holder's devices, at once and for good: it was lost.
///
/// From the answer on nothing that it signed counts, a consent that was not redeemed included. Its key never comes back.
/// The last device stays: whoever has lost it recovers, and whoever wants to end cancels.
#[utoipa::path(delete, path = "/v1/me/devices/{thumbprint}", operation_id = "revoke_device", tag = "issuance",
    params(("thumbprint" = String, Path, description = "The thumbprint of the device's key.",
        example = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")),
    responses((status = 204, description = "It is revoked."), RevokeDeviceProblems))]
pub(crate) async fn revoke_device(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    PathParam(thumbprint): PathParam<String>,
) -> Result<StatusCode, Failure> {
    issuance.revoke_device(&caller.jkt, &thumbprint).await?;
    Ok(StatusCode::NO_CONTENT)
}
