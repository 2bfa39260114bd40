//! What was read of the store of late, by relying party: taken for what it was for a moment, and no longer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use cyberid_domain::id::ClientId;

/// For how long a relying party is taken for what it was when it was read.
const FRESH: Duration = Duration::from_millis(500);

/// What was read of late.
pub(crate) struct Recent<T>(RwLock<Kept<T>>);

struct Kept<T> {
    read: HashMap<ClientId, (Instant, Arc<T>)>,
    changes: u64,
}

/// The beginning of a reading.
pub(crate) struct Reading {
    at: Instant,
    changes: u64,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(RwLock::new(Kept {
            read: HashMap::new(),
            changes: 0,
        }))
    }
}

impl<T> Recent<T> {
    /// What was read of this relying party, while it is fresh.
    pub(crate) fn find(&self, client_id: &ClientId) -> Option<Arc<T>> {
        let kept = self.kept();
        let (read_at, found) = kept.read.get(client_id)?;
        (read_at.elapsed() < FRESH).then(|| Arc::clone(found))
    }

    /// To be called before the store is asked: its age counts from here on.
    pub(crate) fn begin(&self) -> Reading {
        Reading {
            at: Instant::now(),
            changes: self.kept().changes,
        }
    }

    /// Keeps what was read, unless something was written since the reading began: it may be of before.
    pub(crate) fn keep(&self, reading: &Reading, client_id: &ClientId, read: &Arc<T>) {
        let mut kept = self.kept_to_change();
        if kept.changes == reading.changes {
            kept.read
                .insert(client_id.clone(), (reading.at, Arc::clone(read)));
        }
    }

    /// Has a relying party read anew: to be called after every write.
    pub(crate) fn forget(&self, client_id: &ClientId) {
        let mut kept = self.kept_to_change();
        kept.changes += 1;
        kept.read.remove(client_id);
    }

    /// Forgets what is no longer taken.
    pub(crate) fn forget_stale(&self) {
        let mut kept = self.kept_to_change();
        kept.read.retain(|_, (read_at, _)| read_at.elapsed() < FRESH);
    }

    fn kept(&self) -> RwLockReadGuard<'_, Kept<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_to_change(&self) -> RwLockWriteGuard<'_, Kept<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    fn read(recent: &Recent<u8>, client_id: &ClientId, value: u8) {
        recent.keep(&recent.begin(), client_id, &Arc::new(value));
    }

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let (recent, client_id) = (Recent::default(), ClientId::random(&SystemRng));
        read(&recent, &client_id, 1);
        assert_eq!(recent.find(&client_id).as_deref(), Some(&1));
        let reading = recent.begin();
        recent.forget(&client_id);
        recent.keep(&reading, &client_id, &Arc::new(1));
        assert_eq!(recent.find(&client_id), None);
        read(&recent, &client_id, 2);
        assert_eq!(recent.find(&client_id).as_deref(), Some(&2));
    }

    #[test]
    fn what_is_stale_is_not_taken_and_takes_no_memory() {
        let (recent, client_id) = (Recent::default(), ClientId::random(&SystemRng));
        let begun = recent.begin();
        let long_ago = Reading {
            at: begun.at.checked_sub(FRESH).unwrap(),
            ..begun
        };
        recent.keep(&long_ago, &client_id, &Arc::new(1));
        assert_eq!(recent.find(&client_id), None);
        let other = ClientId::random(&SystemRng);
        read(&recent, &other, 2);
        recent.forget_stale();
        assert_eq!(recent.kept().read.len(), 1);
        assert_eq!(recent.find(&other).as_deref(), Some(&2));
    }
}
