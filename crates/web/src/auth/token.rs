//! Access tokens of the platform: made at the token endpoint, checked at every operation, bound to a key by `DPoP`.
//!
//! Answers the network attacker (a token alone is worth nothing) and replay (every proof is taken once, and only with
//! a nonce of this very process).

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::ConnectInfo;
use cyberid_crypto::{KeyFailure, Mac};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::Nonce;
use cyberid_domain::relying_party::Role;
use cyberid_domain::{Clock, Rng};
use cyberid_protocol::problem::ProblemType;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::dpop::{self, Expected, InvalidProof};
use super::memory::{Nonces, Remembered, Seen};
use super::{Authenticate, Caller};
use crate::Failure;

/// The header that hands out a nonce, RFC 9449 section 8.1.
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The token's type, RFC 9068 section 2.1.
const TYP: &str = "at+jwt";

/// Why a request has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It carries no token.
    #[error("there is no token")]
    NoToken,
    /// Its token is not accepted.
    #[error("the token is refused")]
    Token(#[from] InvalidToken),
    /// Its proof of possession is not accepted.
    #[error("the proof is refused")]
    Proof(#[from] InvalidProof),
    /// Its proof lacks a fresh nonce of this server.
    #[error("the proof lacks a fresh nonce")]
    Nonce,
    /// So many proofs were seen that this one cannot be remembered.
    #[error("the memory of proofs is full")]
    Full,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// More than one, or not of the form of the header `Authorization`.
    #[error("the header is malformed")]
    Header,
    /// Neither `DPoP` nor an allowed `Bearer`.
    #[error("the scheme is not accepted")]
    Scheme,
    /// Not made by this platform for itself.
    #[error("the token is not ours")]
    Foreign,
    /// Not valid at this time.
    #[error("the token is not valid now")]
    Time,
    /// Used by `DPoP` without being bound, or as `Bearer` though bound.
    #[error("the token is bound in another way")]
    Binding,
}

/// Why the token endpoint takes no `DPoP` proof; the errors of RFC 9449, sections 5 and 8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenDpopError {
    /// `invalid_dpop_proof`.
    #[error("the proof is refused")]
    InvalidProof(#[source] InvalidProof),
    /// `use_dpop_nonce`, with the value of the header `DPoP-Nonce`.
    #[error("the proof lacks a fresh nonce")]
    UseNonce {
        /// A fresh nonce.
        nonce: String,
    },
    /// `temporarily_unavailable`: so many proofs were seen that this one cannot be remembered.
    #[error("the memory of proofs is full")]
    Unavailable,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    iat: u64,
    exp: u64,
    jti: String,
}

/// RFC 9449, section 6.1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    jkt: String,
}

/// Makes and checks the access tokens of one issuer.
pub struct AccessTokens {
    issuer: String,
    making: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    nonces: Nonces,
    seen: Seen,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    allow_bearer: bool,
}

impl AccessTokens {
    /// The tokens of `issuer` (an address without a trailing slash), under a key derived from `mac`.
    pub fn new(issuer: impl Into<String>, mac: &dyn Mac, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let issuer = issuer.into();
        let secret = Zeroizing::new(mac.mac(&[b"access-token"]));
        Self {
            making: EncodingKey::from_secret(secret.as_ref()),
            checking: DecodingKey::from_secret(secret.as_ref()),
            validation: validation(&issuer),
            nonces: Nonces::new(rng.as_ref()),
            seen: Seen::new(),
            issuer,
            clock,
            rng,
            allow_bearer: false,
        }
    }

    /// Takes a bare token from a peer on loopback, too: for a sandbox only.
    #[must_use]
    pub fn allow_bearer(self) -> Self {
        Self {
            allow_bearer: true,
            ..self
        }
    }

    /// A token for `subject` that lives `ttl` seconds, bound to the key of thumbprint `jkt`.
    ///
    /// Without `jkt` it is a bearer token, which is worth something in a sandbox only.
    pub fn issue(
        &self,
        role: Role,
        subject: &str,
        jkt: Option<&str>,
        ttl: u64,
    ) -> Result<String, KeyFailure> {
        let now = self.clock.now();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: subject.into(),
            role,
            cnf: jkt.map(|jkt| Confirmation { jkt: jkt.into() }),
            iat: now.0,
            exp: now.plus(ttl).0,
            jti: Nonce::random(self.rng.as_ref()).as_str().into(),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYP.into());
        jsonwebtoken::encode(&header, &claims, &self.making).map_err(|_| KeyFailure)
    }

    /// The thumbprint of the key that asks for a token by `DPoP`; nothing if the request has no proof.
    pub fn check_token_request_dpop(&self, parts: &Parts) -> Result<Option<String>, TokenDpopError> {
        if !parts.headers.contains_key("dpop") {
            return Ok(None);
        }
        self.check_proof(parts, None)
            .map(Some)
            .map_err(|refusal| match refusal {
                Refusal::Proof(why) => TokenDpopError::InvalidProof(why),
                Refusal::Full => TokenDpopError::Unavailable,
                _ => TokenDpopError::UseNonce {
                    nonce: self.fresh_nonce(),
                },
            })
    }

    /// A nonce for the header `DPoP-Nonce`.
    pub fn fresh_nonce(&self) -> String {
        self.nonces.fresh(self.clock.now())
    }

    /// Who sent the request, or why it is not known.
    pub fn check(&self, parts: &Parts) -> Result<Caller, Refusal> {
        let (scheme, token) = credentials(parts)?;
        let bearer = scheme.eq_ignore_ascii_case("bearer") && self.allow_bearer && from_loopback(parts);
        if !bearer && !scheme.eq_ignore_ascii_case("dpop") {
            return Err(InvalidToken::Scheme.into());
        }
        let claims = self.check_token(token)?;
        match claims.cnf {
            None if bearer => {}
            Some(Confirmation { jkt }) if !bearer => {
                self.check_proof(parts, Some((token, &jkt)))?;
            }
            _ => return Err(InvalidToken::Binding.into()),
        }
        Ok(Caller {
            role: claims.role,
            id: claims.sub,
        })
    }

    fn check_token(&self, token: &str) -> Result<Claims, InvalidToken> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|_| InvalidToken::Foreign)?;
        if data.header.typ.as_deref() != Some(TYP) {
            return Err(InvalidToken::Foreign);
        }
        let now = self.clock.now();
        if now.0 >= data.claims.exp || data.claims.iat > now.plus(SKEW).0 {
            return Err(InvalidToken::Time);
        }
        Ok(data.claims)
    }

    /// All of RFC 9449, section 4.3, in order of cost; the proof is remembered last, when nothing else is amiss.
    fn check_proof(&self, parts: &Parts, token: Option<(&str, &str)>) -> Result<String, Refusal> {
        let now = self.clock.now();
        let expected = Expected {
            method: &parts.method,
            address: &format!("{}{}", self.issuer, parts.uri.path()),
            now,
            token: token.map(|(token, _)| token),
        };
        let proof = dpop::verify(dpop::only_proof(&parts.headers)?, &expected)?;
        if token.is_some_and(|(_, jkt)| jkt != proof.jkt) {
            return Err(InvalidProof::Key.into());
        }
        let nonce = proof.nonce.as_deref().ok_or(Refusal::Nonce)?;
        let interval = self.nonces.interval(nonce, now).ok_or(Refusal::Nonce)?;
        match self.seen.remember(interval, &proof.jkt, &proof.jti) {
            Remembered::New => Ok(proof.jkt),
            Remembered::Seen => Err(InvalidProof::Replayed.into()),
            Remembered::Forgotten => Err(Refusal::Nonce),
            Remembered::Full => Err(Refusal::Full),
        }
    }

    /// What the caller is told: RFC 9449, sections 7.1 and 9.
    fn challenge(&self, refusal: Refusal) -> Failure {
        let (kind, challenge) = match refusal {
            Refusal::NoToken => (ProblemType::Unauthenticated, r#"DPoP algs="ES256""#),
            Refusal::Token(_) => (
                ProblemType::Unauthenticated,
                r#"DPoP error="invalid_token", algs="ES256""#,
            ),
            Refusal::Proof(_) => (
                ProblemType::Unauthenticated,
                r#"DPoP error="invalid_dpop_proof", algs="ES256""#,
            ),
            Refusal::Nonce => (
                ProblemType::UseDpopNonce,
                r#"DPoP error="use_dpop_nonce", algs="ES256""#,
            ),
            Refusal::Full => return Failure::unavailable(refusal).retry_after(1),
        };
        Failure::from(kind)
            .header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
            .header(DPOP_NONCE, header_value(&self.fresh_nonce()))
    }
}

#[async_trait]
impl Authenticate for AccessTokens {
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Failure> {
        self.check(parts).map_err(|refusal| {
            tracing::debug!(
                reason = crate::error::chain(&refusal),
                "a caller is not authenticated"
            );
            self.challenge(refusal)
        })
    }

    fn nonce(&self) -> Option<String> {
        Some(self.fresh_nonce())
    }
}

/// A nonce is base64url and so always a header's value.
pub(crate) fn header_value(nonce: &str) -> HeaderValue {
    HeaderValue::from_str(nonce).unwrap_or(HeaderValue::from_static(""))
}

/// Times are ours to check, by our clock.
fn validation(issuer: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[issuer]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.validate_exp = false;
    validation
}

/// The scheme and the token of the one header `Authorization`.
fn credentials(parts: &Parts) -> Result<(&str, &str), Refusal> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::NoToken)?;
    let one = values.next().is_none();
    value
        .to_str()
        .ok()
        .filter(|_| one)
        .and_then(|value| value.split_once(' '))
        .ok_or(Refusal::Token(InvalidToken::Header))
}

fn from_loopback(parts: &Parts) -> bool {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::MacKey;
    use cyberid_domain::UnixTime;
    use cyberid_domain::clock::ManualClock;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    /// Another message under the same key is not an access token: each kind has its own `typ`.
    #[test]
    fn a_token_of_another_type_is_refused() {
        let clock = Arc::new(ManualClock::new(UnixTime(1_800_000_000)));
        let mac = MacKey::new([1; 32].into());
        let tokens = AccessTokens::new("https://id.example", &mac, clock, Arc::new(SystemRng));
        let token = tokens.issue(Role::Operator, "a", Some("b"), 600).unwrap();
        let claims = tokens.check_token(&token).unwrap();
        let retyped = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &tokens.making).unwrap();
        assert_eq!(tokens.check_token(&retyped).err(), Some(InvalidToken::Foreign));
    }
}
