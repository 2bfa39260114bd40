//! Cancellations: the work of ending an identifier and erasing what was kept of its person, until it is done.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;

use crate::Result;
use crate::event::NewEvent;

/// A cancellation that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCancellation {
    /// Whose identifier ends.
    pub subject: SubjectId,
    /// What the holder signed, compact.
    pub message: String,
    /// When it was taken.
    pub begun_at: UnixTime,
}

/// Cancellations.
#[async_trait]
pub trait Cancellations: Send + Sync {
    /// Takes a cancellation. From here on the subject grants no release. Of several the first one stays. `false`, and nothing
    /// written, while somebody has reported that the identifier is theirs, and that is not decided and carried out.
    async fn begin_cancellation(&self, cancellation: &OpenCancellation) -> Result<bool>;

    /// The cancellations that are not done, oldest first.
    async fn open_cancellations(&self) -> Result<Vec<OpenCancellation>>;

    /// In one transaction: erases what was kept of the person and tells these events. Consents, request objects, salts,
    /// pseudonyms, passkeys, PIN and the tags of age and person go; that there was a subject stays, as do all leaves.
    /// The tag of the person is kept apart, without the subject: under it nobody is enrolled before it has cooled off.
    /// What was erased is in no file of the store afterwards. `false`, and nothing written, if no cancellation is open.
    async fn erase_person(&self, subject: &SubjectId, events: &[NewEvent]) -> Result<bool>;

    /// Counts the cooling-off of tags of erased people that are new from the day `today`, and forgets those that were counted
    /// from `before` or earlier; how many those were.
    async fn cool_off_people(&self, today: UnixTime, before: UnixTime) -> Result<u64>;
}
