//! `GET /v1/me`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::enrolment::Me;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What looking at oneself can end in.
    pub(crate) ShowMeProblems: NotFound
);

/// Shows the holder their own identifier: number, status, devices, certificate's end, ages reached.
///
/// A suspended or cancelled identifier is shown too.
#[utoipa::path(get, path = "/v1/me", operation_id = "show_me", tag = "issuance",
    responses(
        (status = 200, description = "The identifier.", body = Me, example = json!({
            "network_number": "7K2M9-XQ4TD", "status": "active",
            "devices": [{"thumbprint": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "bound_at": 1_784_131_200}],
            "credential_expires_at": 1_800_000_000, "age_over": [14, 16, 18]})),
        ShowMeProblems))]
pub(crate) async fn show_me(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
) -> Result<Json<Me>, Failure> {
    let me = issuance.me(&caller.jkt).await.map_err(Failure::internal)?;
    me.map(Json).ok_or_else(|| ProblemType::NotFound.into())
}
