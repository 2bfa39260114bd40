//! `POST /v1/staged-versions`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::deposit::CommandBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What staging a version can end in.
    pub(crate) StageProblems: InvalidMessage, ExpiredMessage, NotFound, Forbidden
);

/// Keeps the custodian's shares of a record's new version, beside those in force.
///
/// The message is a `cyberid-staged-version+jwt` signed by the enrolment key. The old version answers until
/// `POST /v1/version-switches`. The same again is fine; another version takes the place of one that is not in force.
#[utoipa::path(post, path = "/v1/staged-versions", tag = "enrolment",
    request_body(content = CommandBody, example = json!({"message": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJ2YXVsdCJ9.c2ln"})),
    responses((status = 204, description = "The version is kept."), StageProblems))]
pub(crate) async fn stage(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<CommandBody>,
) -> Result<StatusCode, Failure> {
    custodian.stage(&body.message).await?;
    Ok(StatusCode::NO_CONTENT)
}
