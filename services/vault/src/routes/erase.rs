//! `POST /v1/erasures`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::cancellation::CancellationBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What an erasure can end in.
    pub(crate) EraseProblems: InvalidMessage, WarrantRefused
);

/// Destroys the record of the holder who cancelled their identifier.
///
/// The message is the holder's own `cyberid-cancellation+jwt`, signed by the device key that is bound to the record.
/// The same cancellation again is fine.
#[utoipa::path(post, path = "/v1/erasures", tag = "cancellation",
    request_body(content = CancellationBody, example = json!({"cancellation": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL2lkLmV4YW1wbGUifQ.c2ln"})),
    responses((status = 204, description = "Nothing of the record is left."), EraseProblems))]
pub(crate) async fn erase(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<CancellationBody>,
) -> Result<StatusCode, Failure> {
    vault.gate.erase(&body.cancellation).await?;
    Ok(StatusCode::NO_CONTENT)
}
