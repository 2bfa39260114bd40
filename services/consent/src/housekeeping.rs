//! What has to happen without anybody asking: recovery at the start, and every few seconds afterwards.

use cyberid_domain::id::ReleaseId;
use cyberid_domain::release::ReleaseStatus;
use cyberid_ledger::promises;
use cyberid_protocol::leaf::LeafKind;
use cyberid_storage::release::{Release, Step};

use crate::{Consent, ConsentError, Refusal};

impl Consent {
    /// Run once before anything is accepted: keeps what was promised, and presumes delivered what a crash left
    /// intended, because plaintext may have left.
    pub async fn recover(&self) -> Result<(), ConsentError> {
        self.resume().await?;
        self.pump().await?;
        for release in self.parts.releases.in_status(ReleaseStatus::Intended).await? {
            let _turn = self.turns.of(&release.id).await;
            self.presume(&release).await?;
        }
        self.recover_officials().await?;
        self.carry_out_cancellations().await
    }

    /// Run every few seconds: what fails for one release is logged and does not hold up the others.
    pub async fn housekeep(&self) -> Result<(), ConsentError> {
        self.pump().await?;
        for release in self.parts.releases.in_status(ReleaseStatus::Requested).await? {
            log(&release.id, self.expire_request(&release).await);
        }
        for release in self.parts.releases.in_status(ReleaseStatus::Granted).await? {
            log(&release.id, self.expire_grant(&release).await);
        }
        for release in self.parts.releases.in_status(ReleaseStatus::Intended).await? {
            log(&release.id, self.give_up_intent(&release.id).await);
        }
        self.housekeep_officials().await?;
        let now = self.parts.clock.now();
        for owed in self.parts.releases.overdue_erasures(now).await? {
            log(&owed.release, self.record_overdue(&owed).await);
        }
        self.carry_out_cancellations().await?;
        self.cool_off_people().await?;
        self.parts.kept_answers.forget_answers(now).await?;
        self.answers.forget_rested(now);
        Ok(())
    }

    /// Puts every promised leaf into the log, whichever service promised it.
    pub async fn pump(&self) -> Result<u64, ConsentError> {
        Ok(promises::keep(&self.parts.ledger, &*self.parts.promises).await?)
    }

    /// Waits until some service has promised a leaf.
    pub async fn promised(&self) {
        self.parts.promised.notified().await;
    }

    /// Records that plaintext may have left. The caller has the turn.
    pub(crate) async fn presume(&self, release: &Release) -> Result<(), ConsentError> {
        let kind = LeafKind::ReleasePresumed;
        self.advance(release, ReleaseStatus::Presumed, kind).await?;
        self.keep_leaves(&release.id, kind).await.map(|_| ())
    }

    /// A request that nobody answered goes without a leaf: nothing was agreed to.
    async fn expire_request(&self, release: &Release) -> Result<(), ConsentError> {
        if release.expires_at > self.parts.clock.now() {
            return Ok(());
        }
        let step = Step {
            id: &release.id,
            from: ReleaseStatus::Requested,
            to: ReleaseStatus::Expired,
            leaf: None,
            event: None,
            uses: None,
        };
        self.parts.releases.step(&step).await?;
        Ok(())
    }

    async fn expire_grant(&self, release: &Release) -> Result<(), ConsentError> {
        let redeem_by = release.grant.as_ref().map(|grant| grant.redeem_by);
        if redeem_by.is_none_or(|end| end > self.parts.clock.now()) {
            return Ok(());
        }
        let _turn = self.turns.of(&release.id).await;
        let Some(release) = self.still(&release.id, ReleaseStatus::Granted).await? else {
            return Ok(());
        };
        let kind = LeafKind::ConsentExpired;
        self.advance(&release, ReleaseStatus::Expired, kind).await?;
        self.keep_leaves(&release.id, kind).await.map(|_| ())
    }

    async fn give_up_intent(&self, id: &ReleaseId) -> Result<(), ConsentError> {
        let _turn = self.turns.of(id).await;
        match self.still(id, ReleaseStatus::Intended).await? {
            Some(release) if self.is_stale(&release)? => self.presume(&release).await,
            _ => Ok(()),
        }
    }

    /// The release, if it still stands there now that it is our turn.
    async fn still(&self, id: &ReleaseId, status: ReleaseStatus) -> Result<Option<Release>, ConsentError> {
        let release = self.parts.releases.release(id).await?.ok_or(Refusal::NotFound)?;
        Ok((release.status == status).then_some(release))
    }
}

fn log(id: &ReleaseId, done: Result<(), ConsentError>) {
    if let Err(error) = done {
        tracing::error!(release = %id, cause = %error, "housekeeping failed for a release");
    }
}
