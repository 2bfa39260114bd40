//! Things that are used once: proofs by (device, `jti`), key-proof nonces, client assertions.

use async_trait::async_trait;
use cyberid_domain::UnixTime;

use crate::Result;

/// A thing that is used once. The store sees a digest only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// SHA-256 of what it is and of its name.
    pub digest: [u8; 32],
    /// When it could no longer be used anyway, and may be forgotten.
    pub forget_at: UnixTime,
}

/// Things that are used once.
#[async_trait]
pub trait SingleUses: Send + Sync {
    /// Uses a thing: `true` the first time, `false` ever after, also among concurrent callers.
    async fn use_once(&self, thing: &SingleUse) -> Result<bool>;

    /// Forgets what could be forgotten before `before`.
    async fn forget_single_uses(&self, before: UnixTime) -> Result<u64>;
}
