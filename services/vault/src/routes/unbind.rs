//! `POST /v1/unbindings`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What an unbinding can end in.
    pub(crate) UnbindProblems: InvalidMessage, ExpiredMessage
);

/// Unbinds a device key from a record for good.
///
/// The message is a `cyberid-unbinding+jwt` signed by the enrolment key, for the vault. A key that was unbound opens nothing
/// again and is never bound again. The same unbinding again is fine.
#[utoipa::path(post, path = "/v1/unbindings", tag = "devices",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ2YXVsdCJ9.c2ln"})),
    responses((status = 204, description = "The key is unbound."), UnbindProblems))]
pub(crate) async fn unbind(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    vault.gate.unbind(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
