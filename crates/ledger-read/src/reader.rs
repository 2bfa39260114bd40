//! Reading the log and proving what is in it, with read access only.

use std::sync::Arc;

use cyberid_storage_read::ledger::{LeafFilter, LedgerRead, StoredLeaf};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::Hash;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::proof::{ConsistencyPlan, InclusionPlan, InclusionProof};
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tile::{FULL_WIDTH, TileCoord, TileKind, TilePath, encode_bundle};

use crate::error::ReadError;
use crate::tiles::{first_hashes, node_hashes};

/// What is published of a log: nothing is given or proved beyond its last signed checkpoint.
#[derive(Clone)]
pub struct LedgerReader {
    store: Arc<dyn LedgerRead>,
    log: VerifierKey,
}

/// Under which checkpoint a leaf is to be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// The smallest one that covers the leaf and has the quorum's cosignatures.
    Quorum,
    /// The latest one, whoever has cosigned it.
    Latest,
}

impl LedgerReader {
    /// Reads the log of this key from this store.
    pub fn new(store: Arc<dyn LedgerRead>, log: VerifierKey) -> Self {
        Self { store, log }
    }

    /// The key that the log's checkpoints are checked with.
    pub fn log_key(&self) -> &VerifierKey {
        &self.log
    }

    /// The last checkpoint that was signed.
    pub async fn latest(&self) -> Result<VerifiedCheckpoint, ReadError> {
        let note = self.store.checkpoint().await?.ok_or(ReadError::NotThere)?;
        self.opened(&note)
    }

    /// The smallest cosigned checkpoint of at least this size; its cosignatures are for the reader's policy to check.
    pub async fn cosigned(&self, at_least: u64) -> Result<Option<VerifiedCheckpoint>, ReadError> {
        let note = self.store.cosigned(at_least).await?;
        note.map(|note| self.opened(&note)).transpose()
    }

    /// The checkpoint to publish: the largest that the witnesses have seen, so that nobody is shown a history that
    /// outsiders have not; before there is one, the latest.
    pub async fn published(&self) -> Result<VerifiedCheckpoint, ReadError> {
        match self.store.newest_cosigned().await? {
            Some(note) => self.opened(&note),
            None => self.latest().await,
        }
    }

    /// The published checkpoint as a signed note.
    pub async fn checkpoint(&self) -> Result<String, ReadError> {
        Ok(self.published().await?.note().to_string())
    }

    /// The receipt of a leaf: its proof with the checkpoint it leads to (C2SP tlog-proof).
    pub async fn receipt(&self, index: u64, under: Under) -> Result<String, ReadError> {
        let at_least = index.checked_add(1).ok_or(ReadError::NotThere)?;
        let checkpoint = match under {
            Under::Quorum => self.cosigned(at_least).await?.ok_or(ReadError::NotThere)?,
            Under::Latest => self.latest().await?,
        };
        let receipt = TlogProof {
            extra: None,
            index,
            proof: self.inclusion(index, checkpoint.size()).await?,
            checkpoint: checkpoint.note().clone(),
        };
        Ok(receipt.to_string())
    }

    /// The proof that a leaf is in the tree of the first `size` leaves (RFC 6962 section 2.1.1).
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, ReadError> {
        self.require_published(size).await?;
        let plan = InclusionPlan::new(index, size)?;
        let hashes = node_hashes(&*self.store, plan.nodes()).await?;
        Ok(plan.prove(|node| hashes.get(&node).copied())?)
    }

    /// The proof that the tree of `old` leaves became the one of `new` (RFC 6962 section 2.1.2).
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, ReadError> {
        self.require_published(new).await?;
        let plan = ConsistencyPlan::new(old, new)?;
        let hashes = node_hashes(&*self.store, plan.nodes()).await?;
        Ok(plan.prove(|node| hashes.get(&node).copied())?.hashes)
    }

    /// The published leaves that match, at most `limit`, in their order.
    pub async fn matching(&self, filter: &LeafFilter, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
        let end = self.latest().await?.size();
        Ok(self.store.matching(filter, 0, end, limit).await?)
    }

    /// The bytes of a hash tile, full or partial (tlog-tiles, Merkle Tree).
    pub async fn tile(&self, path: TilePath) -> Result<Vec<u8>, ReadError> {
        let TileKind::Hashes { level } = path.kind() else {
            return Err(ReadError::NotThere);
        };
        self.require_wide(level, path).await?;
        let tile = self.store.tile(level, path.index()).await?;
        tile.and_then(|tile| first_hashes(&tile, path.width()))
            .ok_or(ReadError::Corrupt("tile"))
    }

    /// The bytes of an entry bundle, full or partial (tlog-tiles, Log entries).
    pub async fn entries(&self, path: TilePath) -> Result<Vec<u8>, ReadError> {
        if path.kind() != TileKind::Entries {
            return Err(ReadError::NotThere);
        }
        self.require_wide(0, path).await?;
        let first = path.index() * u64::from(FULL_WIDTH);
        let leaves = self.store.leaves(first, path.width().into()).await?;
        let places = leaves.iter().map(|leaf| leaf.index);
        if !places.eq(first..first + u64::from(path.width())) {
            return Err(ReadError::Corrupt("leaf"));
        }
        let bodies: Vec<_> = leaves.iter().map(|leaf| leaf.body.as_bytes()).collect();
        encode_bundle(&bodies).map_err(|_| ReadError::Corrupt("leaf"))
    }

    fn opened(&self, note: &str) -> Result<VerifiedCheckpoint, ReadError> {
        VerifiedCheckpoint::open(note.as_bytes(), &self.log).map_err(|_| ReadError::Corrupt("checkpoint"))
    }

    async fn require_published(&self, size: u64) -> Result<(), ReadError> {
        let published = self.latest().await?.size();
        (size <= published).then_some(()).ok_or(ReadError::NotThere)
    }

    /// A tile is there when the published tree has it as wide as the path says.
    async fn require_wide(&self, level: u8, path: TilePath) -> Result<(), ReadError> {
        let index = path.index();
        let width = TileCoord { level, index }.width(self.latest().await?.size());
        (path.width() <= width).then_some(()).ok_or(ReadError::NotThere)
    }
}
