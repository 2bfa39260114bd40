//! The assertion of a client or a holder, RFC 7523 section 3: signed with ES256 by a key that the platform knows, for
//! this platform alone, for five minutes at most.

use cyberid_crypto::jws::{Header, Unverified};
use cyberid_crypto::{PublicKey, base64url, json};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_protocol::access::{Assertion, MAX_ASSERTION_LIFE};
use cyberid_protocol::message::check_life;

/// The `typ` of an assertion, where it has one; so no message of another type is taken for one (RFC 8725, section
/// 3.11).
const TYPES: [&str; 3] = ["JWT", "jwt", "client-authentication+jwt"];

/// The longest `jti` in bytes.
const MAX_JTI: usize = 256;

/// An assertion that nobody has believed yet.
pub(super) struct UncheckedAssertion<'a> {
    message: Unverified<'a>,
    subject: String,
}

/// An assertion that holds now.
pub(super) struct CheckedAssertion {
    pub(super) subject: String,
    pub(super) jti: String,
    pub(super) exp: UnixTime,
}

impl<'a> UncheckedAssertion<'a> {
    /// Takes an assertion apart.
    pub(super) fn parse(compact: &'a str) -> Option<Self> {
        let message = Unverified::parse_any_type(compact).ok()?;
        let mut parts = compact.split('.').filter_map(base64url::decode);
        let (header, payload) = (parts.next()?, parts.next()?);
        let header: Header = json::from_slice(&header).ok()?;
        let known = header.typ.is_none_or(|typ| TYPES.contains(&typ.as_str()));
        let claims: Assertion = json::from_slice(&payload).ok()?;
        (known && header.jwk.is_none()).then_some(Self {
            message,
            subject: claims.sub,
        })
    }

    /// Who is said to have signed.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// The assertion, if one of `keys` signed it about its owner, for one of `audiences` alone, of late.
    pub(super) fn check(
        self,
        keys: &[PublicKey],
        audiences: &[&str],
        now: UnixTime,
    ) -> Option<CheckedAssertion> {
        let verified = |key| self.message.clone().verify::<Assertion>(key).ok();
        let claims = keys.iter().find_map(verified)?;
        let holds = claims.iss == claims.sub
            && claims.aud.is_only(audiences)
            && (1..=MAX_JTI).contains(&claims.jti.len())
            && is_current(&claims, now);
        holds.then_some(CheckedAssertion {
            subject: claims.sub,
            jti: claims.jti,
            exp: claims.exp,
        })
    }
}

/// A life of five minutes at most; without `iat` it is counted from now.
fn is_current(claims: &Assertion, now: UnixTime) -> bool {
    let life = match claims.iat {
        Some(iat) => check_life(iat, claims.exp, MAX_ASSERTION_LIFE, now),
        None => check_life(now.min(claims.exp), claims.exp, MAX_ASSERTION_LIFE + SKEW, now),
    };
    life.is_ok()
}
