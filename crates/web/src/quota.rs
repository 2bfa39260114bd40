//! Token buckets, which are asked before any cryptography but the MAC that tells who calls (T10): a caller saves up calls
//! to a burst, and spends one at a time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cyberid_domain::UnixTime;
use cyberid_domain::relying_party::Role;

use crate::{Caller, Failure, ProblemType};

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
    /// How often one device of a holder may call.
    pub const OF_ONE_DEVICE: Self = Self {
        burst: 600,
        per_second: 10,
    };
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
        // Who called of late is found without a copy of their name.
        if let Some(bucket) = buckets.get_mut(caller) {
            return self.spend_from(bucket, now);
        }
        let mut bucket = Bucket {
            calls: self.quota.burst.into(),
            at: now,
        };
        let spent = self.spend_from(&mut bucket, now);
        buckets.insert(caller.into(), bucket);
        spent
    }

    fn spend_from(&self, bucket: &mut Bucket, now: UnixTime) -> Result<(), OverQuota> {
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

/// How often callers may call, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerQuotas {
    /// Each relying party, operator and regulator.
    pub client: Quota,
    /// Each device of a holder.
    pub device: Quota,
}

impl Default for CallerQuotas {
    fn default() -> Self {
        Self {
            client: Quota::default(),
            device: Quota::OF_ONE_DEVICE,
        }
    }
}

/// The buckets of everybody who calls with a token.
pub(crate) struct CallerBuckets {
    clients: Buckets,
    devices: Buckets,
}

impl CallerBuckets {
    pub(crate) fn new(quotas: CallerQuotas) -> Self {
        Self {
            clients: Buckets::new(quotas.client),
            devices: Buckets::new(quotas.device),
        }
    }

    /// Spends one call.
    pub(crate) fn spend(&self, caller: &Caller, now: UnixTime) -> Result<(), OverQuota> {
        let buckets = match caller.role {
            Role::Holder => &self.devices,
            _ => &self.clients,
        };
        buckets.spend(&caller.id, now)
    }

    pub(crate) fn forget_rested(&self, now: UnixTime) {
        self.clients.forget_rested(now);
        self.devices.forget_rested(now);
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
