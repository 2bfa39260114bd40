//! How clients and holders come to an access token: `POST /oauth/token` (RFC 6749, 7523, 9449).

use cyberid_domain::UnixTime;
use serde::{Deserialize, Serialize};

/// The `client_assertion_type` of `private_key_jwt`, RFC 7523 section 2.2.
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The grant type of a holder, RFC 7523 section 2.1.
pub const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest life of an assertion in seconds.
pub const MAX_ASSERTION_LIFE: u64 = 300;
/// The life of an access token in seconds.
pub const ACCESS_TOKEN_LIFE: u64 = 600;

/// The claims of a client's or a holder's assertion, RFC 7523 section 3. Unknown claims are ignored, as the
/// standard says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// Who speaks: the client id, or the device key's thumbprint.
    pub iss: String,
    /// About whom: the same.
    pub sub: String,
    /// The issuer or the token endpoint.
    pub aud: Audience,
    /// When it was signed.
    #[serde(
        default,
        deserialize_with = "cyberid_crypto::json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub iat: Option<UnixTime>,
    /// When it ends.
    pub exp: UnixTime,
    /// Its own name; used once.
    pub jti: String,
}

/// One audience, or several, RFC 7519 section 4.1.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    /// Whether this is one of `accepted` and nobody else.
    pub fn is_only(&self, accepted: &[&str]) -> bool {
        match self {
            Self::One(one) => accepted.contains(&one.as_str()),
            Self::Many(many) => !many.is_empty() && many.iter().all(|one| accepted.contains(&one.as_str())),
        }
    }
}

/// The token endpoint's answer, RFC 6749 section 5.1.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: String,
    /// `DPoP`; `Bearer` for a token that is bound to the client's certificate, and in a sandbox on loopback.
    pub token_type: String,
    /// Its life in seconds.
    pub expires_in: u64,
}

/// The token endpoint's error, RFC 6749 section 5.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenError {
    /// The standard's error code.
    pub error: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// The claims of a `DPoP` proof, RFC 9449 section 4.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DpopProof {
    /// Its own name; used once.
    pub jti: String,
    /// The method.
    pub htm: String,
    /// The address without query and fragment.
    pub htu: String,
    /// When it was signed.
    pub iat: UnixTime,
    /// SHA-256 of the access token, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ath: Option<String>,
    /// The server's nonce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// The `typ` of a `DPoP` proof.
pub const DPOP_TYP: &str = "dpop+jwt";

/// The answer of `POST /oauth/introspect`, RFC 7662 section 2.2. A token that is not active is said nothing more of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Introspection {
    /// Whether it would be accepted now, from who holds what it is bound to.
    pub active: bool,
    /// What is to be known of an active one.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub token: Option<ActiveToken>,
}

/// What is to be known of an active token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActiveToken {
    /// The platform's issuer.
    pub iss: String,
    /// The platform's issuer: the token is for nobody else.
    pub aud: String,
    /// Whom it speaks for: a client id, or the thumbprint of a holder's device key.
    pub sub: String,
    /// The same for a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// In which role: `holder`, `relying_party`, `operator` or `regulator`.
    pub role: String,
    /// `DPoP` or `Bearer`.
    pub token_type: String,
    /// When it was made.
    pub iat: UnixTime,
    /// When it ends.
    pub exp: UnixTime,
    /// What it is bound to; absent for a bare one of a sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// What a token is bound to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmation {
    /// The thumbprint of a key, RFC 9449 section 6.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The SHA-256 of a certificate, RFC 8705 section 3.1.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// `GET /.well-known/oauth-authorization-server`, RFC 8414 section 2: the platform as an OAuth library sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorizationServer {
    /// The issuer.
    pub issuer: String,
    /// Where access tokens are given.
    pub token_endpoint: String,
    /// Where the public signing keys are.
    pub jwks_uri: String,
    /// The grants that tokens are given for.
    pub grant_types_supported: Vec<String>,
    /// None: nobody is sent here by a browser.
    pub response_types_supported: Vec<String>,
    /// How a client authenticates.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// With which signatures.
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// With which signatures a key proves that it is held, RFC 9449 section 5.1.
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// Where operators inspect a token.
    pub introspection_endpoint: String,
    /// By which access tokens.
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// Whether a token can be bound to a client's certificate, RFC 8705 section 3.3.
    pub tls_client_certificate_bound_access_tokens: bool,
}
