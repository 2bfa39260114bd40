//! Opening a log: its head is held against its store, and the store is brought up to it.

use std::sync::Arc;

use cyberid_domain::id::LeafId;
use cyberid_storage::head::Held;
use cyberid_storage::ledger::{Batch, LedgerWrite, NewLeaf};

use crate::error::LedgerError;
use crate::publisher::is_sure;
use crate::tree::{self, Edge};
use crate::writer::{Tip, Writer, grown};

/// A log whose head and store agree.
pub(crate) struct Opened {
    pub(crate) tip: Tip,
    pub(crate) edge: Edge,
    /// Whether the store has kept what it shows.
    pub(crate) is_sure: bool,
    /// The largest timely name that the store has.
    pub(crate) floor: Option<LeafId>,
}

/// Finds the end of the log, and brings what the store lacks from the head; a log that is new is begun.
pub(crate) async fn open(store: &dyn LedgerWrite, writer: &Writer) -> Result<Opened, LedgerError> {
    let stored = store.size().await?;
    let Some(held) = writer.load().await? else {
        return begin(store, writer, stored).await;
    };
    let checkpoint = writer.opened(&held.head)?;
    let signed = held.head.size;
    if stored > signed {
        return Err(LedgerError::Contradicts { size: stored });
    }
    if stored < held.first() {
        return Err(LedgerError::Behind {
            head: signed,
            store: stored,
        });
    }
    let note = held.head.note.clone();
    let (known, missing) = split(held, stored);
    // What the head still has of the store's leaves is what the store has.
    let contradicts = LedgerError::Contradicts { size: signed };
    if !has(store, stored, &known).await? {
        return Err(contradicts);
    }
    let (frontier, mut edge) = tree::load(store, stored).await?.ok_or(contradicts.clone())?;
    let (frontier, nodes) = grown(&frontier, missing.iter().map(|leaf| leaf.body.as_bytes()))?;
    if frontier.root() != checkpoint.root() {
        return Err(contradicts);
    }
    let batch = Batch {
        tiles: edge.grow(signed, &nodes),
        leaves: missing,
        checkpoint: note,
    };
    bring(store, stored, batch).await?;
    // Of what an earlier process wrote nobody knows whether it was synced.
    let is_sure = is_sure(store).await;
    if is_sure {
        settle(writer, signed).await;
    }
    let floor = store.last_name(LeafId::TIMELY_END).await?;
    let tip = Tip { frontier, checkpoint };
    Ok(Opened {
        tip,
        edge,
        is_sure,
        floor,
    })
}

async fn begin(store: &dyn LedgerWrite, writer: &Writer, stored: u64) -> Result<Opened, LedgerError> {
    if stored > 0 || store.checkpoint().await?.is_some() {
        return Err(LedgerError::HeadMissing { store: stored });
    }
    let beginning = writer.clone();
    let tip = tokio::task::spawn_blocking(move || beginning.begin()).await;
    let tip = tip.map_err(|_| LedgerError::Stopped)??;
    let batch = Batch {
        checkpoint: tip.checkpoint.note().to_string(),
        ..Batch::default()
    };
    bring(store, 0, batch).await?;
    Ok(Opened {
        tip,
        edge: Edge::default(),
        is_sure: false,
        floor: None,
    })
}

/// What the head holds, parted where the store ends.
fn split(held: Held, stored: u64) -> (Vec<NewLeaf>, Vec<NewLeaf>) {
    let known = usize::try_from(stored.saturating_sub(held.first())).unwrap_or(usize::MAX);
    let mut known_leaves = held.leaves;
    let missing = known_leaves.split_off(known.min(known_leaves.len()));
    (known_leaves, missing)
}

/// How many leaves are compared at most: the last ones, which may have come with the store's last transactions.
const COMPARED: usize = 4096;

/// Whether the store's last leaves are these.
async fn has(store: &dyn LedgerWrite, stored: u64, known: &[NewLeaf]) -> Result<bool, LedgerError> {
    let known = known
        .get(known.len().saturating_sub(COMPARED)..)
        .unwrap_or_default();
    let start = stored.saturating_sub(known.len() as u64);
    let limit = u32::try_from(known.len()).unwrap_or(u32::MAX);
    let leaves = store.leaves(start, limit).await?;
    let bodies = leaves.iter().map(|leaf| &leaf.body);
    Ok(bodies.eq(known.iter().map(|leaf| &leaf.body)))
}

/// Brings leaves to the store, and the checkpoint even if there are none.
async fn bring(store: &dyn LedgerWrite, stored: u64, batch: Batch) -> Result<(), LedgerError> {
    if !batch.leaves.is_empty() {
        let leaves = batch.leaves.len();
        tracing::warn!(
            stored,
            leaves,
            "leaves are brought to the store that a crash left in the head"
        );
    } else if store.checkpoint().await?.as_ref() == Some(&batch.checkpoint) {
        return Ok(());
    }
    let appended = store.append(stored, &batch).await?;
    appended.then_some(()).ok_or(LedgerError::Stopped)
}

async fn settle(writer: &Writer, size: u64) {
    let head = Arc::clone(&writer.head);
    let settled = tokio::task::spawn_blocking(move || head.settled(size)).await;
    if !matches!(settled, Ok(Ok(()))) {
        tracing::warn!("the ledger's head keeps what the store has already");
    }
}
