//! `POST /v1/relying-parties/{client_id}/keys`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_domain::id::ClientId;
use cyberid_protocol::registration::{KeyChangeBody, Registered};
use cyberid_web::Json;
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
/// the log when this answers; after `unavailable` it is safe to send the same message again. The keys come into force by
/// themselves at `waiting_keys.in_force_at`; until then those before them are in force, and a later change, signed by one of
/// them, takes the place of this one. Several signing keys may be in force at once.
#[utoipa::path(
    post,
    path = "/v1/relying-parties/{client_id}/keys",
    operation_id = "change_relying_party_keys",
    params(("client_id" = String, Path, example = "kO2v4Rv5SgmYvZ1hPzqv0w")),
    request_body(content = KeyChangeBody, example = json!({
        "key_change": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQta2V5LWNoYW5nZStqd3QifQ..."
    })),
    responses(
        (status = 200, description = "The new keys wait, and come into force by themselves.", body = Registered,
            example = json!({
                "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "status": "approved", "expires_at": 1_815_667_200,
                "registration_certificates": ["eyJhbGciOiJFUzI1NiIsInR5cCI6ImN5YmVyaWQtcmVnaXN0cmF0aW9uK2p3dCJ9..."],
                "waiting_keys": {"in_force_at": 1_784_217_600, "jwks": {"keys": [
                    {"kty": "EC", "crv": "P-256", "use": "sig", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                     "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
                    {"kty": "EC", "crv": "P-256", "use": "enc", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
                     "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}
                ]}}
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
