//! What a relying party may ask to be checked, and by which factors the holder answers.

use serde::{Deserialize, Serialize};

use crate::age::Threshold;

/// One pass/fail question about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A real person stands behind the identifier.
    RealPerson,
    /// The document that the person enrolled with is still valid.
    DocumentValid,
    /// At least 14 years old.
    #[serde(rename = "age_over_14")]
    AgeOver14,
    /// At least 16 years old.
    #[serde(rename = "age_over_16")]
    AgeOver16,
    /// At least 18 years old.
    #[serde(rename = "age_over_18")]
    AgeOver18,
    /// At least 21 years old.
    #[serde(rename = "age_over_21")]
    AgeOver21,
    /// At least 14 years old, or a guardian has agreed (Personal Information Protection Law, article 31).
    GuardianConsent,
    /// The person who answers is the one whom the relying party knows by the pseudonym it sends.
    SamePerson,
}

impl Check {
    /// Every check, in the order of the protocol page.
    pub const ALL: [Self; 8] = [
        Self::RealPerson,
        Self::DocumentValid,
        Self::AgeOver14,
        Self::AgeOver16,
        Self::AgeOver18,
        Self::AgeOver21,
        Self::GuardianConsent,
        Self::SamePerson,
    ];

    /// The name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RealPerson => "real_person",
            Self::DocumentValid => "document_valid",
            Self::AgeOver14 => "age_over_14",
            Self::AgeOver16 => "age_over_16",
            Self::AgeOver18 => "age_over_18",
            Self::AgeOver21 => "age_over_21",
            Self::GuardianConsent => "guardian_consent",
            Self::SamePerson => "same_person",
        }
    }

    /// The age that this check asks about.
    pub const fn threshold(self) -> Option<Threshold> {
        match self {
            Self::AgeOver14 => Some(Threshold::Fourteen),
            Self::AgeOver16 => Some(Threshold::Sixteen),
            Self::AgeOver18 => Some(Threshold::Eighteen),
            Self::AgeOver21 => Some(Threshold::TwentyOne),
            Self::RealPerson | Self::DocumentValid | Self::GuardianConsent | Self::SamePerson => None,
        }
    }
}

/// How sure the platform must be that the holder acts. The device key always signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// The device key signed the proof.
    Device,
    /// The holder entered the PIN.
    Pin,
    /// The holder showed the face that the identity source knows them by.
    Face,
    /// The holder used a passkey of theirs (W3C Web Authentication).
    Passkey,
}

impl Factor {
    /// Every factor.
    pub const ALL: [Self; 4] = [Self::Device, Self::Pin, Self::Face, Self::Passkey];

    /// The name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Pin => "pin",
            Self::Face => "face",
            Self::Passkey => "passkey",
        }
    }
}

/// The answer to one check, or to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not hold, or nothing may be said.
    Fail,
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::Pass } else { Self::Fail }
    }
}

/// The list without its repetitions, or nothing if it is empty or repeats itself.
pub fn distinct<T: Copy + Ord>(list: &[T]) -> Option<Vec<T>> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    (!list.is_empty() && sorted.len() == list.len()).then_some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_messages_is_the_name_in_code() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_value(check).unwrap(), check.as_str());
        }
        for factor in Factor::ALL {
            assert_eq!(serde_json::to_value(factor).unwrap(), factor.as_str());
        }
    }

    #[test]
    fn a_repeating_or_empty_list_is_not_distinct() {
        assert_eq!(
            distinct(&[Factor::Pin, Factor::Device]),
            Some(vec![Factor::Device, Factor::Pin])
        );
        assert_eq!(distinct(&[Factor::Pin, Factor::Pin]), None);
        assert_eq!(distinct::<Factor>(&[]), None);
    }
}
