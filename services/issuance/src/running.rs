//! The enrolments that are running in this process: nobody else may end them.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cyberid_domain::id::SubjectId;

/// The enrolments that are running.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashSet<SubjectId>>);

/// An enrolment that runs until this is dropped.
pub(crate) struct Run<'a> {
    running: &'a Running,
    subject: SubjectId,
}

impl Running {
    /// Says that the enrolment of `subject` runs.
    pub(crate) fn begin(&self, subject: SubjectId) -> Run<'_> {
        self.set().insert(subject);
        Run {
            running: self,
            subject,
        }
    }

    /// Those that run at this moment.
    pub(crate) fn snapshot(&self) -> HashSet<SubjectId> {
        self.set().clone()
    }

    fn set(&self) -> MutexGuard<'_, HashSet<SubjectId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.running.set().remove(&self.subject);
    }
}
