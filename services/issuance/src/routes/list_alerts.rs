//! `GET /v1/me/alerts`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::device::Alerts;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What looking at one's alerts can end in.
    pub(crate) ListAlertsProblems: NotFound
);

/// Lists what happened to the holder's devices and PIN, and what was tried with their evidence, the latest first.
///
/// Every device of the holder sees the same. What was tried in vain is told once an hour.
#[utoipa::path(get, path = "/v1/me/alerts", operation_id = "list_alerts", tag = "issuance",
    responses(
        (status = 200, description = "The alerts.", body = Alerts, example = json!({"alerts": [
            {"time": 1_795_432_000, "kind": "device_added", "device": "Yc2sBb3oZ9gGkL0bNq1TtIu5vWxPzReMdFhJaKs7ClE"},
            {"time": 1_795_431_000, "kind": "enrolment_tried"}]})),
        ListAlertsProblems))]
pub(crate) async fn list_alerts(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
) -> Result<Json<Alerts>, Failure> {
    Ok(Json(issuance.alerts(&caller.jkt).await?))
}
