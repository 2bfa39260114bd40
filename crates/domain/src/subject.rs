//! The life of a subject inside the platform.

use serde::{Deserialize, Serialize};

/// Whether an identifier may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubjectStatus {
    /// In use.
    Active,
    /// Halted; may come back.
    Suspended,
    /// Ended for ever.
    Cancelled,
}

impl SubjectStatus {
    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}
