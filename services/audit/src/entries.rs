//! Pages of entries, each with its proof.

use cyberid_ledger::Under;
use cyberid_protocol::audit::{AuditEntries, AuditEntry};
use cyberid_storage::ledger::LeafFilter;

use crate::{Audit, AuditError};

/// The most entries of one page.
pub(crate) const MAX_PAGE: u32 = 1000;

/// Which page is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) filter: LeafFilter,
    /// Only entries after this one.
    pub(crate) after: Option<u64>,
    pub(crate) limit: u32,
}

impl Audit {
    /// The entries that match, oldest first, below the last signed checkpoint.
    pub(crate) async fn entries(&self, page: &Page) -> Result<AuditEntries, AuditError> {
        let size = self.reader.latest().await?.size();
        let start = page.after.map_or(0, |after| after.saturating_add(1));
        let leaves = self.store.matching(&page.filter, start, size, page.limit).await?;
        let full = u32::try_from(leaves.len()).is_ok_and(|count| count == page.limit);
        let next = leaves
            .last()
            .map(|leaf| leaf.index)
            .filter(|last| full && last + 1 < size);
        let mut entries = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let proof = self.reader.receipt(leaf.index, Under::Latest).await?;
            entries.push(AuditEntry {
                index: leaf.index,
                leaf: leaf.body,
                proof,
            });
        }
        Ok(AuditEntries { entries, next })
    }
}
