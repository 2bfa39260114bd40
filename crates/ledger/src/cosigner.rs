//! Asking the witnesses for their cosignatures (C2SP tlog-witness, add-checkpoint), until the policy's quorum has given
//! them. A witness that is down delays nobody who can do without it.

use std::sync::Arc;

use cyberid_storage::ledger::LedgerWrite;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::witness::accept_response;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::cosigned::CosignedCheckpoint;
use crate::error::LedgerError;
use crate::submitter::{Submitter, Witness};
use cyberid_ledger_read::{LedgerReader, ReadError};

/// What it takes to have a checkpoint cosigned.
pub(crate) struct Cosigner {
    store: Arc<dyn LedgerWrite>,
    reader: LedgerReader,
    policy: Policy,
    witnesses: Vec<Arc<Submitter>>,
    newest: watch::Sender<Option<CosignedCheckpoint>>,
    /// Held for a round, so that those who wait share the next one.
    round: Mutex<()>,
}

/// The signature lines that a witness gave, if it gave any.
type Answer = (Arc<Submitter>, Option<String>);

impl Cosigner {
    pub(crate) fn new(
        store: Arc<dyn LedgerWrite>,
        reader: LedgerReader,
        policy: Policy,
        witnesses: Vec<Witness>,
    ) -> Self {
        let witnesses = witnesses.into_iter().map(Submitter::new).map(Arc::new);
        Self {
            store,
            reader,
            policy,
            witnesses: witnesses.collect(),
            newest: watch::Sender::new(None),
            round: Mutex::new(()),
        }
    }

    /// A checkpoint with leaf `index` that the quorum has cosigned; `None` when the witnesses give no quorum now.
    pub(crate) async fn covering(
        &self,
        index: u64,
        latest: &watch::Receiver<VerifiedCheckpoint>,
    ) -> Result<Option<CosignedCheckpoint>, LedgerError> {
        if let Some(kept) = self.kept(index).await? {
            return Ok(Some(kept));
        }
        let _round = self.round.lock().await;
        if let Some(newest) = self.newest(index) {
            return Ok(Some(newest));
        }
        self.round(latest).await
    }

    /// Has the latest checkpoint cosigned once more, at the time that it is now.
    pub(crate) async fn renew(
        &self,
        latest: &watch::Receiver<VerifiedCheckpoint>,
    ) -> Result<(), LedgerError> {
        let _round = self.round.lock().await;
        if latest.borrow().size() > 0 {
            self.round(latest).await?;
        }
        Ok(())
    }

    /// The caller holds the round.
    async fn round(
        &self,
        latest: &watch::Receiver<VerifiedCheckpoint>,
    ) -> Result<Option<CosignedCheckpoint>, LedgerError> {
        let latest = latest.borrow().clone();
        let Some(cosigned) = self.ask(latest).await else {
            metrics::counter!("ledger_no_quorum_total").increment(1);
            return Ok(None);
        };
        self.store
            .keep_cosigned(cosigned.size(), &cosigned.note())
            .await?;
        self.newest.send_replace(Some(cosigned.clone()));
        Ok(Some(cosigned))
    }

    fn newest(&self, index: u64) -> Option<CosignedCheckpoint> {
        let newest = self.newest.borrow();
        newest.as_ref().filter(|newest| newest.size() > index).cloned()
    }

    async fn kept(&self, index: u64) -> Result<Option<CosignedCheckpoint>, ReadError> {
        if let Some(newest) = self.newest(index) {
            return Ok(Some(newest));
        }
        let stored = self.reader.cosigned(index.saturating_add(1)).await?;
        // One that an earlier policy accepted may not suffice today.
        Ok(stored.and_then(|stored| CosignedCheckpoint::check(stored, &self.policy).ok()))
    }

    /// Submits the checkpoint to all witnesses at once, until the policy is satisfied or all have answered.
    ///
    /// Who failed of late is left alone as long as the others can make a quorum. Who is slow goes on without us, so that
    /// it comes to see the log too.
    async fn ask(&self, mut checkpoint: VerifiedCheckpoint) -> Option<CosignedCheckpoint> {
        let (ready, mut resting): (Vec<_>, Vec<_>) = self
            .witnesses
            .iter()
            .cloned()
            .partition(|witness| witness.is_ready());
        let mut submissions = JoinSet::new();
        self.submit(ready, &checkpoint, &mut submissions);
        if !self.policy.would_suffice(self.asked(&resting)) {
            self.submit(std::mem::take(&mut resting), &checkpoint, &mut submissions);
        }
        loop {
            if let Ok(cosigned) = CosignedCheckpoint::check(checkpoint.clone(), &self.policy) {
                submissions.detach_all();
                return Some(cosigned);
            }
            if submissions.is_empty() {
                self.submit(std::mem::take(&mut resting), &checkpoint, &mut submissions);
            }
            match submissions.join_next().await? {
                Ok((witness, Some(lines))) => take(&mut checkpoint, &witness, &lines),
                Ok((_, None)) => {}
                Err(error) => tracing::error!(cause = %error, "a submission to a witness failed"),
            }
        }
    }

    /// The keys of all witnesses but these.
    fn asked<'a>(
        &'a self,
        resting: &'a [Arc<Submitter>],
    ) -> impl Iterator<Item = &'a cyberid_tlog::note::VerifierKey> {
        let is_asked = |witness: &&Arc<Submitter>| !resting.iter().any(|other| Arc::ptr_eq(other, witness));
        self.witnesses
            .iter()
            .filter(is_asked)
            .map(|witness| witness.key())
    }

    fn submit(
        &self,
        witnesses: Vec<Arc<Submitter>>,
        checkpoint: &VerifiedCheckpoint,
        submissions: &mut JoinSet<Answer>,
    ) {
        for witness in witnesses {
            let (reader, checkpoint) = (self.reader.clone(), checkpoint.clone());
            submissions.spawn(async move {
                let lines = witness.submit(&reader, &checkpoint).await;
                (witness, lines)
            });
        }
    }
}

/// Adds lines that were checked already; what does not fit any more adds nothing.
fn take(checkpoint: &mut VerifiedCheckpoint, witness: &Submitter, lines: &str) {
    if let Err(error) = accept_response(checkpoint, lines, witness.key()) {
        tracing::error!(witness = witness.key().name(), cause = %error, "a cosignature was not added");
    }
}
