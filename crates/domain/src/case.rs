//! Cases that two operators decide: a misuse that the true person reports, and an appeal against a refusal.

use serde::{Deserialize, Serialize};

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// Somebody else enrolled the person, or uses their identifier.
    Misuse,
    /// An enrolment was refused.
    Appeal,
}

impl CaseKind {
    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Misuse => "misuse",
            Self::Appeal => "appeal",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Misuse, Self::Appeal]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// How a case is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Whoever brought it is right.
    Upheld,
    /// They are not.
    Dismissed,
}

impl Verdict {
    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }

    /// The verdict of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Upheld, Self::Dismissed]
            .into_iter()
            .find(|verdict| verdict.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_messages_is_the_name_in_stores() {
        for kind in [CaseKind::Misuse, CaseKind::Appeal] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(CaseKind::named(kind.as_str()), Some(kind));
        }
        for verdict in [Verdict::Upheld, Verdict::Dismissed] {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
            assert_eq!(Verdict::named(verdict.as_str()), Some(verdict));
        }
        assert_eq!((CaseKind::named(""), Verdict::named("open")), (None, None));
    }
}
