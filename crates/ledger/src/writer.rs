//! Writing the log: what is signed is what is stored, and nothing is signed twice differently.

use std::sync::Arc;

use cyberid_storage::ledger::{Head, LedgerHead, LedgerWrite, NewLeaf};
use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::hash::leaf_hash;
use cyberid_tlog::note::{NoteSigner, SignerError};

use crate::error::LedgerError;
use crate::tree::Tree;

/// How many leaves are read back at once.
const PAGE: u32 = 256;

/// What it takes to write the log.
pub(crate) struct Writer {
    pub(crate) store: Arc<dyn LedgerWrite>,
    pub(crate) head: Arc<dyn LedgerHead>,
    pub(crate) key: Arc<dyn NoteSigner + Send + Sync>,
}

/// The end of the log: all of it is stored, and under this checkpoint.
pub(crate) struct Tip {
    tree: Tree,
    pub(crate) checkpoint: VerifiedCheckpoint,
}

impl Writer {
    /// Finds the end of the log in the stores, holds it against what was signed, and signs what a crash left unsigned.
    pub(crate) async fn load(&self) -> Result<Tip, LedgerError> {
        let stored = self.store.size().await?;
        let Some(head) = self.head.head().await? else {
            return self.begin(stored).await;
        };
        let checkpoint = self.opened(&head)?;
        if stored < head.size {
            let (head, store) = (head.size, stored);
            return Err(LedgerError::Behind { head, store });
        }
        let tree = Tree::load(&*self.store, head.size).await?;
        let tree = tree.filter(|tree| tree.root() == checkpoint.root());
        let tree = tree.ok_or(LedgerError::Contradicts { size: head.size })?;
        if self.store.checkpoint().await?.as_ref() != Some(&head.note) {
            self.store.keep_checkpoint(head.size, &head.note).await?;
        }
        let tip = Tip { tree, checkpoint };
        if stored == head.size {
            Ok(tip)
        } else {
            self.catch_up(&tip, stored).await
        }
    }

    /// Appends leaves, reads them back, and signs what was read.
    pub(crate) async fn extend(&self, tip: &Tip, leaves: &[NewLeaf]) -> Result<Tip, LedgerError> {
        let size = tip.tree.size();
        let mut planned = tip.tree.clone();
        for leaf in leaves {
            let leaf = leaf_hash(leaf.body.as_bytes());
            planned.append(leaf).map_err(|_| LedgerError::Stopped)?;
        }
        let tiles = planned.changed_since(size);
        if !self.store.append(size, leaves, &tiles).await? {
            return Err(LedgerError::Stopped);
        }
        let stored = self.replay(&tip.tree, planned.size()).await?;
        if stored.root() != planned.root() {
            let size = planned.size();
            return Err(LedgerError::Contradicts { size });
        }
        self.publish(Some(&tip.checkpoint), stored).await
    }

    /// A new log begins with the signed checkpoint of no leaves.
    async fn begin(&self, stored: u64) -> Result<Tip, LedgerError> {
        if stored == 0 {
            self.publish(None, Tree::default()).await
        } else {
            Err(LedgerError::HeadMissing { store: stored })
        }
    }

    /// Signs leaves that were stored and not signed, if leaves and tiles agree.
    async fn catch_up(&self, tip: &Tip, stored: u64) -> Result<Tip, LedgerError> {
        let tree = self.replay(&tip.tree, stored).await?;
        for tile in tree.changed_since(tip.tree.size()) {
            if self.store.tile(tile.level, tile.index).await?.as_ref() != Some(&tile) {
                return Err(LedgerError::Contradicts { size: stored });
            }
        }
        tracing::warn!(
            signed = tip.tree.size(),
            stored,
            "signing leaves that were stored and not signed"
        );
        self.publish(Some(&tip.checkpoint), tree).await
    }

    /// The tree grown by the leaves up to `to`, each hashed from its stored bytes.
    async fn replay(&self, from: &Tree, to: u64) -> Result<Tree, LedgerError> {
        let mut tree = from.clone();
        while tree.size() < to {
            let left = u32::try_from(to - tree.size()).map_or(PAGE, |left| left.min(PAGE));
            let page = self.store.leaves(tree.size(), left).await?;
            if page.is_empty() {
                return Err(LedgerError::Contradicts { size: to });
            }
            for leaf in page {
                let in_place = leaf.index == tree.size();
                let appended = tree.append(leaf_hash(leaf.body.as_bytes()));
                if !in_place || appended.is_err() {
                    return Err(LedgerError::Contradicts { size: to });
                }
            }
        }
        Ok(tree)
    }

    /// Signs the tree and moves the head to it; from then on the checkpoint is the log's word.
    async fn publish(&self, was: Option<&VerifiedCheckpoint>, mut tree: Tree) -> Result<Tip, LedgerError> {
        let origin = self.key.verifier_key().name();
        let checkpoint = Checkpoint::new(origin, tree.size(), tree.root())
            .map_err(|_| SignerError::UnsignableText)?
            .sign(&*self.key)?;
        let head = Head {
            size: tree.size(),
            root: *tree.root().as_bytes(),
            note: checkpoint.note().to_string(),
        };
        let was = was.map(|checkpoint| (checkpoint.size(), *checkpoint.root().as_bytes()));
        if !self.head.swap(was, &head).await? {
            return Err(LedgerError::Stopped);
        }
        self.store.keep_checkpoint(head.size, &head.note).await?;
        tree.settle();
        Ok(Tip { tree, checkpoint })
    }

    fn opened(&self, head: &Head) -> Result<VerifiedCheckpoint, LedgerError> {
        let checkpoint = VerifiedCheckpoint::open(head.note.as_bytes(), self.key.verifier_key());
        checkpoint
            .ok()
            .filter(|opened| opened.size() == head.size && *opened.root().as_bytes() == head.root)
            .ok_or(LedgerError::ForeignHead)
    }
}
