//! `POST /v1/me/codes`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::counter_code::CodeMade;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use http::StatusCode;

use crate::Verification;

/// Makes a code to show at a counter, as a QR code.
///
/// A relying party sends it once, within 30 seconds, with its question; that question is then this device's alone. A device has
/// one code at a time: a new one voids the earlier. Codes do not outlive a restart of the platform.
#[utoipa::path(
    post,
    path = "/v1/me/codes",
    operation_id = "make_code",
    responses((status = 201, description = "The code.", body = CodeMade, example = json!({
        "code": "code_3q2-7wAAAAAAAAAAAAAAAA", "expires_in": 30
    })))
)]
pub(super) async fn make_code(
    State(service): State<Arc<Verification>>,
    caller: HolderCaller,
) -> Result<(StatusCode, Json<CodeMade>), Failure> {
    Ok((StatusCode::CREATED, Json(service.make_code(&caller.jkt)?)))
}
