//! The life of a subject inside the platform: its states with their arrows, and why somebody turned it.

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant:meta])* $variant_name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant])* $variant_name,)*
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant_name),*];

            /// The name in messages and stores.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant_name => $text,)* }
            }

            /// The one of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }
    };
}

names! {
    /// Whether an identifier may be used. Only what is active answers for anybody.
    SubjectStatus {
        /// Asked for, and not granted yet.
        Applied = "applied",
        /// In use.
        Active = "active",
        /// Halted by the holder or by somebody else; may come back.
        Suspended = "suspended",
        /// The document or the certificate has ended; renewing brings it back.
        Expired = "expired",
        /// Ended for ever by its holder, and erased.
        Cancelled = "cancelled",
        /// Ended by the holder's death.
        Deceased = "deceased",
    }
}

impl SubjectStatus {
    /// Whether there is an arrow from here to `next`. None leads to itself, and none away from a cancellation. A death
    /// that was reported in error leads to a suspension, which others lift.
    pub const fn may_become(self, next: Self) -> bool {
        use SubjectStatus as S;
        matches!(
            (self, next),
            (S::Applied, S::Active | S::Cancelled)
                | (S::Active, S::Suspended | S::Expired | S::Cancelled | S::Deceased)
                | (S::Suspended, S::Active | S::Expired | S::Cancelled | S::Deceased)
                | (S::Expired, S::Active | S::Suspended | S::Cancelled | S::Deceased)
                | (S::Deceased, S::Suspended | S::Cancelled)
        )
    }
}

names! {
    /// Why an identifier's life was turned. A suspension lasts while any reason for it stands.
    LifeReason {
        /// Its holder asked for it; nobody else lifts it.
        Holder = "holder",
        /// Operators decided it.
        Operator = "operator",
        /// The document is not valid.
        Document = "document",
        /// Somebody else enrolled it or uses it.
        Misuse = "misuse",
        /// The holder died.
        Death = "death",
    }
}

impl LifeReason {
    /// Whether the ledger says so: whatever others than the holder alone do.
    pub const fn is_recorded(self) -> bool {
        !matches!(self, Self::Holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use SubjectStatus as S;

    #[test]
    fn a_name_is_read_back_and_is_the_name_in_messages() {
        for status in S::ALL {
            assert_eq!(S::named(status.as_str()), Some(*status));
            let text = serde_json::to_string(status).unwrap();
            assert_eq!(text, format!("\"{}\"", status.as_str()));
        }
        for reason in LifeReason::ALL {
            assert_eq!(LifeReason::named(reason.as_str()), Some(*reason));
            let text = serde_json::to_string(reason).unwrap();
            assert_eq!(text, format!("\"{}\"", reason.as_str()));
        }
        assert_eq!(S::named("Active"), None);
    }

    #[test]
    fn nothing_follows_a_cancellation_and_everything_may_be_cancelled() {
        for status in S::ALL {
            assert!(!S::Cancelled.may_become(*status), "{status:?}");
            assert!(!status.may_become(*status), "{status:?}");
            assert_eq!(status.may_become(S::Cancelled), *status != S::Cancelled);
            assert!(!status.may_become(S::Applied), "{status:?}");
        }
    }

    #[test]
    fn who_died_does_not_act_again_before_somebody_lifts_the_suspension() {
        let after: Vec<_> = S::ALL
            .iter()
            .filter(|next| S::Deceased.may_become(**next))
            .collect();
        assert_eq!(after, [&S::Suspended, &S::Cancelled]);
        assert!(!S::Deceased.may_become(S::Active) && S::Suspended.may_become(S::Active));
    }
}
