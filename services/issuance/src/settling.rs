//! Having the key holders confirm what was committed: of enrolments that end together they are told by one command each.
//!
//! While others are on their way, whoever has committed first waits a moment for them, and then tells of all who came. Nobody
//! waits alone, and the answer to each still says that the key holders were told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cyberid_domain::id::SubjectId;
use cyberid_protocol::deposit::{MOST_OTHERS, Outcome};
use tokio::sync::oneshot;

use crate::{EnrolmentError, Issuance};

/// For how long whoever is first waits for others.
const GATHER: Duration = Duration::from_millis(50);

/// Those that wait to be told of, and how many enrolments are on their way.
#[derive(Default)]
pub(crate) struct Settling {
    waiting: Mutex<Vec<Waiting>>,
    under_way: AtomicUsize,
}

struct Waiting {
    subject: SubjectId,
    /// Dropped without a word where the key holders were not told.
    told: oneshot::Sender<()>,
}

/// An enrolment on its way, until this is dropped.
pub(crate) struct UnderWay<'a>(&'a Settling);

/// Whoever is first. If it ends before its time, the others do not wait for it.
struct First<'a>(&'a Settling);

impl Settling {
    /// Says that an enrolment is on its way.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// Whether whoever waits is not alone.
    fn has_others(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 1
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Issuance {
    /// Has both key holders confirm a committed subject, together with others that were committed in this moment, and ends
    /// its enrolment. What fails is left to housekeeping.
    pub(crate) async fn confirm(&self, subject: SubjectId) {
        let (told, hears) = oneshot::channel();
        let is_first = {
            let mut waiting = self.settling.waiting();
            waiting.push(Waiting { subject, told });
            waiting.len() == 1
        };
        if is_first {
            self.confirm_all(First(&self.settling)).await;
        }
        if hears.await.is_err() {
            tracing::warn!("an enrolment is committed and not yet confirmed; it will be");
        }
    }

    /// Gathers those that wait, and tells of them.
    async fn confirm_all(&self, first: First<'_>) {
        if self.settling.has_others() {
            tokio::time::sleep(GATHER).await;
        }
        let mut waiting = first.take();
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(MOST_OTHERS + 1));
            if let Err(error) = self.confirm_together(waiting).await {
                tracing::warn!(%error, "a key holder did not confirm");
            }
            waiting = rest;
        }
    }

    async fn confirm_together(&self, waiting: Vec<Waiting>) -> Result<(), EnrolmentError> {
        let subjects: Vec<SubjectId> = waiting.iter().map(|waiting| waiting.subject).collect();
        self.settle(&subjects, Outcome::Confirmed).await?;
        for Waiting { subject, told } in waiting {
            self.parts.subjects.end_confirmed(&subject).await?;
            // Whoever does not hear any more needs no answer.
            let _ = told.send(());
        }
        Ok(())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl First<'_> {
    /// Those that wait. Whoever comes from here on is first anew.
    fn take(self) -> Vec<Waiting> {
        let waiting = std::mem::take(&mut *self.0.waiting());
        std::mem::forget(self);
        waiting
    }
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.waiting().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(settling: &Settling, byte: u8) -> oneshot::Receiver<()> {
        let (told, hears) = oneshot::channel();
        let subject = SubjectId::from_bytes([byte; 32]);
        settling.waiting().push(Waiting { subject, told });
        hears
    }

    /// While they are told of, the next ones gather; and nobody waits for a first that is no more.
    #[tokio::test]
    async fn whoever_comes_after_the_taking_is_not_lost_and_whoever_came_before_an_end_is_told() {
        let settling = Settling::default();
        let _taken_hears = waits(&settling, 1);
        let taken = First(&settling).take();
        let later = waits(&settling, 2);
        assert_eq!((taken.len(), settling.waiting().len()), (1, 1));
        drop(First(&settling));
        assert!(later.await.is_err());
    }
}
