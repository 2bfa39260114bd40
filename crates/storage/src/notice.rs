//! What the identity source has told: which notices were taken, and the records that are being replaced for it.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::happening::Happening;
use cyberid_domain::id::{Nonce, SubjectId};

use crate::Result;

/// A notice whose effect was had. Whom it was about is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenNotice {
    /// Its place in the source's order.
    pub seq: u64,
    /// Its name.
    pub jti: Nonce,
    /// What happened.
    pub happening: Happening,
    /// When it happened.
    pub happened_at: UnixTime,
    /// When it was taken.
    pub taken_at: UnixTime,
}

/// A record that both key holders have kept anew, beside the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedRecord {
    /// Whose.
    pub subject: SubjectId,
    /// The name of the new version.
    pub version: Nonce,
}

/// What the identity source has told.
#[async_trait]
pub trait SourceNotices: Send + Sync {
    /// The place of the last notice that was taken; 0 if none was.
    async fn last_notice(&self) -> Result<u64>;

    /// Whether the notice of this name was taken.
    async fn was_taken(&self, jti: &Nonce) -> Result<bool>;

    /// Records that a notice was taken. `false`, and nothing written, if it, or one after it, was taken before.
    async fn take_notice(&self, notice: &TakenNotice) -> Result<bool>;

    /// Records that both key holders have the new version: from here on it only has to take the old one's place.
    async fn record_staged(&self, staged: &StagedRecord) -> Result<()>;

    /// The new versions that have not taken the old ones' places at both key holders yet.
    async fn staged_records(&self) -> Result<Vec<StagedRecord>>;

    /// Records that the new version is in place. Again is fine.
    async fn replaced(&self, staged: &StagedRecord) -> Result<()>;
}
