//! The platform as an OAuth library sees it: RFC 8414.

use cyberid_protocol::access::{AuthorizationServer, JWT_BEARER_GRANT};

use crate::Verification;

impl Verification {
    /// The authorization server's metadata.
    pub(crate) fn authorization_server(&self) -> AuthorizationServer {
        let issuer = &self.parts.issuer;
        let certificates = self.parts.description.client_certificates;
        let uses: &[&str] = if certificates {
            &["DPoP", "Bearer"]
        } else {
            &["DPoP"]
        };
        AuthorizationServer {
            issuer: issuer.clone(),
            token_endpoint: self.token_endpoint(),
            jwks_uri: self.jwks_uri(),
            grant_types_supported: texts(&["client_credentials", JWT_BEARER_GRANT]),
            response_types_supported: Vec::new(),
            token_endpoint_auth_methods_supported: texts(&["private_key_jwt"]),
            token_endpoint_auth_signing_alg_values_supported: texts(&[self.suite().signing_alg()]),
            dpop_signing_alg_values_supported: texts(&[self.suite().signing_alg()]),
            introspection_endpoint: format!("{issuer}/oauth/introspect"),
            introspection_endpoint_auth_methods_supported: texts(uses),
            tls_client_certificate_bound_access_tokens: certificates,
        }
    }
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}
