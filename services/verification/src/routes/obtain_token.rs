//! `POST /oauth/token`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cyberid_protocol::access::{TokenAnswer, TokenError};
use cyberid_web::Failure;
use cyberid_web::Json;
use cyberid_web::extract::{Whole, require_media_type};
use http::header::{CACHE_CONTROL, PRAGMA};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Verification;
use crate::token::TokenRefusal;

/// The form of a token request; parameters that are not here are ignored.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "it documents the form, which is read with the standard's own errors"
)]
pub(super) struct TokenForm {
    /// `client_credentials`, or `urn:ietf:params:oauth:grant-type:jwt-bearer` for a holder.
    grant_type: String,
    /// For a client: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: Option<String>,
    /// For a client: a JWT with `iss` = `sub` = client id, `aud`, `exp` (300 s at most), `jti`, signed with ES256.
    client_assertion: Option<String>,
    /// For a holder: the same with `iss` = `sub` = the device key's thumbprint, signed by the device key.
    assertion: Option<String>,
}

/// Gives an access token.
///
/// To a relying party, operator or regulator for a `client_assertion` (RFC 7523, section 2.2), to a holder for an
/// `assertion` of a device (section 2.1). `aud` is the issuer or this address and nothing else, and an assertion is used
/// once. The token is bound to the key of the `DPoP` proof (RFC 9449), which carries a nonce of this server: the first
/// attempt is answered `use_dpop_nonce`. Without a proof, a client's token is bound to the certificate that its TLS
/// connection showed (RFC 8705, section 3), and is used as `Bearer` over connections that show the same. Errors are those
/// of RFC 6749, section 5.2.
#[utoipa::path(
    post,
    path = "/oauth/token",
    operation_id = "obtain_token",
    params(("DPoP" = Option<String>, Header, description = "Proof of possession, RFC 9449 section 4.2; only a \
        client with a certificate, or a sandbox, does without.")),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded", example = json!({
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "eyJhbGciOiJFUzI1NiJ9..."
    })),
    responses(
        (status = 200, description = "A token.", body = TokenAnswer, example = json!({
            "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiJ9...", "token_type": "DPoP", "expires_in": 600
        })),
        (status = 400, description = "`invalid_request`, `invalid_grant`, `unsupported_grant_type`, `invalid_dpop_proof`, or \
            `use_dpop_nonce` with a nonce in `DPoP-Nonce`.", body = TokenError),
        (status = 401, description = "`invalid_client`.", body = TokenError)
    )
)]
pub(super) async fn obtain_token(
    State(service): State<Arc<Verification>>,
    parts: Parts,
    Whole(form): Whole,
) -> Result<Response, Failure> {
    let answer = if require_media_type(&parts.headers, "application/x-www-form-urlencoded").is_ok() {
        service.token(&parts, &form).await
    } else {
        Err(TokenRefusal::InvalidRequest("the body is not a form"))
    };
    Ok(uncached(&service, answer))
}

/// RFC 6749 section 5.1 wants both headers; the nonce for the next proof comes with every answer (RFC 9449, section 8.2).
fn uncached(service: &Verification, answer: Result<TokenAnswer, TokenRefusal>) -> Response {
    let mut response = answer.map(Json).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    if let Ok(nonce) = HeaderValue::from_str(&service.parts.access_tokens.fresh_nonce()) {
        headers
            .entry(HeaderName::from_static("dpop-nonce"))
            .or_insert(nonce);
    }
    response
}
