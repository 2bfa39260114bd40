//! `POST /v1/me/guardians`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::life::GuardianBody;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::Issuance;

problems!(
    /// What naming another guardian can end in.
    pub(crate) AppointGuardianProblems: NotFound, EnrolmentRefused, IdentifierInactive
);

/// Names another guardian, for a minor whose guardianships have ended.
///
/// `guardian_consent` is what an enrolment takes: a JWS of type `cyberid-guardian-consent+jwt`, signed by the device of an
/// active person of 18 or over, for the thumbprint of the calling device, taken once. Who has a guardian who can speak for
/// them names no other one.
#[utoipa::path(post, path = "/v1/me/guardians", operation_id = "appoint_guardian", tag = "issuance",
    request_body(content = GuardianBody,
        example = json!({"guardian_consent": "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiIifQ.c2ln"})),
    responses((status = 204, description = "The minor has a guardian."), AppointGuardianProblems))]
pub(crate) async fn appoint_guardian(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    StrictJson(body): StrictJson<GuardianBody>,
) -> Result<StatusCode, Failure> {
    issuance
        .appoint_guardian(&caller.jkt, &body.guardian_consent)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
