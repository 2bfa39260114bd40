//! Proof that the caller holds the key that a token is bound to: RFC 9449, the client's side.

use std::sync::{Mutex, PoisonError};

use cyberid_crypto::{KeyFailure, Sign, digest, jws};
use cyberid_domain::id::Nonce;
use cyberid_domain::{Clock, Rng};
use cyberid_protocol::access::{DPOP_TYP, DpopProof};

use crate::body::Answer;

/// The header that carries a proof, RFC 9449 section 4.1.
pub(crate) const PROOF: &str = "dpop";

/// The header that hands out a nonce, RFC 9449 section 8.1.
const NONCE: &str = "dpop-nonce";

/// The one request that a proof is for.
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    /// The address as the server knows it, without query.
    pub(crate) address: &'a str,
    /// The access token that the request carries.
    pub(crate) token: Option<&'a str>,
}

/// The last nonce that the server gave; it is good until the server says otherwise.
#[derive(Default)]
pub(crate) struct ServerNonce(Mutex<Option<String>>);

impl ServerNonce {
    /// Takes the nonce out of an answer, and says whether there was one.
    pub(crate) fn learn(&self, answer: &Answer) -> bool {
        let fresh = answer.header(NONCE).map(str::to_owned);
        let found = fresh.is_some();
        if found {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        found
    }

    fn current(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A proof for one request: it cannot be used for another, nor twice.
pub(crate) fn prove(
    key: &dyn Sign,
    target: &Target<'_>,
    nonce: &ServerNonce,
    clock: &dyn Clock,
    rng: &dyn Rng,
) -> Result<String, KeyFailure> {
    let claims = DpopProof {
        jti: Nonce::random(rng).as_str().into(),
        htm: target.method.into(),
        htu: target.address.into(),
        iat: clock.now(),
        ath: target
            .token
            .map(|token| digest::sha256_base64url(token.as_bytes())),
        nonce: nonce.current(),
    };
    jws::sign_embedding_key(key, DPOP_TYP, &claims)
}
