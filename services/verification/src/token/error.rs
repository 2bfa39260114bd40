//! Why no token is given, and what RFC 6749 section 5.2 says of it.

use axum::response::{IntoResponse, Response};
use cyberid_crypto::KeyFailure;
use cyberid_protocol::access::TokenError;
use cyberid_storage::StorageError;
use cyberid_web::Json;
use cyberid_web::auth::TokenDpopError;
use http::{HeaderName, HeaderValue, StatusCode};

/// Why no token is given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefusal {
    /// The form lacks a parameter, or has one twice.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The client is unknown, not active, or did not prove that it is itself.
    #[error("the client is not authenticated by its assertion")]
    InvalidClient,
    /// The holder's assertion is not accepted.
    #[error("the assertion is not accepted")]
    InvalidGrant,
    /// A grant type that the platform does not give tokens for.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    /// There is neither a `DPoP` proof nor, for a client, a certificate.
    #[error("a DPoP proof or, for a client, a TLS certificate is needed")]
    NothingToBindTo,
    /// The `DPoP` proof is not accepted.
    #[error("the DPoP proof is not accepted")]
    InvalidDpopProof,
    /// The `DPoP` proof lacks a fresh nonce.
    #[error("the DPoP proof lacks a fresh nonce of this server")]
    UseDpopNonce {
        /// A fresh nonce.
        nonce: String,
    },
    /// The platform cannot answer now.
    #[error("the service is not available")]
    Unavailable,
}

impl TokenRefusal {
    /// The error code: RFC 6749 section 5.2, RFC 9449 sections 5 and 8.
    fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::NothingToBindTo | Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce { .. } => "use_dpop_nonce",
            Self::Unavailable => "temporarily_unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<TokenDpopError> for TokenRefusal {
    fn from(error: TokenDpopError) -> Self {
        match error {
            TokenDpopError::NothingToBindTo => Self::NothingToBindTo,
            TokenDpopError::InvalidProof(_) => Self::InvalidDpopProof,
            TokenDpopError::UseNonce { nonce } => Self::UseDpopNonce { nonce },
            TokenDpopError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<StorageError> for TokenRefusal {
    fn from(error: StorageError) -> Self {
        tracing::error!(cause = ?error, "no token can be given");
        Self::Unavailable
    }
}

impl From<KeyFailure> for TokenRefusal {
    fn from(failure: KeyFailure) -> Self {
        tracing::error!(cause = %failure, "no token can be given");
        Self::Unavailable
    }
}

impl IntoResponse for TokenRefusal {
    fn into_response(self) -> Response {
        let body = TokenError {
            error: self.code().into(),
            error_description: Some(self.to_string()),
        };
        let mut response = (self.status(), Json(body)).into_response();
        if let Self::UseDpopNonce { nonce } = &self
            && let Ok(nonce) = HeaderValue::from_str(nonce)
        {
            let name = HeaderName::from_static("dpop-nonce");
            response.headers_mut().insert(name, nonce);
        }
        response
    }
}
