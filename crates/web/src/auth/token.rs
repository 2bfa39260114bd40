//! Access tokens of the platform: made at the token endpoint, checked at every operation, bound to a key by `DPoP` or to
//! the certificate of a TLS client (RFC 8705).
//!
//! Answers the network attacker (a token alone is worth nothing), replay (every proof is taken once, and only with a nonce
//! of this very process) and the flood (a caller's quota is spent before any public-key operation).

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

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
use super::dpop::{self, Expected, InvalidProof, Proof};
use super::known::{KnownTokens, ReadToken, TokenDigest};
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

impl ValidToken {
    fn is_current(&self, now: UnixTime) -> bool {
        now < self.expires_at && self.issued_at <= now.plus(SKEW)
    }
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
    known: KnownTokens,
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
            known: KnownTokens::new(),
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
                .proven_key(parts)
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
        let (scheme, text) = credentials(parts)?;
        let digest = TokenDigest::of(text);
        let known = self.known.find(&digest);
        let read = match &known {
            Some(read) => Arc::clone(read),
            None => Arc::new(self.read(text, &digest).ok_or(InvalidToken::Foreign)?),
        };
        let now = self.clock.now();
        if !read.token.is_current(now) {
            return Err(InvalidToken::Time.into());
        }
        let caller = &read.token.caller;
        self.buckets.spend(caller, now)?;
        match (&read.token.binding, scheme) {
            (Binding::Key { jkt }, Scheme::Dpop) => self.check_bound_proof(parts, &read, jkt)?,
            (Binding::Certificate { sha256 }, Scheme::Bearer) => {
                if certificate(parts).is_none_or(|shown| shown.sha256 != *sha256) {
                    return Err(InvalidToken::Certificate.into());
                }
            }
            (Binding::Bare, Scheme::Bearer) if self.takes_bare(parts) => {}
            _ => return Err(InvalidToken::Binding.into()),
        }
        if known.is_none() {
            self.known.keep(&digest, &read);
        }
        Ok(caller.clone())
    }

    /// A token of ours that is valid now: for introspection (RFC 7662), which nobody's quota is spent on.
    pub fn inspect(&self, token: &str) -> Option<ValidToken> {
        let ReadToken { token, .. } = self.read(token, &TokenDigest::of(token))?;
        token.is_current(self.clock.now()).then_some(token)
    }

    /// Forgets the callers whose quota is whole again, and the tokens that have ended.
    pub fn forget_rested(&self) {
        let now = self.clock.now();
        self.buckets.forget_rested(now);
        self.known.forget_ended(now);
    }

    /// What an authentic token for this platform says, at whatever time.
    fn read(&self, text: &str, digest: &TokenDigest) -> Option<ReadToken> {
        let json = claims::read(text, &self.key)?;
        let claims: Claims<'_> = serde_json::from_slice(&json).ok()?;
        if claims.iss != self.issuer || claims.aud != self.issuer {
            return None;
        }
        let token = ValidToken {
            binding: Binding::confirmed(claims.cnf.as_ref())?,
            issued_at: UnixTime(claims.iat),
            expires_at: UnixTime(claims.exp),
            caller: Caller {
                role: claims.role,
                id: claims.sub.into_owned(),
            },
        };
        Some(ReadToken {
            token,
            ath: digest.ath(),
            header: OnceLock::new(),
        })
    }

    /// A proof for a token that is bound to the key of this thumbprint.
    fn check_bound_proof(&self, parts: &Parts, read: &ReadToken, jkt: &str) -> Result<(), Refusal> {
        let message = dpop::parse(dpop::only_proof(&parts.headers)?, read.header.get())?;
        let proof = dpop::verify(&message, &self.expected(parts, Some(&read.ath)))?;
        let is_known = read.header.get().is_some_and(|header| message.is_under(header));
        if !is_known && proof.key.thumbprint() != jkt {
            return Err(InvalidProof::Key.into());
        }
        self.use_up(&proof, jkt)?;
        if !is_known && let Some(header) = message.header() {
            // Where another proof came first, its header is kept.
            let _ = read.header.set(header);
        }
        Ok(())
    }

    fn expected<'a>(&'a self, parts: &'a Parts, ath: Option<&'a str>) -> Expected<'a> {
        Expected {
            suite: self.suite,
            method: &parts.method,
            issuer: &self.issuer,
            path: parts.uri.path(),
            now: self.clock.now(),
            ath,
        }
    }

    /// The end of RFC 9449, section 4.3: the proof is remembered last, when nothing else is amiss.
    fn use_up(&self, proof: &Proof<'_>, jkt: &str) -> Result<(), Refusal> {
        let nonce = proof.nonce.as_deref().ok_or(Refusal::Nonce)?;
        let interval = self
            .nonces
            .interval(nonce, self.clock.now())
            .ok_or(Refusal::Nonce)?;
        match self.seen.remember(interval, jkt, &proof.jti) {
            Remembered::New => Ok(()),
            Remembered::Seen => Err(InvalidProof::Replayed.into()),
            Remembered::Forgotten => Err(Refusal::Nonce),
            Remembered::Full => Err(Refusal::Full),
        }
    }

    /// The thumbprint of the key of a proof that comes without a token.
    fn proven_key(&self, parts: &Parts) -> Result<String, Refusal> {
        let message = dpop::parse(dpop::only_proof(&parts.headers)?, None)?;
        let proof = dpop::verify(&message, &self.expected(parts, None))?;
        let jkt = proof.key.thumbprint();
        self.use_up(&proof, &jkt)?;
        Ok(jkt)
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
