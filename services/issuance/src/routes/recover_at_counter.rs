//! `POST /v1/counter/recoveries`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::counter::{CounterRecovered, CounterRecoveryBody};
use cyberid_web::Json;
use cyberid_web::auth::OperatorCaller;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::Issuance;

problems!(
    /// What this can end in.
    pub(crate) CounterRecoveryProblems:
        PinUnacceptable, InvalidMessage, ExpiredMessage, UnknownNonce, EnrolmentRefused, RateLimited, SourceUnavailable
);

/// Gives a person a fresh sheet of codes by fresh evidence, with an operator's station that assists.
///
/// The parts are those of a recovery. With `revoke_others` every code of an earlier sheet and every device is revoked at once. All
/// codes answer verifications at once, and release plaintext after the cooling-off.
#[utoipa::path(post, path = "/v1/counter/recoveries", operation_id = "recover_at_counter", tag = "issuance",
    request_body(content = CounterRecoveryBody, example = json!({
        "recovery": {"document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2034-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
        "pin": "31415926",
        "key_proof": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln",
        "revoke_others": true},
        "sheet": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln"]})),
    responses(
        (status = 201, description = "The sheet is the person's.", body = CounterRecovered, example = json!({
            "recovered": {"network_number": "7K2M9-XQ4TD", "status": "active", "credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2VydGlmaWNhdGUrand0In0.eyJpc3MiOiIifQ.c2ln",
            "credential_expires_at": 1_800_000_000, "release_from": 1_795_691_200},
            "bound": ["0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "eq1rPYErIm5AxjSjgDpiJvLMT62zvQcaOxhEYifhEWo"],
            "release_from": 1_795_691_200})),
        CounterRecoveryProblems))]
pub(crate) async fn recover_at_counter(
    State(issuance): State<Arc<Issuance>>,
    caller: OperatorCaller,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<CounterRecoveryBody>,
) -> Result<(StatusCode, Json<CounterRecovered>), Failure> {
    let answer = issuance.recover_at_counter(caller.client_id, from, body).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}
