//! The thread that brings what was signed to the store, where everybody reads.

use std::sync::Arc;
use std::time::Duration;

use cyberid_storage::StorageError;
use cyberid_storage::head::LedgerHead;
use cyberid_storage::ledger::{Batch, LedgerWrite};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::backlog::Backlog;
use crate::tree::Edge;
use crate::writer::Signed;

/// How long it rests after the store's first failure; twice as long after each that follows.
const FIRST_REST: Duration = Duration::from_millis(50);

/// How long it rests at most.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// How often the store failed, and how it did the last time.
pub(crate) type Failures = (u64, Option<Arc<StorageError>>);

/// The publisher: many groups share a transaction of the store, which has leaves, tiles and checkpoint together or not.
pub(crate) struct Publisher {
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) store: Arc<dyn LedgerWrite>,
    pub(crate) head: Arc<dyn LedgerHead>,
    pub(crate) runtime: Handle,
    pub(crate) edge: Edge,
    /// Whether the store has kept what it shows: one that has failed may show what it did not keep.
    pub(crate) is_sure: bool,
    pub(crate) published: watch::Sender<VerifiedCheckpoint>,
    pub(crate) failures: watch::Sender<Failures>,
}

/// Why nothing more is brought to the store.
#[derive(Debug, thiserror::Error)]
enum End {
    /// Somebody else writes to it.
    #[error("the ledger's store holds what this process did not write")]
    Elsewhere,
    /// The process ends, and the store still fails: the next start brings the rest.
    #[error("the ledger's store fails at the end of the process")]
    Closing,
}

impl Publisher {
    /// Works until nothing more comes, or until it must stop for good.
    pub(crate) fn run(mut self) {
        while let Some(groups) = self.backlog.next() {
            if let Err(end) = self.publish(groups) {
                tracing::error!(cause = %end, "nothing more is brought to the ledger's store");
                break;
            }
        }
    }

    fn publish(&mut self, groups: Vec<Signed>) -> Result<(), End> {
        let Some(last) = groups.last() else { return Ok(()) };
        let (follows, checkpoint) = (self.edge.size(), last.checkpoint.clone());
        let (mut leaves, mut nodes) = (Vec::new(), Vec::new());
        for mut group in groups {
            leaves.append(&mut group.leaves);
            nodes.append(&mut group.nodes);
        }
        let batch = Batch {
            tiles: self.edge.grow(checkpoint.size(), &nodes),
            leaves,
            checkpoint: checkpoint.note().to_string(),
        };
        self.bring(follows, &batch)?;
        let (size, leaves) = (checkpoint.size(), batch.leaves.len());
        self.backlog.done(size, leaves);
        self.published.send_replace(checkpoint);
        self.settle(size);
        Ok(())
    }

    /// Tries until the store has the batch; nothing is lost meanwhile, since the head holds it.
    fn bring(&mut self, follows: u64, batch: &Batch) -> Result<(), End> {
        let mut rest = FIRST_REST;
        loop {
            let error = match self.attempt(follows, batch) {
                Ok(done) => return done,
                Err(error) => Arc::new(error),
            };
            tracing::error!(cause = %error, "the ledger's store fails; it is tried again");
            self.is_sure = false;
            self.failures.send_modify(|(count, last)| {
                *count += 1;
                *last = Some(Arc::clone(&error));
            });
            if self.backlog.is_closed() {
                return Err(End::Closing);
            }
            self.backlog.failed(&error, rest);
            rest = (rest * 2).min(LONGEST_REST);
        }
    }

    /// Looks where the store stands, since an attempt before may have failed and happened, and appends.
    fn attempt(&self, follows: u64, batch: &Batch) -> Result<Result<(), End>, StorageError> {
        let has_failed = self.failures.borrow().0 > 0;
        self.runtime.block_on(async {
            if has_failed && self.store.checkpoint().await?.as_ref() == Some(&batch.checkpoint) {
                return Ok(Ok(()));
            }
            let appended = self.store.append(follows, batch).await?;
            Ok(if appended { Ok(()) } else { Err(End::Elsewhere) })
        })
    }

    /// Lets the head forget what the store has, once that is sure; until then the head holds everything.
    fn settle(&mut self, size: u64) {
        if !self.is_sure {
            self.is_sure = self.runtime.block_on(is_sure(&*self.store));
        }
        if !self.is_sure {
            return;
        }
        if let Err(error) = self.head.settled(size) {
            tracing::warn!(cause = %error, "the ledger's head keeps what the store has already");
        }
    }
}

/// Whether the store has kept what it shows.
pub(crate) async fn is_sure(store: &dyn LedgerWrite) -> bool {
    let made = store.make_sure().await;
    let is_sure = matches!(made, Ok(true));
    if !is_sure {
        let cause = made.err().map(tracing::field::display);
        tracing::warn!(
            cause,
            "the ledger's head holds everything: what its store shows may not be durable"
        );
    }
    is_sure
}

impl Drop for Publisher {
    /// However it ends: nobody waits for what does not come.
    fn drop(&mut self) {
        self.backlog.stop();
    }
}
