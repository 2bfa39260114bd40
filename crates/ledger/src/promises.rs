//! Keeping promises: what the registry has decided gets its place in the log.

use cyberid_storage::ledger::NewLeaf;
use cyberid_storage::promise::{PromisedLeaf, Promises};

use crate::error::LedgerError;
use crate::ledger::Ledger;

/// How many promised leaves are read at once.
const PAGE: u32 = 256;

/// Appends every outstanding leaf in the order of its promise and records its place; returns how many there were. All of
/// them can be read then.
///
/// It may stop, or run twice at once, anywhere: a leaf that was appended and not recorded keeps its place.
pub async fn keep(ledger: &Ledger, promises: &dyn Promises) -> Result<u64, LedgerError> {
    let mut count = 0;
    loop {
        let page = promises.outstanding(PAGE).await?;
        let places = ledger.append_all(page.iter().map(new_leaf).collect()).await?;
        for (leaf, place) in page.iter().zip(places) {
            promises.kept(&leaf.id, place).await?;
            count += 1;
        }
        if page.len() < PAGE as usize {
            // An earlier run may have ended between a leaf's place and this.
            if let Some(last) = ledger.latest().size().checked_sub(1) {
                ledger.published(last).await?;
            }
            return Ok(count);
        }
    }
}

/// Appends one promised leaf now and records its place, for whoever answers only after that; it can be read then.
pub async fn keep_one(
    ledger: &Ledger,
    promises: &dyn Promises,
    leaf: &PromisedLeaf,
) -> Result<u64, LedgerError> {
    let place = ledger.append(leaf.id.clone(), leaf.body.clone()).await?;
    promises.kept(&leaf.id, place).await?;
    ledger.published(place).await?;
    Ok(place)
}

fn new_leaf(leaf: &PromisedLeaf) -> NewLeaf {
    NewLeaf {
        id: leaf.id.clone(),
        body: leaf.body.clone(),
    }
}
