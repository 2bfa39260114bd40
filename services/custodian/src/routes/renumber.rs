//! `POST /v1/renumberings`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::life::RenumberingBody;
use cyberid_web::Failure;
use cyberid_web::extract::StrictJson;

use crate::Custodian;

cyberid_web::problems!(
    /// What a change of a number can end in.
    pub(crate) RenumberProblems: InvalidMessage, ExpiredMessage, WarrantRefused
);

/// Commits the record of the holder who signed to their fresh network number.
///
/// The message is the holder's own `cyberid-renumbering+jwt`, signed by a device key that is bound to the record: issuance
/// alone has no record bound to another number. The same again is fine; an earlier one after a later one is not.
#[utoipa::path(post, path = "/v1/renumberings", tag = "life",
    request_body(content = RenumberingBody, example = json!({"renumbering": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL2lkLmV4YW1wbGUifQ.c2ln"})),
    responses((status = 204, description = "Orders that name the fresh number open the record."), RenumberProblems))]
pub(crate) async fn renumber(
    State(custodian): State<Arc<Custodian>>,
    StrictJson(body): StrictJson<RenumberingBody>,
) -> Result<StatusCode, Failure> {
    custodian.gate.renumber(&body.renumbering).await?;
    Ok(StatusCode::NO_CONTENT)
}
