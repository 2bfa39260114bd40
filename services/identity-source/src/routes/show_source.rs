//! `GET /v1/source`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::source::SourceKeys;
use cyberid_web::Json;

use crate::IdentitySource;

/// Shows the source's public keys.
///
/// A platform outside a sandbox does not fetch them: it pins them in its configuration.
#[utoipa::path(get, path = "/v1/source", operation_id = "show_source", tag = "source",
    responses((status = 200, description = "The keys.", body = SourceKeys, example = json!({
        "signing_jwk": {"kty": "EC", "crv": "P-256", "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
            "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE"},
        "encryption_jwk": {"kty": "EC", "crv": "P-256", "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}}))))]
pub(crate) async fn show_source(State(source): State<Arc<IdentitySource>>) -> Json<SourceKeys> {
    Json(SourceKeys {
        signing_jwk: source.parts.signing_key.public_key(),
        encryption_jwk: source.parts.opening_key.public_key(),
    })
}
