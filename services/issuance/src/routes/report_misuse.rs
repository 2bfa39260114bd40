//! `POST /v1/misuse-reports`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::case::CaseView;
use cyberid_protocol::enrolment::EnrolmentBody;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Json;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::case::CaseError;
use crate::{EnrolmentError, Issuance};

problems!(
    /// What a report can end in.
    pub(crate) ReportMisuseProblems:
        PinUnacceptable, InvalidMessage, ExpiredMessage, UnknownNonce, EnrolmentRefused, RateLimited, SourceUnavailable
);

/// Reports that somebody else has or uses the identifier of one's own person.
///
/// The parts are those of an enrolment: document, fresh evidence from the source, a PIN and the proof of a device key. If they
/// prove the person of an identifier, it is suspended at once, and the ledger says so. Two operators decide the rest: upheld, the
/// identifier is this device's alone, with this PIN; dismissed, it is again whose it was. Everything that stands against it is the
/// one problem `enrolment-refused`.
#[utoipa::path(post, path = "/v1/misuse-reports", operation_id = "report_misuse", tag = "issuance",
    request_body(content = EnrolmentBody, example = json!({
        "document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2034-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
        "pin": "31415926",
        "key_proof": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln",
        "locale": "zh-CN"})),
    responses(
        (status = 201, description = "The identifier is suspended.", body = CaseView, example = json!({
            "id": "case_Zm9vYmFyYmF6cXV4MTIzNA", "kind": "misuse", "status": "open"})),
        ReportMisuseProblems))]
pub(crate) async fn report_misuse(
    State(issuance): State<Arc<Issuance>>,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<EnrolmentBody>,
) -> Result<(StatusCode, Json<CaseView>), Failure> {
    let case = issuance.report_misuse(from, body).await?;
    Ok((StatusCode::CREATED, Json(case)))
}

impl From<CaseError> for Failure {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::NotFound => ProblemType::NotFound.into(),
            CaseError::SecondOperator => ProblemType::TwoPersonsRequired.into(),
            CaseError::Closed => ProblemType::RequestClosed.into(),
            CaseError::Enrolment(cause) => EnrolmentError::into(cause),
            CaseError::Life(cause) => cause.into(),
            CaseError::Device(cause) => cause.into(),
        }
    }
}
