//! `POST /v1/counter/enrolments`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::counter::{CounterEnrolled, CounterEnrolmentBody};
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::Issuance;

problems!(
    /// What this can end in.
    pub(crate) CounterEnrolmentProblems:
        PinUnacceptable, InvalidMessage, ExpiredMessage, UnknownNonce, EnrolmentRefused, RateLimited, SourceUnavailable
);

/// Enrols a person without a device, whom the calling operator's station assists.
///
/// The parts are those of an enrolment. Its key and those of `sheet` are the codes of a printed sheet: each acts once, and is used
/// up by the verification, consent or withdrawal that it signs. The first releases plaintext at once, the others after the cooling-off.
/// Who assisted is kept, and shown to the person.
#[utoipa::path(post, path = "/v1/counter/enrolments", operation_id = "enrol_at_counter", tag = "issuance",
    request_body(content = CounterEnrolmentBody, example = json!({
        "enrolment": {"document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2034-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
        "pin": "31415926",
        "key_proof": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln",
        "locale": "zh-CN"},
        "sheet": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln"]})),
    responses(
        (status = 201, description = "The person has an identifier.", body = CounterEnrolled, example = json!({
            "enrolled": {"network_number": "7K2M9-XQ4TD", "credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2VydGlmaWNhdGUrand0In0.eyJpc3MiOiIifQ.c2ln",
            "credential_expires_at": 1_800_000_000, "status": "active"},
            "bound": ["0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "eq1rPYErIm5AxjSjgDpiJvLMT62zvQcaOxhEYifhEWo"],
            "release_from": 1_795_691_200})),
        CounterEnrolmentProblems))]
pub(crate) async fn enrol_at_counter(
    State(issuance): State<Arc<Issuance>>,
    caller: OperatorCaller,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<CounterEnrolmentBody>,
) -> Result<(StatusCode, Json<CounterEnrolled>), Failure> {
    let answer = issuance.enrol_at_counter(caller.client_id, from, body).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}
