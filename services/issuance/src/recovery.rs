//! Finishing what was interrupted: a begun enrolment is freed, a committed one is confirmed.

use std::collections::HashSet;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::deposit::{MAX_LIFE, Outcome};
use cyberid_storage::subject::EnrolmentStage;

use crate::{EnrolmentError, Issuance};

impl Issuance {
    /// Finishes or frees every enrolment from before this start. Run it once, before anything is accepted.
    ///
    /// A key holder that cannot be reached leaves an enrolment open; [`housekeep`](Self::housekeep) tries again.
    pub async fn recover(&self) -> Result<(), EnrolmentError> {
        self.settle_open(self.now().plus(1)).await
    }

    /// What has to be done again and again: interrupted enrolments, used nonces, ages.
    pub async fn housekeep(&self) -> Result<(), EnrolmentError> {
        // Whatever was on its way to a key holder has arrived by now, or is refused as expired.
        let arrived = self.now().minus(MAX_LIFE + 2 * SKEW);
        self.settle_open(arrived.max(self.started)).await?;
        self.parts.single_uses.forget_single_uses(self.now()).await?;
        self.reach_ages().await
    }

    /// Tells both key holders how an enrolment ended, and ends it once both know.
    pub(crate) async fn finish(&self, subject: SubjectId, outcome: Outcome) -> Result<(), EnrolmentError> {
        self.settle(subject, outcome).await?;
        self.parts.subjects.end_enrolment(&subject).await?;
        Ok(())
    }

    /// Confirms every committed enrolment, and frees those that were begun before `begun_before`.
    async fn settle_open(&self, begun_before: UnixTime) -> Result<(), EnrolmentError> {
        // Before the list: what a run leaves behind after the list was read is another stage than the listed one.
        let running = self.running.snapshot();
        let old = self.parts.subjects.open_enrolments(begun_before).await?;
        let old: HashSet<SubjectId> = old.into_iter().map(|(subject, _)| subject).collect();
        let open = self.parts.subjects.open_enrolments(self.now().plus(1)).await?;
        // 9.
        for (subject, stage) in open {
            let outcome = match stage {
                _ if running.contains(&subject) => continue,
                EnrolmentStage::Committed => Outcome::Confirmed,
                EnrolmentStage::Begun if old.contains(&subject) => Outcome::Freed,
                EnrolmentStage::Begun => continue,
            };
            if let Err(error) = self.finish(subject, outcome).await {
                tracing::warn!(%error, "an interrupted enrolment is still open");
            }
        }
        Ok(())
    }
}
