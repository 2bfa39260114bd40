//! `POST /v1/verifications/direct`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::verification::{Attested, DirectBody};
use cyberid_web::Json;
use cyberid_web::auth::RelyingPartyCaller;
use cyberid_web::extract::StrictJson;
use cyberid_web::{Failure, problems};

use crate::Verification;

problems!(
    /// What a direct verification can end in.
    pub(super) DirectProblems: RelyingPartyInactive, UnregisteredUse, OverAsking, InvalidMessage, ExpiredMessage, ReplayedMessage
);

/// Verifies a holder in one call.
///
/// `sealed` comes from the holder's app, which answered a `cyberid-direct-request+jwt` of the caller: a JWS by the caller's
/// signing key with exactly the claims `iss` (client id), `purpose`, `checks`, `factors` (empty is the device), `nonce`,
/// `registration_certificate` (the purpose's, from `GET /v1/relying-parties/{client_id}`), `jwk` (the signing key: `kty`,
/// `crv`, `x`, `y`), `iat` and `exp` (300 s later at most). The proof names the caller, and its `purpose` and `checks` are
/// within the registration. An unknown holder is an attestation whose checks fail, in the form and the length of every
/// other; a problem never says whether a person exists.
#[utoipa::path(
    post,
    path = "/v1/verifications/direct",
    operation_id = "verify_directly",
    request_body(content = DirectBody, example = json!({"sealed": "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSJ9..."})),
    responses(
        (status = 200, description = "The answer.", body = Attested, example = json!({
            "attestation": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtYXR0ZXN0YXRpb24rand0In0..."
        })),
        DirectProblems
    )
)]
pub(super) async fn verify_directly(
    State(service): State<Arc<Verification>>,
    caller: RelyingPartyCaller,
    StrictJson(body): StrictJson<DirectBody>,
) -> Result<Json<Attested>, Failure> {
    let attestation = service.verify_directly(&caller.client_id, &body.sealed).await?;
    Ok(Json(Attested { attestation }))
}
