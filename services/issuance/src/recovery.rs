//! Finishing what was interrupted: a begun enrolment is freed, a committed one is confirmed.
//!
//! A command that the dead process had sent may still arrive after a begun enrolment was freed, and would bar the person for
//! good. So such an enrolment is freed at once, and stays open to be freed again when nothing can arrive any more.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::deposit::{MAX_LIFE, Outcome};
use cyberid_storage::subject::EnrolmentStage;

use crate::{EnrolmentError, Issuance};

impl Issuance {
    /// Confirms or frees every enrolment from before this start. Run it once, before anything is accepted.
    ///
    /// What a key holder did not hear is left to [`housekeep`](Self::housekeep), as is the end of those that were freed.
    pub async fn recover(&self) -> Result<(), EnrolmentError> {
        self.settle_open(self.now().plus(1)).await
    }

    /// What has to be done again and again: interrupted enrolments, used nonces, ages, what ends by its own date, and what
    /// was begun with an identifier and is not done.
    pub async fn housekeep(&self) -> Result<(), EnrolmentError> {
        self.settle_open(self.started).await?;
        if let Err(error) = self.unbind_due().await {
            // A key holder that is away keeps nobody young, valid or waiting.
            tracing::warn!(%error, "a key holder has not unbound a device yet; it will");
        }
        self.meter.rest(self.now());
        self.carry_out_cases().await;
        self.forget_appeals().await?;
        self.parts.single_uses.forget_single_uses(self.now()).await?;
        self.reach_ages().await?;
        self.expire_ended().await?;
        for done in [self.carry_out_acts().await, self.carry_out_renumberings().await] {
            if let Err(error) = done {
                tracing::error!(cause = %error, "what was begun with an identifier is not done yet");
            }
        }
        Ok(())
    }

    /// Tells both key holders how an enrolment ended, and ends it once both know.
    pub(crate) async fn finish(&self, subject: SubjectId, outcome: Outcome) -> Result<(), EnrolmentError> {
        self.settle(&[subject], outcome).await?;
        match outcome {
            Outcome::Confirmed => self.parts.subjects.end_confirmed(&subject).await?,
            Outcome::Freed => {
                self.parts.guardianships.dissolve(&subject).await?;
                self.parts.subjects.end_enrolment(&subject).await?;
            }
        }
        Ok(())
    }

    /// Confirms every committed enrolment, frees those that were begun before `dead_before`, and ends those that no
    /// command can reach any more.
    async fn settle_open(&self, dead_before: UnixTime) -> Result<(), EnrolmentError> {
        // Before the lists: what a run leaves behind after a list was read is another stage than the listed one.
        let running = self.running.snapshot();
        let arrived = self.begun_before(self.all_arrived_before()).await?;
        let dead = self.begun_before(dead_before).await?;
        let open = self.parts.subjects.open_enrolments(self.now().plus(1)).await?;
        // 9.
        for (subject, stage) in open {
            let settled = match stage {
                _ if running.contains(&subject) => continue,
                EnrolmentStage::Committed => self.finish(subject, Outcome::Confirmed).await,
                EnrolmentStage::Begun if arrived.contains(&subject) => self.end_freed(subject).await,
                EnrolmentStage::Begun if dead.contains(&subject) => self.free_once(subject).await,
                EnrolmentStage::Begun => continue,
            };
            if let Err(error) = settled {
                tracing::warn!(%error, "an interrupted enrolment is still open");
            }
        }
        Ok(())
    }

    /// Of every enrolment that was begun before this, whatever was on its way to a key holder has arrived by now, or is
    /// refused as expired. The process before this one may have sent until this one started.
    fn all_arrived_before(&self) -> UnixTime {
        let sent_before = self.now().minus(MAX_LIFE + 2 * SKEW);
        if sent_before < self.started {
            UnixTime(0)
        } else {
            sent_before
        }
    }

    async fn begun_before(&self, moment: UnixTime) -> Result<HashSet<SubjectId>, EnrolmentError> {
        let open = self.parts.subjects.open_enrolments(moment).await?;
        Ok(open.into_iter().map(|(subject, _)| subject).collect())
    }

    /// Frees the enrolment and leaves it open; nothing if both key holders have heard so from this process.
    async fn free_once(&self, subject: SubjectId) -> Result<(), EnrolmentError> {
        if self.freed().contains(&subject) {
            return Ok(());
        }
        self.settle(&[subject], Outcome::Freed).await?;
        self.freed().insert(subject);
        Ok(())
    }

    async fn end_freed(&self, subject: SubjectId) -> Result<(), EnrolmentError> {
        self.finish(subject, Outcome::Freed).await?;
        self.freed().remove(&subject);
        Ok(())
    }

    fn freed(&self) -> MutexGuard<'_, HashSet<SubjectId>> {
        self.freed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
