//! `POST /v1/appeals`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::case::{AppealBody, CaseView};
use cyberid_web::Json;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::Issuance;

problems!(
    /// What an appeal can end in.
    pub(crate) MakeAppealProblems: InvalidMessage, ExpiredMessage, UnknownNonce, EnrolmentRefused, RateLimited
);

/// Appeals against the refusal of an enrolment with a device key.
///
/// The answer's `id` is the reference to show at the operator's desk, together with oneself. It says nothing of anybody, and is given
/// to whoever asks, refused or not. Two operators decide; upheld, an enrolment with this device key is permitted for seven days: a
/// passport then needs no chip. Whether the identity source confirms the person is never waived.
#[utoipa::path(post, path = "/v1/appeals", operation_id = "make_appeal", tag = "issuance",
    request_body(content = AppealBody, example = json!({
        "key_proof": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln"})),
    responses(
        (status = 201, description = "The appeal is taken.", body = CaseView, example = json!({
            "id": "case_Zm9vYmFyYmF6cXV4MTIzNA", "kind": "appeal", "status": "open"})),
        MakeAppealProblems))]
pub(crate) async fn make_appeal(
    State(issuance): State<Arc<Issuance>>,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<AppealBody>,
) -> Result<(StatusCode, Json<CaseView>), Failure> {
    let case = issuance.make_appeal(from, &body).await?;
    Ok((StatusCode::CREATED, Json(case)))
}
