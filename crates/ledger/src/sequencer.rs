//! The one thread that gives leaves their places. It calls no database: only a name that is not in memory, and not above
//! all that are, is asked of the store.

use std::collections::HashMap;
use std::sync::Arc;

use cyberid_domain::id::LeafId;
use cyberid_storage::ledger::{LedgerWrite, NewLeaf};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::backlog::Backlog;
use crate::error::LedgerError;
use crate::names::{Known, Names};
use crate::queue::{Queue, Waiting};
use crate::writer::{Signed, Tip, Writer};

/// The sequencer: it takes whatever waits as one group, so that a lone leaf waits for no timer and many share a signature
/// and a sync.
pub(crate) struct Sequencer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) writer: Writer,
    pub(crate) store: Arc<dyn LedgerWrite>,
    pub(crate) runtime: Handle,
    pub(crate) latest: watch::Sender<VerifiedCheckpoint>,
    pub(crate) names: Names,
    /// The end of the log as far as it is known.
    pub(crate) tip: Tip,
    /// After an error the head may stand elsewhere: it is read again before anything is done, and if it has not this group,
    /// this one goes first. So no size is ever signed twice with two roots.
    pub(crate) unsure: Option<Vec<NewLeaf>>,
}

/// Who waits, and for which place.
struct Answer {
    to: oneshot::Sender<Result<u64, LedgerError>>,
    place: Result<u64, LedgerError>,
}

impl Sequencer {
    /// Works until nobody can ask any more, or until it must stop for good.
    pub(crate) fn run(mut self) {
        while let Some(group) = self.queue.take() {
            if let Err(error) = self.serve(group) {
                tracing::error!(cause = %error, "the sequencer stops for good");
                break;
            }
        }
    }

    /// Answers a group; an error is one after which nothing may be signed.
    fn serve(&mut self, group: Vec<Waiting>) -> Result<(), LedgerError> {
        if let Err(error) = self.prepare() {
            return answer_all(group, &error);
        }
        let known = self.tip.checkpoint.size();
        let (mut answers, new) = self.place(group);
        let extended = self.extend(new);
        if let Err(error) = &extended {
            for answer in &mut answers {
                if answer.place.as_ref().is_ok_and(|place| *place >= known) {
                    answer.place = Err(error.clone());
                }
            }
        }
        for Answer { to, place } in answers {
            // Whoever no longer waits needs no answer.
            let _ = to.send(place);
        }
        self.names.forget(self.backlog.published());
        extended.or_else(|error| if error.is_final() { Err(error) } else { Ok(()) })
    }

    /// Waits until the publisher has room, and reads the head again if need be.
    fn prepare(&mut self) -> Result<(), LedgerError> {
        self.backlog.wait_for_room()?;
        if self.unsure.is_some() {
            let (tip, more) = self.writer.reload(&self.tip)?;
            match more {
                Some(signed) => self.moved(tip, signed),
                None => self.extend_unsure()?,
            }
            self.unsure = None;
        }
        Ok(())
    }

    fn extend_unsure(&mut self) -> Result<(), LedgerError> {
        let leaves = self.unsure.clone().unwrap_or_default();
        let (tip, nodes) = self.writer.extend(&self.tip, &leaves)?;
        let checkpoint = tip.checkpoint.clone();
        let signed = Signed {
            leaves,
            nodes,
            checkpoint,
        };
        self.moved(tip, signed);
        Ok(())
    }

    /// The place of every leaf of the group, and the leaves that are new.
    fn place(&mut self, group: Vec<Waiting>) -> (Vec<Answer>, Vec<NewLeaf>) {
        let asked = self.ask(&group);
        let (mut answers, mut new) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        let mut next = self.tip.checkpoint.size();
        for Waiting { leaf, answer } in group {
            let found = match (self.names.find(&leaf.id), &asked) {
                (Known::At(place), _) => Ok(Some(place)),
                (Known::Not, _) => Ok(None),
                (Known::AskTheStore, Ok(found)) => Ok(found.get(&leaf.id).copied()),
                (Known::AskTheStore, Err(error)) => Err(error.clone()),
            };
            let place = match found {
                // Somebody else has appended it.
                Ok(Some(place)) if place >= next => Err(LedgerError::Stopped),
                Ok(Some(place)) => Ok(place),
                Ok(None) => {
                    self.names.insert(leaf.id.clone(), next);
                    new.push(leaf);
                    next += 1;
                    Ok(next - 1)
                }
                Err(error) => Err(error),
            };
            answers.push(Answer { to: answer, place });
        }
        (answers, new)
    }

    /// Asks the store for the names that only it can know.
    fn ask(&self, group: &[Waiting]) -> Result<HashMap<LeafId, u64>, LedgerError> {
        let unknown = group.iter().map(|waiting| &waiting.leaf.id);
        let unknown = unknown.filter(|name| self.names.find(name) == Known::AskTheStore);
        let unknown: Vec<LeafId> = unknown.cloned().collect();
        if unknown.is_empty() {
            return Ok(HashMap::new());
        }
        let places = self.runtime.block_on(self.store.places(&unknown))?;
        Ok(places.into_iter().collect())
    }

    fn extend(&mut self, new: Vec<NewLeaf>) -> Result<(), LedgerError> {
        if new.is_empty() {
            return Ok(());
        }
        match self.writer.extend(&self.tip, &new) {
            Ok((tip, nodes)) => {
                let checkpoint = tip.checkpoint.clone();
                let leaves = new;
                self.advanced(
                    tip,
                    Signed {
                        leaves,
                        nodes,
                        checkpoint,
                    },
                );
                Ok(())
            }
            Err(error) => {
                for leaf in &new {
                    self.names.remove(&leaf.id);
                }
                self.unsure = Some(new);
                Err(error)
            }
        }
    }

    /// The head has leaves whose names are not known yet.
    fn moved(&mut self, tip: Tip, signed: Signed) {
        for (leaf, place) in signed.leaves.iter().zip(self.tip.checkpoint.size()..) {
            self.names.insert(leaf.id.clone(), place);
        }
        self.advanced(tip, signed);
    }

    fn advanced(&mut self, tip: Tip, signed: Signed) {
        self.latest.send_replace(tip.checkpoint.clone());
        self.tip = tip;
        self.backlog.push(signed);
    }
}

impl Drop for Sequencer {
    /// However it ends: nobody waits for what does not come.
    fn drop(&mut self) {
        self.queue.stop();
        self.backlog.close();
    }
}

/// The same answer to all; final errors go on.
fn answer_all(group: Vec<Waiting>, error: &LedgerError) -> Result<(), LedgerError> {
    for waiting in group {
        let _ = waiting.answer.send(Err(error.clone()));
    }
    if error.is_final() {
        Err(error.clone())
    } else {
        Ok(())
    }
}
