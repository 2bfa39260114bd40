//! What all signed messages share: one `typ` each, one audience, one moment, one use.

use cyberid_crypto::jws::{self, InvalidJws, Unverified};
use cyberid_crypto::{KeyFailure, PublicKey, Sign};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A signed message: a compact JWS whose `typ` names the type of its claims (RFC 8725, section 3.11).
pub trait Message: Serialize + DeserializeOwned {
    /// The `typ` header.
    const TYP: &'static str;

    /// Signs the claims.
    fn sign(&self, key: &dyn Sign) -> Result<String, KeyFailure> {
        jws::sign(key, Self::TYP, self)
    }
}

/// The claims of `compact`, if it is a message of type `M` that names `key` and that `key` signed.
pub fn open<M: Message>(compact: &str, key: &PublicKey) -> Result<M, InvalidJws> {
    let message = unverified::<M>(compact)?;
    message.kid()?;
    message.verify(key)
}

/// A message of type `M` whose signature nobody has checked yet.
pub fn unverified<M: Message>(compact: &str) -> Result<Unverified<'_>, InvalidJws> {
    Unverified::parse(compact, M::TYP)
}

/// A message is not of this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It claims to be from the future.
    #[error("issued in the future")]
    Future,
    /// It claims a longer life than this type may have, or ends before it begins.
    #[error("a longer life than this message may have")]
    TooLong,
}

/// Checks the life of a message (`iat` to `exp`, at most `max` seconds) at the moment `now`, forgiving
/// [`SKEW`] seconds.
pub fn check_life(iat: UnixTime, exp: UnixTime, max: u64, now: UnixTime) -> Result<(), NotNow> {
    if iat > now.plus(SKEW) {
        return Err(NotNow::Future);
    }
    if exp <= now.minus(SKEW) {
        return Err(NotNow::Expired);
    }
    if exp < iat || exp.since(iat) > max {
        return Err(NotNow::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_a_beginning_an_end_and_a_length() {
        let check = |iat, exp, now| check_life(UnixTime(iat), UnixTime(exp), 300, UnixTime(now));
        assert_eq!(check(1000, 1300, 1000), Ok(()));
        assert_eq!(check(1000, 1300, 1359), Ok(()));
        assert_eq!(check(1000, 1300, 1360), Err(NotNow::Expired));
        assert_eq!(check(1000, 1300, 939), Err(NotNow::Future));
        assert_eq!(check(1000, 1301, 1000), Err(NotNow::TooLong));
        assert_eq!(check(1000, 990, 1000), Err(NotNow::TooLong));
    }
}
