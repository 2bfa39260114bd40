//! `POST /v1/relying-parties/{client_id}/keys`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::{KeyChangeBody, Registered};
use cyberid_web::extract::{PathParam, StrictJson};
use cyberid_web::{Failure, problems};

use crate::Verification;

problems!(
    /// What a change of keys can end in.
    pub(super) ChangeKeysProblems: InvalidMessage, ExpiredMessage, ReplayedMessage, InvalidRegistration, RelyingPartyInactive
);

/// Changes a relying party's keys.
///
/// `key_change` is a JWS of `typ` `cyberid-key-change+jwt`, signed by a signing key that is in force, with the claims `iss`
/// (client id), `aud` (issuer), `jwks` (the whole set in force afterwards), `iat` and `exp` (300 s at most). The change is in
/// the log when this answers; after `unavailable` it is safe to send the same message again.
#[utoipa::path(
    post,
    path = "/v1/relying-parties/{client_id}/keys",
    operation_id = "change_relying_party_keys",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    request_body(content = KeyChangeBody, example = json!({
        "key_change": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LWNoYW5nZStqd3QifQ..."
    })),
    responses(
        (status = 200, description = "The new keys are in force.", body = Registered, example = json!({
            "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "approved",
            "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."]
        })),
        ChangeKeysProblems
    )
)]
pub(super) async fn change_relying_party_keys(
    State(service): State<Arc<Verification>>,
    PathParam(client_id): PathParam<ClientId>,
    StrictJson(body): StrictJson<KeyChangeBody>,
) -> Result<Json<Registered>, Failure> {
    Ok(Json(service.change_keys(&client_id, &body.key_change).await?))
}
