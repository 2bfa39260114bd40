//! The one task that gives leaves their places.

use std::collections::HashMap;
use std::mem;

use cyberid_domain::id::LeafId;
use cyberid_storage::ledger::NewLeaf;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::LedgerError;
use crate::writer::{Tip, Writer};

/// The most leaves under one checkpoint more than under the last.
const GROUP: usize = 256;

/// A leaf that waits for its place.
pub(crate) struct Waiting {
    pub(crate) leaf: NewLeaf,
    pub(crate) answer: oneshot::Sender<Result<u64, LedgerError>>,
}

/// The sequencer: it takes whatever waits as one group, so that a lone leaf waits for no timer and many share a signature.
pub(crate) struct Sequencer {
    writer: Writer,
    tip: Option<Tip>,
    latest: watch::Sender<VerifiedCheckpoint>,
}

impl Sequencer {
    pub(crate) fn new(writer: Writer, tip: Tip) -> Self {
        let latest = watch::Sender::new(tip.checkpoint.clone());
        Self {
            writer,
            tip: Some(tip),
            latest,
        }
    }

    /// The last checkpoint that was signed, from now on.
    pub(crate) fn latest(&self) -> watch::Receiver<VerifiedCheckpoint> {
        self.latest.subscribe()
    }

    /// Works until nobody can ask any more, or until it must stop for good; then the queue is closed.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut group = Vec::new();
        while queue.recv_many(&mut group, GROUP).await > 0 {
            if let Err(error) = self.serve(mem::take(&mut group)).await {
                tracing::error!(cause = %error, "the sequencer stops for good");
                break;
            }
        }
        queue.close();
        while let Some(waiting) = queue.recv().await {
            // Whoever no longer waits needs no answer, here and below.
            let _ = waiting.answer.send(Err(LedgerError::Stopped));
        }
    }

    /// Answers a group; an error is one after which nothing may be signed.
    async fn serve(&mut self, group: Vec<Waiting>) -> Result<(), LedgerError> {
        let placed = self.place(&group).await;
        if placed.is_err() {
            // What the stores hold now is unknown: it is read again before anything is done.
            self.tip = None;
        }
        for waiting in group {
            let place = placed.as_ref().map_err(Clone::clone);
            let place = place.and_then(|places| {
                let place = places.get(&waiting.leaf.id).copied();
                place.ok_or(LedgerError::Stopped)
            });
            let _ = waiting.answer.send(place);
        }
        match placed {
            Err(error) if error.is_final() => Err(error),
            _ => Ok(()),
        }
    }

    /// The place of every leaf of the group; all of them are stored and under a signed checkpoint.
    async fn place(&mut self, group: &[Waiting]) -> Result<HashMap<LeafId, u64>, LedgerError> {
        let tip = match self.tip.take() {
            Some(tip) => tip,
            None => self.writer.load().await?,
        };
        let mut places = HashMap::new();
        let mut new = Vec::new();
        let mut next = tip.checkpoint.size();
        for Waiting { leaf, .. } in group {
            if places.contains_key(&leaf.id) {
                continue;
            }
            let place = match self.writer.store.index_of(&leaf.id).await? {
                Some(place) if place < tip.checkpoint.size() => place,
                // Somebody else has appended it.
                Some(_) => return Err(LedgerError::Stopped),
                None => {
                    new.push(leaf.clone());
                    next += 1;
                    next - 1
                }
            };
            places.insert(leaf.id.clone(), place);
        }
        let tip = if new.is_empty() {
            tip
        } else {
            self.writer.extend(&tip, &new).await?
        };
        self.latest.send_replace(tip.checkpoint.clone());
        self.tip = Some(tip);
        Ok(places)
    }
}
