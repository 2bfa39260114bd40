//! The access token itself: an RFC 9068 JWT under HS256 that only this platform makes, and only this platform reads.
//!
//! There is one header, compared as it stands: no token can choose an algorithm or a type.

use std::borrow::Cow;

use cyberid_crypto::{KeyFailure, base64url, digest};
use cyberid_domain::relying_party::Role;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::{Deserialize, Serialize};

use super::Binding;

/// `{"alg":"HS256","typ":"at+jwt"}`: RFC 9068, section 2.1.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9";

/// What a token says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    pub(super) aud: Cow<'a, str>,
    pub(super) sub: Cow<'a, str>,
    pub(super) role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cnf: Option<Confirmation<'a>>,
    pub(super) iat: u64,
    pub(super) exp: u64,
    pub(super) jti: Cow<'a, str>,
}

/// What the token is bound to: RFC 9449, section 6.1, or RFC 8705, section 3.1.
#[derive(Serialize, Deserialize)]
pub(super) enum Confirmation<'a> {
    /// The thumbprint of a key.
    #[serde(rename = "jkt")]
    Key(Cow<'a, str>),
    /// The thumbprint of a certificate.
    #[serde(rename = "x5t#S256")]
    Certificate(Cow<'a, str>),
}

impl<'a> Confirmation<'a> {
    pub(super) fn of(binding: &'a Binding) -> Option<Self> {
        match binding {
            Binding::Bare => None,
            Binding::Key { jkt } => Some(Self::Key(jkt.into())),
            Binding::Certificate { sha256 } => Some(Self::Certificate(base64url::encode(sha256).into())),
        }
    }
}

/// The token that says `claims`.
pub(super) fn write(claims: &Claims<'_>, key: &EncodingKey) -> Result<String, KeyFailure> {
    let claims = serde_json::to_vec(claims).map_err(|_| KeyFailure)?;
    let mut token = [HEADER, &base64url::encode(&claims)].join(".");
    let mac = mac(&token, key).ok_or(KeyFailure)?;
    token.push('.');
    token.push_str(&mac);
    Ok(token)
}

/// The claims of a token of ours, as JSON.
pub(super) fn read(token: &str, key: &EncodingKey) -> Option<Vec<u8>> {
    let (authentic, given) = token.rsplit_once('.')?;
    let claims = authentic.strip_prefix(HEADER)?.strip_prefix('.')?;
    // Texts are compared, so that a MAC has one form only.
    digest::equal(mac(authentic, key)?.as_bytes(), given.as_bytes()).then(|| base64url::decode(claims))?
}

fn mac(authentic: &str, key: &EncodingKey) -> Option<String> {
    crypto::sign(authentic.as_bytes(), key, Algorithm::HS256).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> EncodingKey {
        EncodingKey::from_secret(&[1; 32])
    }

    fn signed(header: &str, claims: &str) -> String {
        let authentic = format!("{}.{claims}", base64url::encode(header.as_bytes()));
        format!("{authentic}.{}", mac(&authentic, &key()).unwrap())
    }

    fn token() -> String {
        let claims = Claims {
            iss: "https://id.example".into(),
            aud: "https://id.example".into(),
            sub: "a".into(),
            role: Role::Operator,
            cnf: Some(Confirmation::Certificate("b".into())),
            iat: 1,
            exp: 2,
            jti: "c".into(),
        };
        write(&claims, &key()).unwrap()
    }

    #[test]
    fn a_token_says_what_was_written() {
        let claims = read(&token(), &key()).unwrap();
        assert_eq!(
            String::from_utf8(claims).unwrap(),
            r#"{"iss":"https://id.example","aud":"https://id.example","sub":"a","role":"operator","cnf":{"x5t#S256":"b"},"iat":1,"exp":2,"jti":"c"}"#
        );
    }

    /// Another message under the same key is not an access token: each kind has its own `typ`.
    #[test]
    fn a_token_has_one_header_and_one_mac() {
        let token = token();
        let claims = token.split('.').nth(1).unwrap();
        let own = r#"{"alg":"HS256","typ":"at+jwt"}"#;
        assert_eq!(signed(own, claims), token);
        for header in [
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"HS256","typ":"JWT"}"#,
            r#"{"typ":"at+jwt","alg":"HS256"}"#,
            r#"{"alg":"none","typ":"at+jwt"}"#,
        ] {
            assert_eq!(read(&signed(header, claims), &key()), None, "{header}");
        }
        let other = EncodingKey::from_secret(&[2; 32]);
        assert_eq!(read(&token, &other), None);
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(std::str::from_utf8(&altered).unwrap(), &key()), None, "{at}");
        }
    }
}
