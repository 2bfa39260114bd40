//! The registry: one database behind several small ports.

use crate::event::Events;
use crate::idempotency::KeptAnswers;
use crate::journal::Journal;
use crate::promise::Promises;
use crate::release::Releases;
use crate::relying_party::{Oversight, RelyingParties};
use crate::single_use::SingleUses;
use crate::subject::Subjects;
use crate::verification::Verifications;

/// Everything that the registry keeps. A service takes the ports that it needs, not this.
pub trait Registry:
    Subjects
    + RelyingParties
    + Oversight
    + Verifications
    + Releases
    + Promises
    + Events
    + SingleUses
    + KeptAnswers
    + Journal
{
}

impl<T> Registry for T where
    T: Subjects
        + RelyingParties
        + Oversight
        + Verifications
        + Releases
        + Promises
        + Events
        + SingleUses
        + KeptAnswers
        + Journal
{
}
