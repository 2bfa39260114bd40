//! Putting a policy together, definition by definition, with every rule checked as it is added.

use std::collections::BTreeSet;

use super::{Group, NONE, Policy, PolicyError, PolicyLog, PolicyWitness};
use crate::note::{SignatureType, VerifierKey};

/// A policy being put together; it becomes a [`Policy`] with its quorum.
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder {
    policy: Policy,
    names: BTreeSet<Vec<u8>>,
    members: BTreeSet<Vec<u8>>,
}

impl Policy {
    /// Starts a policy with no logs, witnesses or groups.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The policy that any `threshold` of these witnesses have cosigned, for one log or for a log known from elsewhere.
    pub fn k_of_n(
        log: Option<VerifierKey>,
        witnesses: &[VerifierKey],
        threshold: usize,
    ) -> Result<Self, PolicyError> {
        let mut builder = Self::builder();
        if let Some(log) = log {
            builder.log(log, None)?;
        }
        for key in witnesses {
            builder.witness(key.name().as_bytes(), key.clone(), None)?;
        }
        let names: Vec<_> = witnesses.iter().map(|key| key.name().as_bytes()).collect();
        builder.group(b"witnesses", threshold, &names)?;
        builder.quorum(b"witnesses")
    }

    /// The policy that needs no cosignature: only for a log without witnesses, and said in so many words.
    pub fn without_witnesses(log: VerifierKey) -> Result<Self, PolicyError> {
        let mut builder = Self::builder();
        builder.log(log, None)?;
        builder.quorum(NONE)
    }
}

impl PolicyBuilder {
    /// Accepts a log (tlog-policy, Defining a log).
    pub fn log(&mut self, key: VerifierKey, url: Option<Vec<u8>>) -> Result<(), PolicyError> {
        check_key(
            &key,
            key.signature_type() == SignatureType::Ed25519,
            self.policy.logs.iter().map(|log| &log.key),
        )?;
        check_url(url.as_deref())?;
        self.policy.logs.push(PolicyLog { key, url });
        Ok(())
    }

    /// Names a witness (tlog-policy, Defining a witness).
    pub fn witness(
        &mut self,
        name: &[u8],
        key: VerifierKey,
        url: Option<Vec<u8>>,
    ) -> Result<(), PolicyError> {
        check_key(
            &key,
            key.signature_type().is_cosignature(),
            self.policy.witnesses.iter().map(|known| &known.key),
        )?;
        check_url(url.as_deref())?;
        self.define(name)?;
        self.policy.witnesses.push(PolicyWitness {
            name: name.to_vec(),
            key,
            url,
        });
        Ok(())
    }

    /// Names a group of names defined before (tlog-policy, Defining a witness group).
    pub fn group(&mut self, name: &[u8], threshold: usize, members: &[&[u8]]) -> Result<(), PolicyError> {
        if threshold == 0 || threshold > members.len() {
            return Err(PolicyError::ImpossibleThreshold);
        }
        for &member in members {
            self.check_defined(member)?;
            if !self.members.insert(member.to_vec()) {
                return Err(PolicyError::DuplicateMember);
            }
        }
        self.define(name)?;
        let members = members.iter().map(|member| member.to_vec()).collect();
        self.policy.groups.push(Group {
            name: name.to_vec(),
            threshold,
            members,
        });
        Ok(())
    }

    /// Sets the quorum: a name defined before, or [`NONE`] (tlog-policy, Defining the quorum).
    pub fn quorum(&self, name: &[u8]) -> Result<Policy, PolicyError> {
        let quorum = if name == NONE {
            None
        } else {
            self.check_defined(name)?;
            Some(name.to_vec())
        };
        Ok(Policy {
            quorum,
            ..self.policy.clone()
        })
    }

    fn check_defined(&self, name: &[u8]) -> Result<(), PolicyError> {
        if self.names.contains(name) {
            Ok(())
        } else {
            Err(PolicyError::UndefinedName)
        }
    }

    fn define(&mut self, name: &[u8]) -> Result<(), PolicyError> {
        if !is_item(name) {
            return Err(PolicyError::MalformedLine);
        }
        if name == NONE || !self.names.insert(name.to_vec()) {
            return Err(PolicyError::DuplicateName);
        }
        Ok(())
    }
}

/// Two keys are duplicates by their public key alone (tlog-policy, Public key representation).
fn check_key<'k>(
    key: &VerifierKey,
    right_type: bool,
    mut known: impl Iterator<Item = &'k VerifierKey>,
) -> Result<(), PolicyError> {
    if !right_type {
        return Err(PolicyError::WrongKeyType);
    }
    if known.any(|other| other.public_key() == key.public_key()) {
        return Err(PolicyError::DuplicateKey);
    }
    Ok(())
}

fn check_url(url: Option<&[u8]>) -> Result<(), PolicyError> {
    if url.is_none_or(is_item) {
        Ok(())
    } else {
        Err(PolicyError::MalformedLine)
    }
}

/// Says whether bytes can stand as one item of a line (tlog-policy, Character set).
fn is_item(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| b > b' ' && b != 0x7f)
}
