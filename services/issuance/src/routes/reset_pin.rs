//! `POST /v1/me/pin-resets`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::device::SealedBody;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::Issuance;

problems!(
    /// What setting the PIN anew can end in.
    pub(crate) ResetPinProblems: NotFound, InvalidMessage, PinUnacceptable, EnrolmentRefused, RateLimited, SourceUnavailable
);

/// Sets the holder's PIN anew, by fresh evidence of the same person, and lifts a lock.
///
/// The body is sealed to the platform and holds `document` and `evidence`, as for an enrolment, and `pin`, the new one.
/// Whatever stands against document, evidence or person is the one problem `enrolment-refused`. Every device of the holder
/// is told.
#[utoipa::path(post, path = "/v1/me/pin-resets", operation_id = "reset_pin", tag = "issuance",
    request_body(content = SealedBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses((status = 204, description = "It is set."), ResetPinProblems))]
pub(crate) async fn reset_pin(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    CallerAddress(from): CallerAddress,
    StrictJson(body): StrictJson<SealedBody>,
) -> Result<StatusCode, Failure> {
    issuance.reset_pin(caller.jkt, from, &body.sealed).await?;
    Ok(StatusCode::NO_CONTENT)
}
