//! The two suites of algorithms that a platform can run on, and the names by which messages call them.
//!
//! A platform chooses one when it is initialised. A key knows its suite by the curve that its point lies on, and every
//! message is made and read with the algorithms of its key: what a message says about itself is only compared.
//!
//! JOSE registers no SM algorithm. The names of the SM suite are collision-resistant ones as RFC 7515, section 2 takes
//! them: the object identifiers of GM/T 0006 where there is one, and for the agreement, which is ours, one
//! made of a UUID (ITU-T X.667, arc 2.25), which nobody has to register.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which algorithms sign, agree, seal, hash and derive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// ECDSA and ECDH on P-256, SHA-256, AES-256-GCM.
    #[default]
    Nist,
    /// SM2 (GM/T 0003), SM3 (GM/T 0004), SM4-GCM (GM/T 0002, RFC 8998).
    Sm,
}

/// A text is not the name of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a suite: nist or sm")]
pub struct UnknownSuite;

impl Suite {
    /// Every suite.
    pub const ALL: [Self; 2] = [Self::Nist, Self::Sm];

    /// The suite's name in configuration and discovery.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nist => "nist",
            Self::Sm => "sm",
        }
    }

    /// `alg` of a signature: ES256 (RFC 7518, section 3.4), or SM2 with SM3.
    pub const fn signing_alg(self) -> &'static str {
        match self {
            Self::Nist => "ES256",
            Self::Sm => "urn:oid:1.2.156.10197.1.501",
        }
    }

    /// `alg` of a sealed message: ECDH-ES (RFC 7518, section 4.6), or the same on the SM2 curve with SM3 in its KDF.
    pub const fn agreement_alg(self) -> &'static str {
        match self {
            Self::Nist => "ECDH-ES",
            Self::Sm => "urn:oid:2.25.201307078025519426773088791557310160988",
        }
    }

    /// `enc` of a sealed message: A256GCM (RFC 7518, section 5.3), or SM4-GCM.
    pub const fn content_alg(self) -> &'static str {
        match self {
            Self::Nist => "A256GCM",
            Self::Sm => "urn:oid:1.2.156.10197.1.104.8",
        }
    }

    /// `crv` of a key: P-256, or the curve of GM/T 0003.5.
    pub const fn curve(self) -> &'static str {
        match self {
            Self::Nist => "P-256",
            Self::Sm => "urn:oid:1.2.156.10197.1.301",
        }
    }

    /// How many bytes a key of the suite's cipher has.
    pub const fn content_key_length(self) -> u16 {
        match self {
            Self::Nist => 32,
            Self::Sm => 16,
        }
    }

    /// The suite whose signatures are called so.
    pub fn of_signing_alg(alg: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.signing_alg() == alg)
    }

    /// The suite whose keys lie on this curve.
    pub fn of_curve(curve: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.curve() == curve)
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Suite {
    type Err = UnknownSuite;

    fn from_str(text: &str) -> Result<Self, UnknownSuite> {
        let mut all = Self::ALL.into_iter();
        all.find(|suite| suite.name() == text).ok_or(UnknownSuite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_suite() {
        for suite in Suite::ALL {
            assert_eq!(suite.name().parse(), Ok(suite));
            assert_eq!(serde_json::to_value(suite).unwrap(), suite.name());
            assert_eq!(Suite::of_signing_alg(suite.signing_alg()), Some(suite));
            assert_eq!(Suite::of_curve(suite.curve()), Some(suite));
        }
        assert_eq!("SM".parse::<Suite>(), Err(UnknownSuite));
        assert_eq!(Suite::of_signing_alg("none"), None);
        assert_eq!(Suite::of_curve("p-256"), None);
    }
}
