//! The form of a token request, RFC 6749 section 3.2: unknown parameters are ignored, and none stands twice.

use std::collections::HashMap;

use cyberid_protocol::access::{CLIENT_ASSERTION_TYPE, JWT_BEARER_GRANT};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::TokenRefusal;

/// What is asked for, and by which assertion.
pub(super) enum Grant {
    /// A client asks for itself, RFC 7523 section 2.2.
    Client {
        assertion: String,
        client_id: Option<String>,
    },
    /// A holder asks by a device, RFC 7523 section 2.1.
    Holder { assertion: String },
}

impl Grant {
    pub(super) fn assertion(&self) -> &str {
        match self {
            Self::Client { assertion, .. } | Self::Holder { assertion } => assertion,
        }
    }

    /// What an assertion that is not accepted ends in: RFC 7523 section 3.2 for a client, 3.1 for a holder.
    pub(super) fn refusal(&self) -> TokenRefusal {
        match self {
            Self::Client { .. } => TokenRefusal::InvalidClient,
            Self::Holder { .. } => TokenRefusal::InvalidGrant,
        }
    }
}

/// Reads the form. Clients authenticate by their assertion and in no other way.
pub(super) fn read(headers: &HeaderMap, form: &[u8]) -> Result<Grant, TokenRefusal> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form)
        .map_err(|_| TokenRefusal::InvalidRequest("the body is not a form"))?;
    let count = pairs.len();
    let mut parameters: HashMap<_, _> = pairs.into_iter().collect();
    if parameters.len() != count {
        return Err(TokenRefusal::InvalidRequest("a parameter stands twice"));
    }
    if headers.contains_key(AUTHORIZATION) || parameters.contains_key("client_secret") {
        return Err(TokenRefusal::InvalidClient);
    }
    let mut take = |name: &str| parameters.remove(name).filter(|value| !value.is_empty());
    match take("grant_type").as_deref() {
        Some("client_credentials") => {
            if take("client_assertion_type").as_deref() != Some(CLIENT_ASSERTION_TYPE) {
                return Err(TokenRefusal::InvalidClient);
            }
            Ok(Grant::Client {
                assertion: take("client_assertion").ok_or(TokenRefusal::InvalidClient)?,
                client_id: take("client_id"),
            })
        }
        Some(JWT_BEARER_GRANT) => {
            let missing = TokenRefusal::InvalidRequest("`assertion` is missing");
            let assertion = take("assertion").ok_or(missing)?;
            Ok(Grant::Holder { assertion })
        }
        Some(_) => Err(TokenRefusal::UnsupportedGrantType),
        None => Err(TokenRefusal::InvalidRequest("`grant_type` is missing")),
    }
}
