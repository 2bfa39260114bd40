//! Access tokens of the platform: made at the token endpoint, checked at every operation, bound to a key by `DPoP` or to
//! the certificate of a TLS client (RFC 8705).
//!
//! Answers the network attacker (a token alone is worth nothing), replay (every proof is taken once, and only with a nonce
//! of this very process) and the flood (a caller's quota is spent before any public-key operation).

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::ConnectInfo;
use cyberid_crypto::{KeyFailure, Mac, Suite};
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::Nonce;
use cyberid_domain::relying_party::Role;
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_protocol::problem::ProblemType;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use jsonwebtoken::EncodingKey;
use zeroize::Zeroizing;

use super::claims::{self, Claims, Confirmation};
use super::dpop::{self, Expected, InvalidProof};
use super::memory::{Nonces, Remembered, Seen};
use super::{Authenticate, Binding, Caller, InvalidToken, Refusal, TokenDpopError};
use crate::Failure;
use crate::quota::{CallerBuckets, CallerQuotas};
use crate::server::PeerCertificate;

/// The header that hands out a nonce, RFC 9449 section 8.1.
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A token that is valid now, whoever sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct ValidToken {
    /// Whom it speaks for.
    pub caller: Caller,
    /// What it is bound to.
    pub binding: Binding,
    /// When it was made.
    pub issued_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
}

/// How a token is used, by the scheme of the header `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// RFC 9449, section 7.1.
    Dpop,
    /// RFC 6750, section 2.1.
    Bearer,
}

/// Makes and checks the access tokens of one issuer.
pub struct AccessTokens {
    issuer: String,
    key: EncodingKey,
    nonces: Nonces,
    seen: Seen,
    buckets: CallerBuckets,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    suite: Suite,
    allow_bearer: bool,
}

impl AccessTokens {
    /// The tokens of `issuer` (an address without a trailing slash), under a key derived from `mac`.
    pub fn new(issuer: impl Into<String>, mac: &dyn Mac, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let secret = Zeroizing::new(mac.mac(&[b"access-token"]));
        Self {
            issuer: issuer.into(),
            key: EncodingKey::from_secret(secret.as_ref()),
            nonces: Nonces::new(rng.as_ref()),
            seen: Seen::new(),
            buckets: CallerBuckets::new(CallerQuotas::default()),
            clock,
            rng,
            suite: Suite::Nist,
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

    /// Takes `DPoP` proofs of this suite, and of no other.
    #[must_use]
    pub fn with_suite(self, suite: Suite) -> Self {
        Self { suite, ..self }
    }

    /// Lets callers call as often as these quotas say.
    #[must_use]
    pub fn with_quotas(self, quotas: CallerQuotas) -> Self {
        Self {
            buckets: CallerBuckets::new(quotas),
            ..self
        }
    }

    /// A token for `subject` that lives `ttl` seconds. A bare one is worth something in a sandbox only.
    pub fn issue(
        &self,
        role: Role,
        subject: &str,
        binding: &Binding,
        ttl: u64,
    ) -> Result<String, KeyFailure> {
        let now = self.clock.now();
        let claims = Claims {
            iss: self.issuer.as_str().into(),
            aud: self.issuer.as_str().into(),
            sub: subject.into(),
            role,
            cnf: Confirmation::of(binding),
            iat: now.0,
            exp: now.plus(ttl).0,
            jti: Nonce::random(self.rng.as_ref()).as_str().to_owned().into(),
        };
        claims::write(&claims, &self.key)
    }

    /// What the token that this request asks for is to be bound to: the key of its `DPoP` proof, or else the certificate
    /// of its connection (RFC 8705, section 3). A request with both shows that it means the key.
    pub fn binding_of_token_request(&self, parts: &Parts) -> Result<Binding, TokenDpopError> {
        if parts.headers.contains_key("dpop") {
            let jkt = self
                .check_proof(parts, None)
                .map_err(|refusal| self.token_error(&refusal))?;
            return Ok(Binding::Key { jkt });
        }
        match certificate(parts) {
            Some(shown) => Ok(Binding::Certificate { sha256: shown.sha256 }),
            None if self.takes_bare(parts) => Ok(Binding::Bare),
            None => Err(TokenDpopError::NothingToBindTo),
        }
    }

    /// A nonce for the header `DPoP-Nonce`.
    pub fn fresh_nonce(&self) -> String {
        self.nonces.fresh(self.clock.now())
    }

    /// Who sent the request, or why it is not known. The caller's quota is spent as soon as the token's MAC has told who
    /// it is, and before any public-key operation.
    pub fn check(&self, parts: &Parts) -> Result<Caller, Refusal> {
        let (scheme, token) = credentials(parts)?;
        let json = claims::read(token, &self.key).ok_or(InvalidToken::Foreign)?;
        let claims = self.current(&json)?;
        let caller = Caller {
            role: claims.role,
            id: claims.sub.into_owned(),
        };
        self.buckets.spend(&caller, self.clock.now())?;
        match (&claims.cnf, scheme) {
            (Some(Confirmation::Key(jkt)), Scheme::Dpop) => {
                self.check_proof(parts, Some((token, jkt)))?;
            }
            (Some(bound @ Confirmation::Certificate(_)), Scheme::Bearer) => {
                if !certificate(parts).is_some_and(|shown| bound.is_certificate(&shown.sha256)) {
                    return Err(InvalidToken::Certificate.into());
                }
            }
            (None, Scheme::Bearer) if self.takes_bare(parts) => {}
            _ => return Err(InvalidToken::Binding.into()),
        }
        Ok(caller)
    }

    /// A token of ours that is valid now: for introspection (RFC 7662), which nobody's quota is spent on.
    pub fn inspect(&self, token: &str) -> Option<ValidToken> {
        let json = claims::read(token, &self.key)?;
        let claims = self.current(&json).ok()?;
        Some(ValidToken {
            binding: Binding::confirmed(claims.cnf.as_ref())?,
            issued_at: UnixTime(claims.iat),
            expires_at: UnixTime(claims.exp),
            caller: Caller {
                role: claims.role,
                id: claims.sub.into_owned(),
            },
        })
    }

    /// Forgets the callers whose quota is whole again.
    pub fn forget_rested(&self) {
        self.buckets.forget_rested(self.clock.now());
    }

    /// The claims of an authentic token, if it is for this platform and of this time.
    fn current<'a>(&self, json: &'a [u8]) -> Result<Claims<'a>, InvalidToken> {
        let claims: Claims<'a> = serde_json::from_slice(json).map_err(|_| InvalidToken::Foreign)?;
        if claims.iss != self.issuer || claims.aud != self.issuer {
            return Err(InvalidToken::Foreign);
        }
        let now = self.clock.now();
        if now.0 >= claims.exp || claims.iat > now.plus(SKEW).0 {
            return Err(InvalidToken::Time);
        }
        Ok(claims)
    }

    /// All of RFC 9449, section 4.3, in order of cost; the proof is remembered last, when nothing else is amiss.
    fn check_proof(&self, parts: &Parts, token: Option<(&str, &str)>) -> Result<String, Refusal> {
        let now = self.clock.now();
        let expected = Expected {
            suite: self.suite,
            method: &parts.method,
            issuer: &self.issuer,
            path: parts.uri.path(),
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

    fn token_error(&self, refusal: &Refusal) -> TokenDpopError {
        match refusal {
            Refusal::Proof(why) => TokenDpopError::InvalidProof(*why),
            Refusal::Full => TokenDpopError::Unavailable,
            _ => TokenDpopError::UseNonce {
                nonce: self.fresh_nonce(),
            },
        }
    }

    /// Whether a bare token is given to, and taken from, this peer.
    fn takes_bare(&self, parts: &Parts) -> bool {
        self.allow_bearer && from_loopback(parts)
    }

    /// What the caller is told: RFC 9449, sections 7.1 and 9; RFC 6750, section 3, for who came with a certificate.
    fn challenge(&self, refusal: Refusal) -> Failure {
        let algs = self.suite.signing_alg();
        let dpop = |error: &str| format!(r#"DPoP error="{error}", algs="{algs}""#);
        let (kind, challenge) = match refusal {
            Refusal::NoToken => (ProblemType::Unauthenticated, format!(r#"DPoP algs="{algs}""#)),
            Refusal::Token(InvalidToken::Certificate) => (
                ProblemType::Unauthenticated,
                r#"Bearer error="invalid_token""#.to_owned(),
            ),
            Refusal::Token(_) => (ProblemType::Unauthenticated, dpop("invalid_token")),
            Refusal::Proof(_) => (ProblemType::Unauthenticated, dpop("invalid_dpop_proof")),
            Refusal::Nonce => (ProblemType::UseDpopNonce, dpop("use_dpop_nonce")),
            Refusal::Full => return Failure::unavailable(refusal).retry_after(1),
            Refusal::OverQuota(over) => return over.into(),
        };
        Failure::from(kind)
            .header(WWW_AUTHENTICATE, header_value(&challenge))
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
pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// The scheme and the token of the one header `Authorization`.
fn credentials(parts: &Parts) -> Result<(Scheme, &str), Refusal> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::NoToken)?;
    let one = values.next().is_none();
    let (scheme, token) = value
        .to_str()
        .ok()
        .filter(|_| one)
        .and_then(|value| value.split_once(' '))
        .ok_or(InvalidToken::Header)?;
    if scheme.eq_ignore_ascii_case("dpop") {
        Ok((Scheme::Dpop, token))
    } else if scheme.eq_ignore_ascii_case("bearer") {
        Ok((Scheme::Bearer, token))
    } else {
        Err(InvalidToken::Scheme.into())
    }
}

/// The certificate that the connection itself showed. What a header says of one is never believed: a proxy that ends TLS
/// has no way to hand a certificate on.
fn certificate(parts: &Parts) -> Option<&PeerCertificate> {
    parts.extensions.get()
}

fn from_loopback(parts: &Parts) -> bool {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}
