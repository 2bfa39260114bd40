//! `POST /oauth/introspect`.

use std::sync::Arc;

use axum::extract::State;
use cyberid_protocol::access::Introspection;
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::{Whole, require_media_type};
use http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Verification;

/// The form of an introspection, RFC 7662 section 2.1; parameters that are not here are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct IntrospectionForm {
    /// The access token.
    token: String,
}

/// Says whether a token would be accepted now, and what it is bound to.
///
/// For the platform's own operators (RFC 7662): nobody else learns what somebody's token is worth. Whatever is not wholly
/// valid is answered `{"active": false}` and nothing more.
#[utoipa::path(
    post,
    path = "/oauth/introspect",
    operation_id = "introspect_token",
    request_body(content = IntrospectionForm, content_type = "application/x-www-form-urlencoded", example = json!({
        "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9..."
    })),
    responses((status = 200, description = "What it is worth.", body = Introspection, example = json!({
        "active": true, "iss": "https://id.example", "aud": "https://id.example", "sub": "kO2v4Rv5SgmYvZ1hPzqv0w",
        "client_id": "kO2v4Rv5SgmYvZ1hPzqv0w", "role": "relying_party", "token_type": "DPoP", "iat": 1_795_400_000,
        "exp": 1_795_400_600, "cnf": {"jkt": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"}
    })))
)]
pub(super) async fn introspect_token(
    State(service): State<Arc<Verification>>,
    headers: HeaderMap,
    Whole(form): Whole,
) -> Result<Json<Introspection>, Failure> {
    require_media_type(&headers, "application/x-www-form-urlencoded")?;
    let form: IntrospectionForm =
        serde_urlencoded::from_bytes(&form).map_err(|_| ProblemType::MalformedRequest)?;
    let answer = service.introspect(&form.token).await;
    answer.map(Json).map_err(Failure::unavailable)
}
