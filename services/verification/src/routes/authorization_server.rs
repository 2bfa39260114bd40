//! `GET /.well-known/oauth-authorization-server`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::access::AuthorizationServer;
use cyberid_web::Json;
use http::HeaderName;

use super::discovery::PUBLIC;
use crate::Verification;

/// The platform as an OAuth library sees it (RFC 8414).
///
/// For libraries that configure themselves; `/.well-known/cyberid` says everything else.
#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server",
    operation_id = "read_authorization_server",
    responses((status = 200, description = "The metadata.", body = AuthorizationServer, example = json!({
        "issuer": "https://id.example",
        "token_endpoint": "https://id.example/oauth/token",
        "jwks_uri": "https://id.example/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "introspection_endpoint": "https://id.example/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": ["DPoP", "Bearer"],
        "tls_client_certificate_bound_access_tokens": true
    })))
)]
pub(super) async fn read_authorization_server(
    State(service): State<Arc<Verification>>,
) -> ([(HeaderName, &'static str); 1], Json<AuthorizationServer>) {
    (PUBLIC, Json(service.authorization_server()))
}
