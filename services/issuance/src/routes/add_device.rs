//! `POST /v1/me/devices`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::device::{DeviceAdded, SealedBody};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::{DeviceError, EnrolmentError, Issuance};

problems!(
    /// What adding a device can end in.
    pub(crate) AddDeviceProblems:
        NotFound, InvalidMessage, ExpiredMessage, UnknownNonce, EvidenceRefused, DeviceRefused, DeviceCoolingOff
);

/// Adds a device with the word of one that the holder has.
///
/// The body is sealed to the platform and holds the new device's `key_proof` (as for an enrolment, over a nonce of
/// `POST /v1/nonces`), the old device's `approval` (a JWS of type `cyberid-device-approval+jwt` with the claims `aud`,
/// `device_jkt`, `iat`, `exp`, five minutes at most, and `jti`), and the holder's `pin`. Vault and custodian check the
/// approval too. The new device answers verifications at once, and releases plaintext from `release_from` on; until then it
/// acts for itself only. Every device of the holder is told. Five are the most.
#[utoipa::path(post, path = "/v1/me/devices", operation_id = "add_device", tag = "issuance",
    request_body(content = SealedBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses(
        (status = 201, description = "The device is the holder's.", body = DeviceAdded, example = json!({
            "thumbprint": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "release_from": 1_795_691_200})),
        AddDeviceProblems))]
pub(crate) async fn add_device(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    StrictJson(body): StrictJson<SealedBody>,
) -> Result<(StatusCode, Json<DeviceAdded>), Failure> {
    let added = issuance.add_device(caller.jkt, body.sealed).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let detail = error.to_string();
        let kind = match error {
            DeviceError::NotFound => ProblemType::NotFound,
            DeviceError::Message => ProblemType::InvalidMessage,
            DeviceError::Expired => ProblemType::ExpiredMessage,
            DeviceError::Pin => ProblemType::EvidenceRefused,
            DeviceError::Unacceptable => ProblemType::DeviceRefused,
            DeviceError::Last | DeviceError::Ending => ProblemType::LastDevice,
            DeviceError::CoolingOff { release_from } => {
                let problem = Problem::new(ProblemType::DeviceCoolingOff);
                return problem.with("release_from", release_from.0).into();
            }
            // It has one answer for every reason.
            DeviceError::Enrolment(cause) => return EnrolmentError::into(cause),
        };
        Problem::new(kind).detail(detail).into()
    }
}
