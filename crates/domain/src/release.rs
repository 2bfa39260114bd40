//! The life of a release of plaintext identity.
//!
//! ```text
//! Requested --grant--> Granted --intend--> Intended --deliver--> Delivered
//!     |                  |                    '--presume--> Presumed
//!     |--decline--> Declined     |
//!     '--expire---> Expired <----'   Granted, Delivered, Presumed --withdraw--> Withdrawn
//! ```

use serde::{Deserialize, Serialize};

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReleaseStatus {
    /// The relying party asked; the holder has not answered.
    Requested,
    /// The holder refused.
    Declined,
    /// Nobody answered, or nobody redeemed, in time.
    Expired,
    /// The holder signed, and the log says so.
    Granted,
    /// The log says that plaintext is about to leave.
    Intended,
    /// Plaintext left.
    Delivered,
    /// The platform stopped between intent and delivery: plaintext may have left.
    Presumed,
    /// The holder withdrew; the relying party must erase.
    Withdrawn,
}

impl ReleaseStatus {
    const ALL: [Self; 8] = [
        Self::Requested,
        Self::Declined,
        Self::Expired,
        Self::Granted,
        Self::Intended,
        Self::Delivered,
        Self::Presumed,
        Self::Withdrawn,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Granted => "granted",
            Self::Intended => "intended",
            Self::Delivered => "delivered",
            Self::Presumed => "presumed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the life may go from here to `next`.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Requested, Self::Granted | Self::Declined | Self::Expired)
                | (Self::Granted, Self::Intended | Self::Withdrawn | Self::Expired)
                | (Self::Intended, Self::Delivered | Self::Presumed)
                | (Self::Delivered | Self::Presumed, Self::Withdrawn)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_delivered_but_what_was_intended_and_granted_before() {
        for from in ReleaseStatus::ALL {
            assert_eq!(
                from.may_become(ReleaseStatus::Delivered),
                from == ReleaseStatus::Intended
            );
            assert_eq!(
                from.may_become(ReleaseStatus::Intended),
                from == ReleaseStatus::Granted
            );
            assert_eq!(
                from.may_become(ReleaseStatus::Granted),
                from == ReleaseStatus::Requested
            );
        }
    }
}
