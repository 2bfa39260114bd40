//! `POST /v1/me/cancel`

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::cancellation::CancellationBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;
use http::StatusCode;

use crate::Consent;

cyberid_web::problems! {
    /// What cancelling can end in.
    pub(super) CancelProblems: InvalidMessage, ExpiredMessage, DeviceCoolingOff, IdentifierInactive
}

/// Ends the holder's identifier for ever, and erases what was kept.
///
/// Every consent is withdrawn: what was not delivered never will be, and what was delivered the relying parties must
/// erase. The record is destroyed at both key holders; consents, salts and pseudonyms are deleted. The ledger keeps every
/// leaf, which then says nothing of anybody; a receipt that the holder keeps still proves what it proved. After
/// `unavailable` it goes on by itself; asking again is fine. A device that cools off ends nothing, and nothing ends
/// while somebody's report that the identifier is theirs is not decided.
#[utoipa::path(post, path = "/v1/me/cancel", operation_id = "cancel_identifier", tag = "consents",
    request_body(content = CancellationBody, example = json!({
        "cancellation": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2FuY2VsbGF0aW9uK2p3dCIsLC..."})),
    responses((status = 204, description = "The identifier is cancelled, and everything is erased."), CancelProblems))]
pub(super) async fn cancel_identifier(
    State(consent): State<Arc<Consent>>,
    StrictJson(body): StrictJson<CancellationBody>,
) -> Result<StatusCode, Failure> {
    consent.cancel(&body.cancellation).await?;
    Ok(StatusCode::NO_CONTENT)
}
