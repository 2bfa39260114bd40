//! Entries of the ledger, each with its proof: page by page, or as one stream.

use std::sync::Arc;

use cyberid_protocol::audit::{AuditEntries, AuditEntry};
use cyberid_storage_read::ledger::{LeafFilter, StoredLeaf};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::receipt::TlogProof;
use futures_util::stream::{self, Stream};

use crate::{Audit, AuditError};

/// The most entries of one page.
pub(crate) const MAX_PAGE: u32 = 1000;

/// How many entries of a stream are read at once.
const STREAMED: u32 = 256;

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) filter: LeafFilter,
    /// Only entries after this one.
    pub(crate) after: Option<u64>,
    /// How many at most.
    pub(crate) limit: Option<u64>,
}

impl Audit {
    /// A page of the entries that match, oldest first, proved under the last signed checkpoint.
    pub(crate) async fn entries(&self, wanted: &Wanted) -> Result<AuditEntries, AuditError> {
        let reading = self.reading(wanted).await?;
        let limit = wanted
            .limit
            .and_then(|limit| u32::try_from(limit).ok())
            .unwrap_or(MAX_PAGE);
        let entries = self.page(&reading, limit.min(MAX_PAGE)).await?;
        let full = u32::try_from(entries.len()).is_ok_and(|count| count == limit.min(MAX_PAGE));
        let last = entries.last().map(|entry| entry.index);
        let next = last.filter(|last| full && last + 1 < reading.checkpoint.size());
        Ok(AuditEntries { entries, next })
    }

    /// All entries that match, up to the limit, oldest first. All are proved under one checkpoint, the last that was
    /// signed when the stream began; whoever reads slowly holds up nobody.
    pub(crate) async fn entry_pages(
        self: Arc<Self>,
        wanted: &Wanted,
    ) -> Result<impl Stream<Item = Result<Vec<AuditEntry>, AuditError>> + use<>, AuditError> {
        let reading = self.reading(wanted).await?;
        let left = wanted.limit.unwrap_or(u64::MAX);
        Ok(stream::try_unfold((self, reading, left), next_page))
    }

    async fn reading(&self, wanted: &Wanted) -> Result<Reading, AuditError> {
        Ok(Reading {
            filter: wanted.filter.clone(),
            start: wanted.after.map_or(0, |after| after.saturating_add(1)),
            checkpoint: self.reader.latest().await?,
        })
    }

    async fn page(&self, reading: &Reading, limit: u32) -> Result<Vec<AuditEntry>, AuditError> {
        let Reading { filter, start, .. } = reading;
        let leaves = self
            .store
            .matching(filter, *start, reading.checkpoint.size(), limit)
            .await?;
        let mut entries = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            entries.push(self.proved(leaf, &reading.checkpoint).await?);
        }
        Ok(entries)
    }

    /// An entry with the proof that it is under this checkpoint (C2SP tlog-proof).
    pub(crate) async fn proved(
        &self,
        leaf: StoredLeaf,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<AuditEntry, AuditError> {
        let proof = TlogProof {
            extra: None,
            index: leaf.index,
            proof: self.reader.inclusion(leaf.index, checkpoint.size()).await?,
            checkpoint: checkpoint.note().clone(),
        };
        Ok(AuditEntry {
            index: leaf.index,
            leaf: leaf.body,
            proof: proof.to_string(),
        })
    }
}

/// Where a reading stands: what is still to be read, and under which checkpoint.
struct Reading {
    filter: LeafFilter,
    start: u64,
    checkpoint: VerifiedCheckpoint,
}

type Streaming = (Arc<Audit>, Reading, u64);

async fn next_page(
    (audit, reading, left): Streaming,
) -> Result<Option<(Vec<AuditEntry>, Streaming)>, AuditError> {
    let limit = u32::try_from(left).map_or(STREAMED, |left| left.min(STREAMED));
    if limit == 0 {
        return Ok(None);
    }
    let entries = audit.page(&reading, limit).await?;
    let Some(last) = entries.last() else {
        return Ok(None);
    };
    let left = left.saturating_sub(entries.len() as u64);
    let reading = Reading {
        start: last.index.saturating_add(1),
        ..reading
    };
    Ok(Some((entries, (audit, reading, left))))
}
