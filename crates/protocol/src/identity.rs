//! The released identity: a signed JWT inside a JWE that only the relying party opens.

use std::fmt;

use cyberid_crypto::{KeyFailure, Sign, jws};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_domain::personal::Personal;
use serde::{Deserialize, Serialize};

/// The `typ` of a released identity.
pub const TYP: &str = "cyberid-identity+jwt";

/// The claims of a released identity as the platform signs them. It cannot be printed.
pub struct Identity {
    /// The platform's issuer.
    pub iss: String,
    /// The relying party that it is for.
    pub aud: ClientId,
    /// When it was signed.
    pub iat: UnixTime,
    /// The release.
    pub request: ReleaseId,
    /// The granted fields and their values.
    pub fields: Vec<(Field, Personal)>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Identity {
    /// Signs the claims; the result is for encryption at once.
    pub fn sign(&self, key: &dyn Sign) -> Result<zeroize::Zeroizing<String>, KeyFailure> {
        let identity = self
            .fields
            .iter()
            .map(|(field, value)| (*field, value.expose()))
            .collect();
        let (iss, aud, request) = (self.iss.as_str(), &self.aud, &self.request);
        let claims = SignedClaims {
            iss,
            aud,
            iat: self.iat,
            request,
            identity,
        };
        jws::sign(key, TYP, &claims).map(zeroize::Zeroizing::new)
    }
}

#[derive(Serialize)]
struct SignedClaims<'a> {
    iss: &'a str,
    aud: &'a ClientId,
    iat: UnixTime,
    request: &'a ReleaseId,
    identity: std::collections::BTreeMap<Field, &'a str>,
}

/// The claims of a released identity as a relying party reads them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityClaims {
    /// The platform's issuer.
    pub iss: String,
    /// The relying party that it is for.
    pub aud: ClientId,
    /// When it was signed.
    pub iat: UnixTime,
    /// The release.
    pub request: ReleaseId,
    /// The granted fields and their values.
    pub identity: std::collections::BTreeMap<Field, Personal>,
}
