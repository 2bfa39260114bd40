//! `POST /v1/version-switches`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What a switch can end in.
    pub(crate) SwitchProblems: InvalidMessage, ExpiredMessage, NotFound
);

/// Puts a staged version of a record into force: the old one is destroyed.
///
/// The message is a `cyberid-version-switch+jwt` signed by the enrolment key. Again is fine.
#[utoipa::path(post, path = "/v1/version-switches", tag = "enrolment",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ2YXVsdCJ9.c2ln"})),
    responses((status = 204, description = "The version is in force."), SwitchProblems))]
pub(crate) async fn switch(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    custodian.switch(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
