//! `POST /v1/bindings`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What a binding can end in.
    pub(crate) BindProblems: InvalidMessage, ExpiredMessage, Forbidden
);

/// Binds another device key to a record.
///
/// The message is a `cyberid-binding+jwt` signed by the enrolment key, for the vault. Where another device brings the new one
/// it carries that device's approval (`cyberid-device-approval+jwt`), which is checked here. The new key's consents open
/// nothing before the cooling-off is over that is configured here, whatever the message says. The same binding again is
/// fine.
#[utoipa::path(post, path = "/v1/bindings", tag = "devices",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ2YXVsdCJ9.c2ln"})),
    responses((status = 204, description = "The key is bound, and cools off."), BindProblems))]
pub(crate) async fn bind(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    vault.gate.bind(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
