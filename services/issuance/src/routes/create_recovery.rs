//! `POST /v1/recoveries`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::device::{Recovered, RecoveryBody};
use cyberid_web::Json;
use cyberid_web::extract::PersonalJson;
use cyberid_web::{Failure, problems};

use super::caller_address::CallerAddress;
use crate::Issuance;

problems!(
    /// What a recovery can end in.
    pub(crate) RecoveryProblems:
        PinUnacceptable, InvalidMessage, ExpiredMessage, UnknownNonce, EnrolmentRefused, RateLimited, SourceUnavailable
);

/// Gives a person who has an identifier a new device and a new PIN, by fresh evidence.
///
/// The parts are those of an enrolment. With `revoke_others` all other devices are revoked at once. The new device answers
/// verifications at once, and releases plaintext from `release_from` on. Every reason against it is the one problem
/// `enrolment-refused`; the devices of whose evidence it was are told either way.
#[utoipa::path(post, path = "/v1/recoveries", operation_id = "create_recovery", tag = "issuance",
    request_body(content = RecoveryBody, example = json!({
        "document": {"type": "resident_id_card", "name": "王伟", "number": "11010519491231002X",
            "valid_until": "2034-05-01"},
        "evidence": {"kind": "sandbox", "token": "c2FuZGJveCBldmlkZW5jZQ"},
        "pin": "31415926",
        "key_proof": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LXByb29mK2p3dCJ9.eyJhdWQiOiIifQ.c2ln",
        "revoke_others": true})),
    responses(
        (status = 201, description = "The device is the person's.", body = Recovered, example = json!({
            "network_number": "7K2M9-XQ4TD", "status": "active",
            "credential": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtY2VydGlmaWNhdGUrand0In0.eyJpc3MiOiIifQ.c2ln",
            "credential_expires_at": 1_800_000_000, "release_from": 1_795_691_200})),
        RecoveryProblems))]
pub(crate) async fn create_recovery(
    State(issuance): State<Arc<Issuance>>,
    CallerAddress(from): CallerAddress,
    PersonalJson(body): PersonalJson<RecoveryBody>,
) -> Result<(StatusCode, Json<Recovered>), Failure> {
    let recovered = issuance.recover_identifier(from, body, None).await?;
    Ok((StatusCode::CREATED, Json(recovered)))
}
