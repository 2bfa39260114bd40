//! Device keys that act once: the codes of the sheets that counters give to people without a device.

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, SubjectId};

use crate::subject::Subject;

/// The most unused codes that a holder has at once.
pub const MOST_CODES: u32 = 20;

/// For how many seconds the key holders know a code that was used: what it agreed to can be redeemed for a day.
pub const UNBOUND_AFTER: u64 = 86_400 + 600;

/// The keys of a sheet, kept before any of them is bound: from then on each can act once only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCodes {
    /// Whose.
    pub subject: SubjectId,
    /// The keys' thumbprints.
    pub jkts: Vec<String>,
    /// The operator's client that assists.
    pub station: ClientId,
    /// When.
    pub now: UnixTime,
}

/// What a device key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// It is a device's, and acts for as long as it is not revoked.
    Lasting,
    /// It is a code's that has not acted.
    Unused,
    /// It is a code's that has acted.
    Used,
}

/// A subject as found by any key that is bound to it.
#[derive(Debug, Clone)]
pub struct Keyed {
    /// The subject.
    pub subject: Subject,
    /// What the key can do.
    pub usable: KeyUse,
}

impl Keyed {
    /// The subject, unless the key is a code's that has acted.
    pub fn usable(self) -> Option<Subject> {
        (self.usable != KeyUse::Used).then_some(self.subject)
    }

    /// Whether the key acts once.
    pub fn is_code(&self) -> bool {
        self.usable != KeyUse::Lasting
    }
}
