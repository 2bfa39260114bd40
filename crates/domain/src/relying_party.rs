//! A relying party's registration: for which purposes it may ask which checks and which fields.

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::field::Field;

/// One intended use: what may be asked, on which legal basis, and for how long the answer is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IntendedUse {
    /// The purpose's name, unique within the registration.
    pub purpose: String,
    /// The checks that may be asked.
    pub checks: Vec<Check>,
    /// The fields that may be asked in plaintext.
    pub fields: Vec<Field>,
    /// The law or contract that the use rests on.
    pub legal_basis: String,
    /// For how many days released plaintext may be kept.
    pub retention_days: u32,
    /// Where the relying party's notice to the person stands.
    pub notice_uri: String,
}

/// The life of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStatus {
    /// Asked for by one operator.
    Applied,
    /// Approved by another; the relying party may act.
    Approved,
    /// Halted by an operator.
    Suspended,
}

impl RegistrationStatus {
    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Suspended => "suspended",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Applied, Self::Approved, Self::Suspended]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// In which role a registered client, or a holder, calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A citizen's device.
    Holder,
    /// An internet service provider.
    RelyingParty,
    /// The platform's operator.
    Operator,
    /// The supervising authority.
    Regulator,
}

impl Role {
    /// The name in tokens and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::RelyingParty => "relying_party",
            Self::Operator => "operator",
            Self::Regulator => "regulator",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Holder, Self::RelyingParty, Self::Operator, Self::Regulator]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}
