//! `POST /v1/deposits`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Vault;

cyberid_web::problems!(
    /// What a deposit can end in.
    pub(crate) DepositProblems: InvalidMessage, ExpiredMessage, Forbidden
);

/// Keeps the encrypted fields of a new record and the vault's shares of their keys.
///
/// The message is a `cyberid-deposit+jwt` signed by the enrolment key, for the vault, of a subject that has reserved a
/// person, or reserves one with it (`person_sealed`): both or neither are kept. The same deposit again is fine; one that would
/// replace a record, or whose person is reserved by another, is `forbidden`.
#[utoipa::path(post, path = "/v1/deposits", tag = "enrolment",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ2YXVsdCJ9.c2ln"})),
    responses((status = 204, description = "The record is kept, unconfirmed."), DepositProblems))]
pub(crate) async fn deposit(
    State(vault): State<Arc<Vault>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    vault.deposit(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
