//! The roles of keys: one type each, so that a key of one role cannot be asked for another's work.

use std::fmt;

use cyberid_crypto::Suite;
use serde::{Deserialize, Serialize};

/// What the keys of a role do; by which algorithm, the suite says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Signs messages.
    Signing,
    /// Opens what was sealed to it, by agreement with the sealer's key.
    Agreement,
    /// Authenticates or derives: HMAC.
    Mac,
    /// Signs notes of the transparency log: Ed25519 in every suite, as C2SP has it.
    Note,
}

impl Kind {
    /// The algorithm of the kind in a suite.
    pub const fn algorithm(self, suite: Suite) -> &'static str {
        match (self, suite) {
            (Self::Signing, Suite::Nist) => "ES256",
            (Self::Signing, Suite::Sm) => "SM2 with SM3",
            (Self::Agreement, Suite::Nist) => "ECDH P-256",
            (Self::Agreement, Suite::Sm) => "ECDH SM2",
            (Self::Mac, Suite::Nist) => "HMAC-SHA-256",
            (Self::Mac, Suite::Sm) => "HMAC-SM3",
            (Self::Note, _) => "Ed25519",
        }
    }

    /// Whether a retired key of this kind still has work for its private half: old messages are opened and old
    /// derivations repeated, but nothing is signed with an old key.
    pub(crate) const fn works_when_retained(self) -> bool {
        matches!(self, Self::Agreement | Self::Mac)
    }
}

/// What changes together with the keys of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Nothing: outsiders learn of new keys from the key set or from discovery, and old ones are known on.
    Alone,
    /// What others have pinned: their configuration, or the log's name.
    WithPins,
    /// What was derived with the key: it cannot be derived again.
    WithData,
}

mod sealed {
    pub trait Sealed {}
}

/// A role, as a type.
pub trait Role: sealed::Sealed + fmt::Debug + Clone + Copy + Send + Sync + 'static {
    /// The role, as a value.
    const ROLE: RoleName;
    /// The role's name in the file and at the command line.
    const NAME: &'static str = Self::ROLE.as_str();
}

/// A role whose keys sign messages.
pub trait SigningRole: Role {}
/// A role whose keys agree with others.
pub trait AgreementRole: Role {}
/// A role whose keys authenticate or derive.
pub trait MacRole: Role {}
/// A role whose keys sign notes with Ed25519.
pub trait NoteRole: Role {}

/// A text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a key role")]
pub struct UnknownRole;

macro_rules! roles {
    ($($kind:ident, $trait:ident { $($(#[$doc:meta])* $role:ident = $name:literal;)* })*) => {
        /// A role, as a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum RoleName {
            $($($(#[$doc])* #[serde(rename = $name)] $role,)*)*
        }

        impl RoleName {
            /// Every role, by kind.
            pub const ALL: &[Self] = &[$($(Self::$role,)*)*];

            /// The role's name in the file and at the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$role => $name,)*)* }
            }

            /// What the role's keys do.
            pub const fn kind(self) -> Kind {
                match self { $($(Self::$role => Kind::$kind,)*)* }
            }
        }

        $($(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $role;
            impl sealed::Sealed for $role {}
            impl Role for $role {
                const ROLE: RoleName = RoleName::$role;
            }
            impl $trait for $role {}
        )*)*
    };
}

roles! {
    Signing, SigningRole {
        /// Signs attestations: the answers of verifications. Lives in memory, for a day.
        Attestation = "attestation";
        /// Certifies the keys that sign attestations.
        AttestationRoot = "attestation-root";
        /// Signs the requests that holders are shown.
        Request = "request";
        /// Signs network certificates.
        Certificate = "certificate";
        /// Signs the registration certificates of relying parties.
        Registration = "registration";
        /// Signs the identities that a release hands out.
        Identity = "identity";
        /// Signs security event tokens.
        Event = "event";
        /// Signs the commands by which issuance asks vault and custodian to enrol.
        Enrolment = "enrolment";
        /// Signs the answers of the synthetic identity source.
        Source = "source";
        /// Signs the transcripts of key ceremonies.
        Ceremony = "ceremony";
    }
    Agreement, AgreementRole {
        /// Opens what holders seal to the platform; rotates daily.
        Message = "message";
        /// Opens the vault's share of a record's field keys.
        Vault = "vault";
        /// Opens the custodian's share of a record's field keys.
        Custodian = "custodian";
    }
    Mac, MacRole {
        /// Derives pairwise pseudonyms.
        Pairwise = "pairwise";
        /// Computes the blind index of document numbers.
        Index = "index";
        /// Computes the tags of the dates at which ages are reached.
        Age = "age";
        /// The pepper of PINs.
        Pin = "pin";
        /// Computes the tags of the handles by which an identity source knows people.
        Evidence = "evidence";
        /// Derives the keys of the visit journal.
        Journal = "journal";
        /// Authenticates access tokens.
        Token = "token";
        /// Derives the keys under which repeated answers are kept.
        Idempotency = "idempotency";
    }
    Note, NoteRole {
        /// Signs the ledger's checkpoints.
        Ledger = "ledger";
        /// Cosigns checkpoints as a witness.
        Witness = "witness";
    }
}

impl RoleName {
    /// Whether the role's keys work on every call of the hot path: faster than a hardware module answers.
    pub const fn is_hot(self) -> bool {
        matches!(self, Self::Attestation | Self::Request | Self::Message)
    }

    /// What changes together with the role's keys.
    pub const fn rotation(self) -> Rotation {
        match self {
            Self::Attestation
            | Self::AttestationRoot
            | Self::Request
            | Self::Certificate
            | Self::Registration
            | Self::Identity
            | Self::Event
            | Self::Message
            | Self::Ceremony => Rotation::Alone,
            Self::Enrolment | Self::Source | Self::Vault | Self::Custodian | Self::Ledger | Self::Witness => {
                Rotation::WithPins
            }
            Self::Pairwise
            | Self::Index
            | Self::Age
            | Self::Pin
            | Self::Evidence
            | Self::Journal
            | Self::Token
            | Self::Idempotency => Rotation::WithData,
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RoleName {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let mut all = Self::ALL.iter().copied();
        all.find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_parse_as_themselves() {
        let names: HashSet<_> = RoleName::ALL.iter().map(|role| role.as_str()).collect();
        assert_eq!(names.len(), RoleName::ALL.len());
        for &role in RoleName::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert_eq!("backup".parse::<RoleName>(), Err(UnknownRole));
    }

    #[test]
    fn a_type_and_its_value_have_one_name() {
        assert_eq!(
            (Message::NAME, Message::ROLE.kind()),
            ("message", Kind::Agreement)
        );
        assert_eq!((Ledger::NAME, Ledger::ROLE.kind()), ("ledger", Kind::Note));
    }
}
