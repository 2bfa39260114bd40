//! The life of an official access.
//!
//! ```text
//! Requested --countersign--> Countersigned --intend--> Intended --deliver--> Delivered
//!     |                            |                      '--presume--> Presumed
//!     '--------- refuse ---------> Refused
//! ```

use serde::{Deserialize, Serialize};

/// Where an official access stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OfficialStatus {
    /// One officer ordered it, and the log says so.
    Requested,
    /// A second, different officer signed.
    Countersigned,
    /// The log says that plaintext is about to leave.
    Intended,
    /// Plaintext left.
    Delivered,
    /// The platform stopped between intent and delivery: plaintext may have left.
    Presumed,
    /// It is over without plaintext, and the log says so.
    Refused,
}

impl OfficialStatus {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Countersigned,
        Self::Intended,
        Self::Delivered,
        Self::Presumed,
        Self::Refused,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Countersigned => "countersigned",
            Self::Intended => "intended",
            Self::Delivered => "delivered",
            Self::Presumed => "presumed",
            Self::Refused => "refused",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether plaintext left, or may have.
    pub const fn may_have_opened(self) -> bool {
        matches!(self, Self::Intended | Self::Delivered | Self::Presumed)
    }
}

/// Why an official access was refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OfficialRefusal {
    /// The order names more than one subject.
    TooWide,
    /// No second, different officer had signed when it was to be carried out.
    OneOfficer,
    /// The officer who had ordered it signed again.
    SameOfficer,
    /// It was not carried out in time.
    Expired,
    /// There is no record of the subject that could be opened.
    NoRecord,
    /// An officer who had signed is no officer of the authority any more.
    FormerOfficer,
}

impl OfficialRefusal {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::TooWide,
        Self::OneOfficer,
        Self::SameOfficer,
        Self::Expired,
        Self::NoRecord,
        Self::FormerOfficer,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooWide => "too_wide",
            Self::OneOfficer => "one_officer",
            Self::SameOfficer => "same_officer",
            Self::Expired => "expired",
            Self::NoRecord => "no_record",
            Self::FormerOfficer => "former_officer",
        }
    }

    /// The reason of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again_and_only_three_standings_may_have_opened() {
        for status in OfficialStatus::ALL {
            assert_eq!(OfficialStatus::named(status.as_str()), Some(status));
        }
        for refusal in OfficialRefusal::ALL {
            assert_eq!(OfficialRefusal::named(refusal.as_str()), Some(refusal));
        }
        let opened = OfficialStatus::ALL.into_iter().filter(|it| it.may_have_opened());
        assert_eq!(opened.count(), 3);
        assert!(!OfficialStatus::Refused.may_have_opened());
    }
}
