//! The leaves of the platform's own life: that it resumed and halted, and which keys came into use.

use std::collections::HashSet;

use cyberid_crypto::digest;
use cyberid_domain::id::LeafId;
use cyberid_ledger::{LedgerError, ReadError};
use cyberid_protocol::leaf::{Leaf, LeafKind, NoHalt};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_tlog::tile::{FULL_WIDTH, TileKind, TilePath, decode_bundle};

use crate::{Consent, ConsentError};

/// A key of the platform that has come into use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlatformKey {
    /// What it is for.
    pub role: String,
    /// The thumbprint of its public half.
    pub kid: String,
}

impl Consent {
    /// Records that the service is at work again, and whether it had halted: the first leaf of every start.
    pub(crate) async fn resume(&self) -> Result<(), ConsentError> {
        let last = self.last_leaf().await?;
        let reason = match last.map(|leaf| leaf.kind) {
            None => Some(NoHalt::First),
            Some(LeafKind::ServiceHalted) => None,
            Some(_) => Some(NoHalt::Unclean),
        };
        let leaf = Leaf {
            reason,
            ..Leaf::new(LeafKind::ServiceResumed, self.parts.clock.now())
        };
        self.append(&leaf).await
    }

    /// Records that the service halts, after all that was promised: the last leaf of a start that ends well. Nothing may
    /// be asked of the service afterwards.
    pub async fn halt(&self) -> Result<(), ConsentError> {
        self.pump().await?;
        let leaf = Leaf::new(LeafKind::ServiceHalted, self.parts.clock.now());
        self.append(&leaf).await
    }

    /// Records, of these keys in use, those that were not in use before. It looks at the keys and not at what happened to
    /// them, so that a crash after a rotation loses nothing; each key is recorded once.
    pub async fn record_keys(&self, keys: &[PlatformKey]) -> Result<(), ConsentError> {
        let mut recorded = self.recorded_keys.lock().await;
        let unrecorded: HashSet<_> = keys.iter().filter(|key| !recorded.contains(key)).collect();
        if unrecorded.is_empty() {
            return Ok(());
        }
        let leaves = keys.iter().filter(|key| unrecorded.contains(key));
        let leaves = leaves
            .map(|key| self.key_leaf(key))
            .collect::<Result<Vec<_>, _>>()?;
        self.parts.pledges.pledge(&leaves).await?;
        self.pump().await?;
        recorded.extend(unrecorded.into_iter().cloned());
        Ok(())
    }

    /// The leaf of a key, under a name that is the key's own.
    fn key_leaf(&self, key: &PlatformKey) -> Result<PromisedLeaf, ConsentError> {
        let kind = LeafKind::KeyRotated;
        let named = [kind.as_str(), &key.role, &key.kid].join("\n");
        let id = format!("{}{}", LeafId::PREFIX, digest::sha256_base64url(named.as_bytes()));
        let leaf = Leaf {
            role: Some(key.role.clone()),
            kid: Some(key.kid.clone()),
            ..Leaf::new(kind, self.parts.clock.now())
        };
        Ok(PromisedLeaf {
            id: id.parse().map_err(|_| ConsentError::Corrupt("leaf id"))?,
            body: leaf.to_text()?,
        })
    }

    async fn append(&self, leaf: &Leaf) -> Result<(), ConsentError> {
        let id = LeafId::new(self.parts.clock.now(), &*self.parts.rng);
        let place = self.parts.ledger.append(id, leaf.to_text()?).await?;
        self.parts.ledger.published(place).await?;
        Ok(())
    }

    /// The last leaf of the log; nothing of an empty one.
    async fn last_leaf(&self) -> Result<Option<Leaf>, ConsentError> {
        let reader = self.parts.ledger.reader();
        let size = match reader.latest().await {
            Ok(latest) => latest.size(),
            Err(ReadError::NotThere) => 0,
            Err(error) => return Err(LedgerError::from(error).into()),
        };
        let Some(path) = last_bundle(size) else {
            return Ok(None);
        };
        let bundle = reader.entries(path).await.map_err(LedgerError::from)?;
        let entries = decode_bundle(&bundle, path.width()).ok();
        let last = entries.and_then(|entries| entries.last().map(|entry| entry.to_vec()));
        let text = last.and_then(|entry| String::from_utf8(entry).ok());
        let text = text.ok_or(ConsentError::Corrupt("entry bundle"))?;
        Ok(Some(Leaf::from_text(&text)?))
    }
}

/// Where the last entry of a log of this size is; nowhere in an empty one.
fn last_bundle(size: u64) -> Option<TilePath> {
    let (last, full) = (size.checked_sub(1)?, u64::from(FULL_WIDTH));
    let width = u16::try_from(last % full + 1).ok()?;
    TilePath::new(TileKind::Entries, last / full, width)
}
