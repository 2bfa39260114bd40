//! A relying party's registration: for which purposes it may ask which checks and which fields.

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::clock::UnixTime;
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
///
/// ```text
/// Applied --approve--> Approved --suspend--> Suspended
///                       |  ^  ^                |   ^
///               expires |  |  '-----renew------'   |
///                       v  '--renew--.             |
///                      Expired ------+--suspend----'
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStatus {
    /// Asked for by one operator.
    Applied,
    /// Approved by another; the relying party may act.
    Approved,
    /// Approved once, and over by the clock. No store holds it: it follows from the moment of the question.
    Expired,
    /// Halted by an operator.
    Suspended,
}

/// What is done with a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationAct {
    /// A second operator approves the application.
    Approve,
    /// The relying party announces other keys.
    ChangeKeys,
    /// An operator stops keys that wait.
    CancelKeys,
    /// An operator halts the relying party.
    Suspend,
    /// An operator applies for a renewal, and another approves it.
    Renew,
}

impl RegistrationStatus {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Applied, Self::Approved, Self::Expired, Self::Suspended];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The status at `now` of a registration that ends at `end`: the clock ends what is approved.
    #[must_use]
    pub fn at(self, end: Option<UnixTime>, now: UnixTime) -> Self {
        match self {
            Self::Approved if end.is_none_or(|end| end <= now) => Self::Expired,
            other => other,
        }
    }

    /// The status after an act; nothing, where the act is not possible.
    ///
    /// A suspended relying party is reinstated by renewal alone: by two persons, and with fresh certificates.
    #[must_use]
    pub const fn after(self, act: RegistrationAct) -> Option<Self> {
        match (self, act) {
            (Self::Applied, RegistrationAct::Approve)
            | (Self::Approved, RegistrationAct::ChangeKeys | RegistrationAct::CancelKeys)
            | (Self::Approved | Self::Expired | Self::Suspended, RegistrationAct::Renew) => {
                Some(Self::Approved)
            }
            (Self::Approved | Self::Expired, RegistrationAct::Suspend)
            | (Self::Suspended, RegistrationAct::CancelKeys) => Some(Self::Suspended),
            (Self::Expired, RegistrationAct::CancelKeys) => Some(Self::Expired),
            _ => None,
        }
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
    /// A body that law lets order official accesses.
    Authority,
}

impl Role {
    /// The name in tokens and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::RelyingParty => "relying_party",
            Self::Operator => "operator",
            Self::Regulator => "regulator",
            Self::Authority => "authority",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::Holder,
            Self::RelyingParty,
            Self::Operator,
            Self::Regulator,
            Self::Authority,
        ]
        .into_iter()
        .find(|role| role.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::RegistrationAct as Act;
    use super::RegistrationStatus as Status;
    use super::*;

    const ACTS: [Act; 5] = [
        Act::Approve,
        Act::ChangeKeys,
        Act::CancelKeys,
        Act::Suspend,
        Act::Renew,
    ];

    /// Every arrow that exists. What is not here does not exist.
    const ARROWS: [(Status, Act, Status); 10] = [
        (Status::Applied, Act::Approve, Status::Approved),
        (Status::Approved, Act::ChangeKeys, Status::Approved),
        (Status::Approved, Act::CancelKeys, Status::Approved),
        (Status::Approved, Act::Suspend, Status::Suspended),
        (Status::Approved, Act::Renew, Status::Approved),
        (Status::Expired, Act::CancelKeys, Status::Expired),
        (Status::Expired, Act::Suspend, Status::Suspended),
        (Status::Expired, Act::Renew, Status::Approved),
        (Status::Suspended, Act::CancelKeys, Status::Suspended),
        (Status::Suspended, Act::Renew, Status::Approved),
    ];

    #[test]
    fn a_life_takes_these_arrows_and_no_other() {
        for from in Status::ALL {
            for act in ACTS {
                let arrow = ARROWS.iter().find(|arrow| (arrow.0, arrow.1) == (from, act));
                assert_eq!(from.after(act), arrow.map(|arrow| arrow.2), "{from:?} {act:?}");
            }
        }
    }

    #[test]
    fn only_the_clock_ends_and_only_what_is_approved() {
        let (before, end) = (UnixTime(99), UnixTime(100));
        for status in Status::ALL {
            assert_eq!(status.at(Some(end), before), status);
            let ended = if status == Status::Approved {
                Status::Expired
            } else {
                status
            };
            assert_eq!(status.at(Some(end), end), ended);
        }
        assert_eq!(Status::Approved.at(None, before), Status::Expired);
        assert_eq!(Status::Suspended.at(None, before), Status::Suspended);
    }

    #[test]
    fn each_status_has_a_name_of_its_own() {
        for status in Status::ALL {
            assert_eq!(Status::named(status.as_str()), Some(status));
        }
        assert_eq!(Status::named("deleted"), None);
    }
}
