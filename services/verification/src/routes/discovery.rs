//! `GET /.well-known/cyberid`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::discovery::Discovery;
use cyberid_web::Json;
use http::HeaderName;
use http::header::CACHE_CONTROL;

use crate::Verification;

/// For how long the description may be kept: much shorter than a sealing key is in use.
pub(super) const PUBLIC: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "public, max-age=300")];

/// The platform's description of itself.
///
/// Begin here. `openapi_uri` lists the documents of every operation. `encryption_jwk` is what messages are sealed to; it
/// changes daily.
#[utoipa::path(
    get,
    path = "/.well-known/cyberid",
    operation_id = "read_discovery",
    responses((status = 200, description = "The description.", body = Discovery, example = json!({
        "issuer": "https://id.example",
        "jwks_uri": "https://id.example/.well-known/jwks.json",
        "token_endpoint": "https://id.example/oauth/token",
        "enrolment_endpoint": "https://id.example/v1/enrolments",
        "openapi_uri": "https://id.example/openapi",
        "checks_supported": ["real_person", "document_valid", "age_over_18"],
        "fields_supported": ["name", "document_number"],
        "document_types_supported": ["resident_id_card", "passport"],
        "signing_alg": "ES256",
        "encryption_jwk": {
            "kty": "EC", "crv": "P-256", "use": "enc", "alg": "ECDH-ES",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        },
        "suite": "nist",
        "ledger": {
            "origin": "id.example/ledger", "vkey": "id.example/ledger+f8e7d6c5+AVnn...", "url": "https://id.example/ledger",
            "witnesses": ["witness.example+a1b2c3d4+BHqk..."], "policy": "log id.example/ledger+f8e7d6c5+AVnn..."
        },
        "version": "1"
    })))
)]
pub(super) async fn read_discovery(
    State(service): State<Arc<Verification>>,
) -> ([(HeaderName, &'static str); 1], Json<Discovery>) {
    (PUBLIC, Json(service.discovery()))
}
