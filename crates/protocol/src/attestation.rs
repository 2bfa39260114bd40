//! The attestation: all that a relying party learns. Pass or fail, and a pseudonym that is its own.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::id::{ClientId, Nonce};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// The life of an attestation in seconds.
pub const LIFE: u64 = 600;

/// The claims of an attestation. The schema is closed: there is no room for anything about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The platform's issuer.
    pub iss: String,
    /// The relying party that it is for.
    pub aud: ClientId,
    /// When it was signed.
    pub iat: UnixTime,
    /// When it ends, [`LIFE`] later.
    pub exp: UnixTime,
    /// Its own name.
    pub jti: Nonce,
    /// The relying party's nonce.
    pub nonce: Nonce,
    /// The registered purpose.
    pub purpose: String,
    /// Pass only if every check passed.
    pub result: Outcome,
    /// The answer to each check.
    pub checks: BTreeMap<Check, Outcome>,
    /// The factors asked for, the same whatever the outcome.
    pub acr: String,
    /// Filler that makes pass and fail of one length.
    pub pad: String,
    /// The holder's pseudonym at this relying party, only when the result is pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

impl Message for Attestation {
    const TYP: &'static str = "cyberid-attestation+jwt";
}

impl Attestation {
    /// Makes pass and fail of one length: the pseudonym leaves only with a pass, and the filler takes its place.
    #[must_use]
    pub fn concluded(self, pseudonym: String) -> Self {
        let passed = self.checks.values().all(|outcome| *outcome == Outcome::Pass) && !self.checks.is_empty();
        let filler = r#","sub":"""#.len() + pseudonym.len();
        Self {
            result: passed.into(),
            pad: if passed { String::new() } else { "0".repeat(filler) },
            sub: passed.then_some(pseudonym),
            ..self
        }
    }
}

/// The authentication context of a verification by these factors, such as `device+pin`.
pub fn acr(factors: &[Factor]) -> String {
    Factor::ALL
        .iter()
        .filter(|factor| **factor == Factor::Device || factors.contains(factor))
        .map(|factor| factor.as_str())
        .collect::<Vec<_>>()
        .join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concluded(checks: &[(Check, Outcome)]) -> Attestation {
        Attestation {
            iss: "https://id.example".into(),
            aud: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            iat: UnixTime(1),
            exp: UnixTime(601),
            jti: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            nonce: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            purpose: "register".into(),
            result: Outcome::Fail,
            checks: checks.iter().copied().collect(),
            acr: acr(&[Factor::Pin, Factor::Device]),
            pad: String::new(),
            sub: None,
        }
        .concluded("p".repeat(43))
    }

    #[test]
    fn pass_and_fail_are_of_one_length() {
        let pass = concluded(&[
            (Check::RealPerson, Outcome::Pass),
            (Check::AgeOver18, Outcome::Pass),
        ]);
        let fail = concluded(&[
            (Check::RealPerson, Outcome::Pass),
            (Check::AgeOver18, Outcome::Fail),
        ]);
        let length = |attestation| serde_json::to_string(attestation).unwrap().len();
        assert_eq!(length(&pass), length(&fail));
        assert_eq!((pass.result, pass.sub.is_some()), (Outcome::Pass, true));
        assert_eq!((fail.result, fail.sub), (Outcome::Fail, None));
    }

    #[test]
    fn failing_either_of_two_checks_fails_the_result_and_no_check_is_no_pass() {
        for at in 0..2 {
            let mut checks = [
                (Check::RealPerson, Outcome::Pass),
                (Check::AgeOver18, Outcome::Pass),
            ];
            checks[at].1 = Outcome::Fail;
            assert_eq!(concluded(&checks).result, Outcome::Fail);
        }
        assert_eq!(concluded(&[]).result, Outcome::Fail);
    }

    #[test]
    fn the_device_is_always_a_factor() {
        assert_eq!(acr(&[]), "device");
        assert_eq!(acr(&[Factor::Pin]), "device+pin");
    }
}
