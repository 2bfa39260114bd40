//! An operator's signature of a ceremony's file.

use cyberid_crypto::jws::InvalidJws;
use cyberid_crypto::{KeyFailure, Sign};
use cyberid_domain::UnixTime;
use cyberid_protocol::message::{self, Message};
use serde::{Deserialize, Serialize};

use super::file::CeremonyFile;
use crate::platform::KeyOperator;

/// Why a ceremony is not signed as it has to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::command::keys) enum NotSigned {
    /// Two operators have to be pinned, with names and keys of their own.
    #[error(
        "the configuration has to pin two operators or more (`[[keystore.operators]]`), each with a name and a key of their own"
    )]
    TooFewOperators,
    /// A ceremony needs two different operators' signatures.
    #[error("two different operators sign a ceremony; {0} did")]
    TooFew(usize),
    /// A signature is no pinned operator's.
    #[error("a signature is by nobody whom the configuration pins")]
    Nobody,
    /// A signature is of something else.
    #[error("a signature is of another file")]
    AnotherFile,
    /// A signature does not fit.
    #[error(transparent)]
    Jws(#[from] InvalidJws),
}

/// The claims of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CeremonySignature {
    /// The digest of the file.
    ceremony: String,
    /// When it was signed.
    iat: UnixTime,
}

impl Message for CeremonySignature {
    const TYP: &'static str = "cyberid-key-ceremony+jwt";
}

impl CeremonySignature {
    /// Signs a file.
    pub(super) fn make(file: &CeremonyFile, key: &dyn Sign, now: UnixTime) -> Result<String, KeyFailure> {
        let ceremony = file.digest();
        Self { ceremony, iat: now }.sign(key)
    }

    /// The names of the two operators or more whose signatures of the file these are.
    pub(super) fn check_all(
        file: &CeremonyFile,
        signatures: &[String],
        operators: &[KeyOperator],
    ) -> Result<Vec<String>, NotSigned> {
        require_operators(operators)?;
        let mut names = Vec::new();
        for signature in signatures {
            let name = Self::check(file, signature, operators)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.len() < 2 {
            return Err(NotSigned::TooFew(names.len()));
        }
        Ok(names)
    }

    fn check(file: &CeremonyFile, signature: &str, operators: &[KeyOperator]) -> Result<String, NotSigned> {
        let kid = message::unverified::<Self>(signature)?.kid()?.to_owned();
        let mut operators = operators.iter();
        let operator = operators.find(|operator| operator.jwk.thumbprint() == kid);
        let operator = operator.ok_or(NotSigned::Nobody)?;
        let claims: Self = message::open(signature, &operator.jwk)?;
        if claims.ceremony != file.digest() {
            return Err(NotSigned::AnotherFile);
        }
        Ok(operator.name.clone())
    }
}

/// One key under two names would be one person, and two keys under one name as well.
fn require_operators(operators: &[KeyOperator]) -> Result<(), NotSigned> {
    let different = operators.iter().enumerate().all(|(at, one)| {
        let mut others = operators.iter().skip(at + 1);
        others.all(|other| other.name != one.name && other.jwk != one.jwk)
    });
    if operators.len() >= 2 && different {
        Ok(())
    } else {
        Err(NotSigned::TooFewOperators)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::SigningKey;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_scalar(&[seed; 32]).unwrap()
    }

    fn operator(name: &str, seed: u8) -> KeyOperator {
        let (name, jwk) = (name.to_owned(), key(seed).public_key());
        KeyOperator { name, jwk }
    }

    fn file(name: &str) -> CeremonyFile {
        let text = format!(
            "name = '{name}'\nplace = 'p'\nnot_after = '2026-12-31'\n[[step]]\nact = 'make'\nrole = 'event'\n"
        );
        CeremonyFile::parse(text).unwrap()
    }

    #[test]
    fn two_different_pinned_operators_sign_this_file() {
        let operators = [operator("a", 1), operator("b", 2), operator("c", 3)];
        let (file, other) = (file("this"), file("other"));
        let sign =
            |file: &CeremonyFile, seed| CeremonySignature::make(file, &key(seed), UnixTime(9)).unwrap();
        let check = |signatures: &[String], operators: &[KeyOperator]| {
            CeremonySignature::check_all(&file, signatures, operators)
        };
        let (a, b) = (sign(&file, 1), sign(&file, 2));
        assert_eq!(
            check(&[a.clone(), b.clone()], &operators),
            Ok(vec!["a".into(), "b".into()])
        );
        assert_eq!(check(&[], &operators), Err(NotSigned::TooFew(0)));
        assert_eq!(
            check(&[a.clone(), sign(&file, 1)], &operators),
            Err(NotSigned::TooFew(1))
        );
        assert_eq!(
            check(&[a.clone(), sign(&file, 4)], &operators),
            Err(NotSigned::Nobody)
        );
        assert_eq!(
            check(&[a.clone(), sign(&other, 2)], &operators),
            Err(NotSigned::AnotherFile)
        );
        let twice = [operator("a", 1), operator("b", 1)];
        assert_eq!(
            check(&[a.clone(), b.clone()], &twice),
            Err(NotSigned::TooFewOperators)
        );
        let alone = [operator("a", 1)];
        assert_eq!(check(&[a, b], &alone), Err(NotSigned::TooFewOperators));
    }
}
