//! `GET /.well-known/jwks.json`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::discovery::PlatformKeys;
use cyberid_web::Json;
use http::HeaderName;

use super::discovery::PUBLIC;
use crate::Verification;
use crate::signing_keys::published;

/// The platform's public signing keys.
///
/// Each with its role; a key is published before it signs, and for as long as what it signed is valid.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "list_signing_keys",
    responses((status = 200, description = "The keys.", body = PlatformKeys, example = json!({
        "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "role": "attestation", "state": "active"
        }]
    })))
)]
pub(super) async fn list_signing_keys(
    State(service): State<Arc<Verification>>,
) -> ([(HeaderName, &'static str); 1], Json<PlatformKeys>) {
    (PUBLIC, Json(published((service.parts.signing_keys)())))
}
