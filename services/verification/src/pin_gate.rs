//! One attempt at a person's PIN at a time: guesses that run together would all be checked before the first is counted
//! as failed.

use cyberid_domain::id::SubjectId;
use tokio::sync::{Mutex, MutexGuard};

const GATES: usize = 64;

/// Gates, shared by a byte of the subject's random handle.
pub(crate) struct PinGates([Mutex<()>; GATES]);

impl Default for PinGates {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl PinGates {
    /// Passes the gate of a subject; it closes behind the caller until the guard is dropped.
    pub(crate) async fn enter(&self, subject: &SubjectId) -> MutexGuard<'_, ()> {
        let [first, ..] = *subject.as_bytes();
        let [zeroth, ..] = &self.0;
        self.0
            .get(usize::from(first) % GATES)
            .unwrap_or(zeroth)
            .lock()
            .await
    }
}
