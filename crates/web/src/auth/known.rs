//! Access tokens that come back, and the header of the proofs that come with them: read once.
//!
//! A token is here once a whole request with it was good, under its digest, by which nobody can call. Until when it is
//! valid, whether the caller has a call left, and every proof are looked at each time.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use cyberid_crypto::jws::KnownHeader;
use cyberid_crypto::{base64url, digest};
use cyberid_domain::UnixTime;

use super::ValidToken;

/// The most tokens of one generation; two take about 12 MB.
const GENERATION: usize = 1 << 13;

/// The digest of a token.
pub(super) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        Self(digest::sha256(token.as_bytes()))
    }

    /// The claim `ath` of a proof for this token, RFC 9449 section 4.2.
    pub(super) fn ath(&self) -> String {
        base64url::encode(&self.0)
    }
}

/// A token that was read.
pub(super) struct ReadToken {
    pub(super) token: ValidToken,
    pub(super) ath: String,
    /// The header of a proof by the key that the token is bound to.
    pub(super) header: OnceLock<KnownHeader>,
}

/// The tokens that came of late, in two generations: once the young are many, those among the old that did not come again are
/// forgotten.
pub(super) struct KnownTokens {
    generations: RwLock<Generations>,
    most: usize,
}

#[derive(Default)]
struct Generations {
    young: HashMap<[u8; 32], Arc<ReadToken>>,
    old: HashMap<[u8; 32], Arc<ReadToken>>,
}

impl KnownTokens {
    /// No token.
    pub(super) fn new() -> Self {
        Self {
            generations: RwLock::default(),
            most: GENERATION,
        }
    }

    /// The token of this digest, if it came of late; it may have ended since.
    pub(super) fn find(&self, digest: &TokenDigest) -> Option<Arc<ReadToken>> {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(young) = generations.young.get(&digest.0) {
            return Some(Arc::clone(young));
        }
        let old = generations.old.get(&digest.0).map(Arc::clone)?;
        drop(generations);
        self.keep(digest, &old);
        Some(old)
    }

    /// Keeps a token.
    pub(super) fn keep(&self, TokenDigest(digest): &TokenDigest, token: &Arc<ReadToken>) {
        let mut generations = self.to_change();
        if generations.young.len() >= self.most {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(*digest, Arc::clone(token));
    }

    /// Forgets the tokens that have ended.
    pub(super) fn forget_ended(&self, now: UnixTime) {
        let mut generations = self.to_change();
        let Generations { young, old } = &mut *generations;
        for tokens in [young, old] {
            tokens.retain(|_, read| now < read.token.expires_at);
            tokens.shrink_to_fit();
        }
    }

    fn to_change(&self) -> RwLockWriteGuard<'_, Generations> {
        self.generations.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::relying_party::Role;

    use super::*;
    use crate::auth::{Binding, Caller};

    fn token(expires_at: u64) -> Arc<ReadToken> {
        let caller = Caller {
            role: Role::Operator,
            id: "a".into(),
        };
        Arc::new(ReadToken {
            token: ValidToken {
                caller,
                binding: Binding::Bare,
                issued_at: UnixTime(0),
                expires_at: UnixTime(expires_at),
            },
            ath: String::new(),
            header: OnceLock::new(),
        })
    }

    fn known(most: usize) -> KnownTokens {
        KnownTokens {
            most,
            ..KnownTokens::new()
        }
    }

    fn is_found(known: &KnownTokens, name: &str) -> bool {
        known.find(&TokenDigest::of(name)).is_some()
    }

    #[test]
    fn a_token_is_found_until_it_has_ended() {
        let known = known(1);
        for (name, expires_at) in [("a", 5), ("b", 6)] {
            known.keep(&TokenDigest::of(name), &token(expires_at));
        }
        assert!(is_found(&known, "a") && is_found(&known, "b") && !is_found(&known, "c"));
        known.forget_ended(UnixTime(5));
        assert!(!is_found(&known, "a") && is_found(&known, "b"));
    }

    #[test]
    fn what_comes_again_stays_and_the_others_make_room() {
        let known = known(2);
        known.keep(&TokenDigest::of("often"), &token(9));
        for number in 0..10 {
            known.keep(&TokenDigest::of(&number.to_string()), &token(9));
            assert!(is_found(&known, "often"), "{number}");
        }
        assert!(!is_found(&known, "0"));
        let generations = known.to_change();
        assert!(generations.young.len() + generations.old.len() <= 4);
    }
}
