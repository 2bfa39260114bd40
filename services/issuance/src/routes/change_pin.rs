//! `POST /v1/me/pin`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::device::SealedBody;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What changing the PIN can end in.
    pub(crate) ChangePinProblems: NotFound, InvalidMessage, EvidenceRefused, PinUnacceptable
);

/// Changes the holder's PIN.
///
/// The body is sealed to the platform and holds `pin`, the old one, and `new_pin`. A wrong old PIN counts as a failed
/// attempt. Every device of the holder is told.
#[utoipa::path(post, path = "/v1/me/pin", operation_id = "change_pin", tag = "issuance",
    request_body(content = SealedBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses((status = 204, description = "It is changed."), ChangePinProblems))]
pub(crate) async fn change_pin(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    StrictJson(body): StrictJson<SealedBody>,
) -> Result<StatusCode, Failure> {
    issuance.change_pin(&caller.jkt, &body.sealed).await?;
    Ok(StatusCode::NO_CONTENT)
}
