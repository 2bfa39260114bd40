//! Faults on demand, so that whoever asks can be shown to fail closed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the source misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It does not.
    None,
    /// It answers rightly, but after [`SLOWNESS`].
    Slow,
    /// It confirms every question, with an answer signed for another one.
    Wrong,
    /// It is not available.
    Down,
    /// It answers with something that is not signed.
    Garbage,
}

/// How late a slow answer is: later than anyone waits.
pub(crate) const SLOWNESS: Duration = Duration::from_secs(20);
