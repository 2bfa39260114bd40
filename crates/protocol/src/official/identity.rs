//! What an authority receives: a signed JWT inside a JWE that only the authority's registered key opens.

use std::collections::BTreeMap;
use std::fmt;

use cyberid_crypto::{KeyFailure, Sign, jws};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, OfficialAccessId};
use cyberid_domain::personal::Personal;
use serde::{Deserialize, Serialize};

/// The claims of an officially released identity as the platform signs them. It cannot be printed.
pub struct OfficialIdentity {
    /// The platform's issuer.
    pub iss: String,
    /// The authority that it is for.
    pub aud: ClientId,
    /// When it was signed.
    pub iat: UnixTime,
    /// The official access.
    pub official: OfficialAccessId,
    /// The ordered fields and their values.
    pub fields: Vec<(Field, Personal)>,
}

impl fmt::Debug for OfficialIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfficialIdentity(..)")
    }
}

#[derive(Serialize)]
struct SignedClaims<'a> {
    iss: &'a str,
    aud: &'a ClientId,
    iat: UnixTime,
    official: &'a OfficialAccessId,
    identity: BTreeMap<Field, &'a str>,
}

impl OfficialIdentity {
    /// The `typ` of an officially released identity.
    pub const TYP: &'static str = "cyberid-official-identity+jwt";

    /// Signs the claims; the result is for encryption at once.
    pub fn sign(&self, key: &dyn Sign) -> Result<zeroize::Zeroizing<String>, KeyFailure> {
        let identity = self
            .fields
            .iter()
            .map(|(field, value)| (*field, value.expose()))
            .collect();
        let claims = SignedClaims {
            iss: &self.iss,
            aud: &self.aud,
            iat: self.iat,
            official: &self.official,
            identity,
        };
        jws::sign(key, Self::TYP, &claims).map(zeroize::Zeroizing::new)
    }
}

/// The claims of an officially released identity as an authority reads them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficialIdentityClaims {
    /// The platform's issuer.
    pub iss: String,
    /// The authority that it is for.
    pub aud: ClientId,
    /// When it was signed.
    pub iat: UnixTime,
    /// The official access.
    pub official: OfficialAccessId,
    /// The ordered fields and their values.
    pub identity: BTreeMap<Field, Personal>,
}

impl OfficialIdentityClaims {
    /// Whether it was made out by this platform, to this authority, for this access, and not in the future.
    pub fn is_for(
        &self,
        issuer: &str,
        authority: &ClientId,
        official: &OfficialAccessId,
        now: UnixTime,
    ) -> bool {
        self.iss == issuer
            && self.aud == *authority
            && self.official == *official
            && self.iat <= now.plus(SKEW)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn it_is_for_one_authority_and_one_access_and_not_from_the_future() {
        let claims = OfficialIdentityClaims {
            iss: "https://id.example".into(),
            aud: ClientId::random(&SystemRng),
            iat: UnixTime(1_795_000_000),
            official: OfficialAccessId::random(&SystemRng),
            identity: BTreeMap::new(),
        };
        let (aud, official, now) = (&claims.aud, &claims.official, claims.iat);
        let other = (ClientId::random(&SystemRng), OfficialAccessId::random(&SystemRng));
        assert!(claims.is_for("https://id.example", aud, official, now.minus(SKEW)));
        assert!(!claims.is_for("https://id.example", aud, official, now.minus(SKEW + 1)));
        assert!(!claims.is_for("https://id.example", &other.0, official, now));
        assert!(!claims.is_for("https://id.example", aud, &other.1, now));
        assert!(!claims.is_for("https://other.example", aud, official, now));
    }
}
