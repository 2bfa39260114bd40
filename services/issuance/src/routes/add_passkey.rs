//! `POST /v1/me/passkeys`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use cyberid_protocol::passkey::{NewPasskeyBody, PasskeyAdded, PasskeyRefused};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_web::Json;
use cyberid_web::auth::HolderCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::{Issuance, PasskeyError};

problems!(
    /// What adding a passkey can end in.
    pub(crate) AddPasskeyProblems: NotFound, InvalidMessage, UnknownNonce, EvidenceRefused
);

/// Adds a passkey (W3C Web Authentication) to the holder's own.
///
/// `navigator.credentials.create()` is called on the issuer's origin with the bytes of a fresh nonce of `POST /v1/nonces`
/// as its challenge, the algorithm -7 and `userVerification: "required"`, without attestation. The body is sealed to the
/// platform and holds `passkey` (of the credential's `toJSON()`: `id`; of its response: `clientDataJSON`,
/// `authenticatorData`, `publicKey`, `publicKeyAlgorithm`) and the holder's `pin`: with the device key alone nobody adds a
/// passkey. Ten are the most.
#[utoipa::path(post, path = "/v1/me/passkeys", operation_id = "add_passkey", tag = "issuance",
    request_body(content = NewPasskeyBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIn0..8Q.c2VhbGVk.dGFn"})),
    responses(
        (status = 201, description = "The passkey is the holder's.", body = PasskeyAdded,
            example = json!({"id": "-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q"})),
        AddPasskeyProblems))]
pub(crate) async fn add_passkey(
    State(issuance): State<Arc<Issuance>>,
    caller: HolderCaller,
    StrictJson(body): StrictJson<NewPasskeyBody>,
) -> Result<(StatusCode, Json<PasskeyAdded>), Failure> {
    let added = issuance.add_passkey(&caller.jkt, &body.sealed).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

impl From<PasskeyError> for Failure {
    fn from(error: PasskeyError) -> Self {
        let kind = match error {
            PasskeyError::NotFound => ProblemType::NotFound,
            PasskeyError::Message | PasskeyError::Refused(PasskeyRefused::Form) => {
                ProblemType::InvalidMessage
            }
            PasskeyError::Refused(_) | PasskeyError::Pin | PasskeyError::Taken | PasskeyError::Full => {
                ProblemType::EvidenceRefused
            }
            PasskeyError::Nonce(cause) => return cause.into(),
            PasskeyError::Storage(cause) => return crate::EnrolmentError::from(cause).into(),
        };
        Problem::new(kind).detail(error.to_string()).into()
    }
}
