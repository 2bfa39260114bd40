//! `POST /v1/settlements`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What a settlement can end in.
    pub(crate) SettleProblems: InvalidMessage, ExpiredMessage, NotFound
);

/// Confirms or frees the records of enrolments.
///
/// The message is a `cyberid-settlement+jwt` signed by the enrolment key, for the custodian, about one subject
/// or about up to 63 `others` too. Freeing never removes a confirmed record. The same settlement again is fine.
#[utoipa::path(post, path = "/v1/settlements", tag = "enrolment",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJjdXN0b2RpYW4ifQ.c2ln"})),
    responses((status = 204, description = "The record is confirmed, or gone if it was not."), SettleProblems))]
pub(crate) async fn settle(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    custodian.gate.settle(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
