//! `POST /v1/deposits`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What a deposit can end in.
    pub(crate) DepositProblems: InvalidMessage, ExpiredMessage, Forbidden
);

/// Keeps the custodian's shares of a new record.
///
/// The message is a `cyberid-deposit+jwt` signed by the enrolment key, for the custodian, without ciphertexts. The
/// same deposit again is fine; one that would replace a record is `forbidden`.
#[utoipa::path(post, path = "/v1/deposits", tag = "enrolment",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJjdXN0b2RpYW4ifQ.c2ln"})),
    responses((status = 204, description = "The shares are kept."), DepositProblems))]
pub(crate) async fn deposit(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    custodian.deposit(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
