//! Writing the log: what is signed is what was read back, and nothing is signed twice differently.

use std::sync::Arc;

use cyberid_storage::head::{Head, Held, LedgerHead, Staged};
use cyberid_storage::ledger::NewLeaf;
use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::note::{NoteSigner, SignerError};
use cyberid_tlog::tree::{CompletedNode, Frontier};

use crate::error::LedgerError;
use crate::tree;

/// What it takes to write the log.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) head: Arc<dyn LedgerHead>,
    pub(crate) key: Arc<dyn NoteSigner + Send + Sync>,
}

/// The end of the log: all of it is durable, and under this checkpoint.
#[derive(Clone)]
pub(crate) struct Tip {
    pub(crate) frontier: Frontier,
    pub(crate) checkpoint: VerifiedCheckpoint,
}

/// Leaves that are durable under a signed checkpoint, on their way to the store.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) leaves: Vec<NewLeaf>,
    /// The nodes that tiles hold of those that the leaves completed.
    pub(crate) nodes: Vec<CompletedNode>,
    pub(crate) checkpoint: VerifiedCheckpoint,
}

impl Writer {
    /// A new log begins with the signed checkpoint of no leaves.
    pub(crate) fn begin(&self) -> Result<Tip, LedgerError> {
        let staged = self.head.stage(0, &[])?;
        self.sign(staged, None, Frontier::new())
    }

    /// Has leaves durable behind the tip, under a signature over what was read back; returns the new tip, and the nodes
    /// that tiles hold of those that the leaves completed.
    pub(crate) fn extend(
        &self,
        tip: &Tip,
        leaves: &[NewLeaf],
    ) -> Result<(Tip, Vec<CompletedNode>), LedgerError> {
        let staged = self.head.stage(tip.checkpoint.size(), leaves)?;
        let given = leaves.iter().map(|leaf| leaf.body.as_bytes());
        if !staged.bodies().eq(given) {
            let size = staged.size();
            return Err(LedgerError::Contradicts { size });
        }
        let (frontier, nodes) = grown(&tip.frontier, staged.bodies())?;
        let tip = self.sign(staged, Some(tip), frontier)?;
        Ok((tip, nodes))
    }

    /// After an error: where the head stands now, and what it has more than the tip.
    pub(crate) fn reload(&self, tip: &Tip) -> Result<(Tip, Option<Signed>), LedgerError> {
        let held = self.head.load()?.ok_or(LedgerError::Stopped)?;
        let checkpoint = self.opened(&held.head)?;
        let size = tip.checkpoint.size();
        let leaves = size.checked_sub(held.first()).and_then(|known| {
            let mut leaves = held.leaves;
            let known = usize::try_from(known)
                .ok()
                .filter(|known| *known <= leaves.len())?;
            Some(leaves.split_off(known))
        });
        let leaves = leaves.ok_or(LedgerError::Stopped)?;
        let bodies = leaves.iter().map(|leaf| leaf.body.as_bytes());
        let (frontier, nodes) = grown(&tip.frontier, bodies)?;
        if (frontier.size(), frontier.root()) != (checkpoint.size(), checkpoint.root()) {
            return Err(LedgerError::Stopped);
        }
        let tip = Tip { frontier, checkpoint };
        let checkpoint = tip.checkpoint.clone();
        let signed = (!leaves.is_empty()).then_some(Signed {
            leaves,
            nodes,
            checkpoint,
        });
        Ok((tip, signed))
    }

    /// The checkpoint of a head, if this log's key signed it.
    pub(crate) fn opened(&self, head: &Head) -> Result<VerifiedCheckpoint, LedgerError> {
        let checkpoint = VerifiedCheckpoint::open(head.note.as_bytes(), self.key.verifier_key());
        checkpoint
            .ok()
            .filter(|opened| opened.size() == head.size && *opened.root().as_bytes() == head.root)
            .ok_or(LedgerError::ForeignHead)
    }

    /// Reads the head, off the runtime.
    pub(crate) async fn load(&self) -> Result<Option<Held>, LedgerError> {
        let head = Arc::clone(&self.head);
        let loaded = tokio::task::spawn_blocking(move || head.load()).await;
        Ok(loaded.map_err(|_| LedgerError::Stopped)??)
    }

    /// Signs the tree and moves the head to it; from then on the checkpoint is the log's word.
    fn sign(&self, staged: Staged, was: Option<&Tip>, frontier: Frontier) -> Result<Tip, LedgerError> {
        let origin = self.key.verifier_key().name();
        let root = frontier.root();
        let checkpoint = Checkpoint::new(origin, frontier.size(), root)
            .map_err(|_| SignerError::UnsignableText)?
            .sign(&*self.key)?;
        let head = Head {
            size: frontier.size(),
            root: *root.as_bytes(),
            note: checkpoint.note().to_string(),
        };
        let was = was.map(|tip| cyberid_storage::head::Mark {
            size: tip.checkpoint.size(),
            root: *tip.checkpoint.root().as_bytes(),
        });
        if self.head.advance(staged, was, &head)? {
            Ok(Tip { frontier, checkpoint })
        } else {
            Err(LedgerError::Stopped)
        }
    }
}

/// A tree grown by these leaves, and the nodes that tiles hold of those they completed.
pub(crate) fn grown<'a>(
    from: &Frontier,
    bodies: impl Iterator<Item = &'a [u8]>,
) -> Result<(Frontier, Vec<CompletedNode>), LedgerError> {
    let (mut frontier, mut nodes) = (from.clone(), Vec::new());
    for body in bodies {
        tree::append(&mut frontier, leaf_hash(body), &mut nodes).map_err(|_| LedgerError::Stopped)?;
    }
    Ok((frontier, nodes))
}
