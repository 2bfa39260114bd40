//! Token buckets, which an operation asks before any cryptography of its own (T10): a caller saves up calls to a burst, and
//! spends one at a time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cyberid_domain::UnixTime;

use crate::{Failure, ProblemType};

/// How often one caller may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls that can be saved up.
    pub burst: u32,
    /// Calls that are gained each second.
    pub per_second: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            burst: 4_000,
            per_second: 2_000,
        }
    }
}

impl Quota {
    /// How often one request can be fetched or answered, by whoever knows its id.
    pub const OF_ONE_REQUEST: Self = Self {
        burst: 30,
        per_second: 1,
    };

    fn refill(self, bucket: Bucket, now: UnixTime) -> u64 {
        let gained = now.since(bucket.at).saturating_mul(u64::from(self.per_second));
        bucket.calls.saturating_add(gained).min(u64::from(self.burst))
    }
}

#[derive(Clone, Copy)]
struct Bucket {
    calls: u64,
    at: UnixTime,
}

/// The caller has no call left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct OverQuota {
    /// When to come back, in seconds.
    pub retry_after: u64,
}

impl From<OverQuota> for Failure {
    fn from(over: OverQuota) -> Self {
        Self::from(ProblemType::RateLimited).retry_after(over.retry_after)
    }
}

/// One bucket for each caller who called of late.
pub struct Buckets {
    quota: Quota,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Buckets {
    /// Everybody may call as often as `quota` says.
    pub fn new(quota: Quota) -> Self {
        Self {
            quota,
            buckets: Mutex::default(),
        }
    }

    /// Spends one call of `caller`, or says when there will be one again.
    pub fn spend(&self, caller: &str, now: UnixTime) -> Result<(), OverQuota> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket {
            calls: self.quota.burst.into(),
            at: now,
        };
        let bucket = buckets.entry(caller.into()).or_insert(full);
        let calls = self.quota.refill(*bucket, now);
        let left = calls.checked_sub(1).ok_or(OverQuota { retry_after: 1 })?;
        *bucket = Bucket {
            calls: left,
            at: now.max(bucket.at),
        };
        Ok(())
    }

    /// Forgets the callers whose bucket is full again.
    pub fn forget_rested(&self, now: UnixTime) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|_, bucket| self.quota.refill(*bucket, now) < u64::from(self.quota.burst));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_000);

    fn buckets() -> Buckets {
        Buckets::new(Quota {
            burst: 2,
            per_second: 1,
        })
    }

    #[test]
    fn a_burst_is_spent_and_regained_by_each_caller_alone() {
        let buckets = buckets();
        let spend = |caller, at| buckets.spend(caller, at).is_ok();
        assert!(spend("a", NOW) && spend("a", NOW) && !spend("a", NOW));
        assert!(spend("b", NOW));
        assert!(spend("a", NOW.plus(1)) && !spend("a", NOW.plus(1)));
        assert!(!spend("a", NOW), "a clock that goes back gains nothing");
    }

    #[test]
    fn only_who_has_rested_is_forgotten() {
        let buckets = buckets();
        buckets.spend("a", NOW).unwrap();
        buckets.forget_rested(NOW);
        assert_eq!(buckets.buckets.lock().unwrap().len(), 1);
        buckets.forget_rested(NOW.plus(1));
        assert!(buckets.buckets.lock().unwrap().is_empty());
    }
}
