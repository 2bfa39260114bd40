//! Answers that are given again under one `Idempotency-Key`.

use async_trait::async_trait;
use cyberid_domain::UnixTime;

use crate::Result;

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of caller, operation and key: the key itself is not kept.
    pub digest: [u8; 32],
    /// SHA-256 of the request.
    pub request_sha256: [u8; 32],
    /// The answer's bytes, encrypted under a key derived from the idempotency key.
    pub sealed: Vec<u8>,
    /// When it may be forgotten.
    pub forget_at: UnixTime,
}

/// Kept answers.
#[async_trait]
pub trait KeptAnswers: Send + Sync {
    /// The answer under this digest, if it is not over at `now`.
    async fn kept_answer(&self, digest: &[u8; 32], now: UnixTime) -> Result<Option<KeptAnswer>>;

    /// Keeps an answer; the first one stays.
    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()>;

    /// Forgets what is over at `now`.
    async fn forget_answers(&self, now: UnixTime) -> Result<u64>;
}
