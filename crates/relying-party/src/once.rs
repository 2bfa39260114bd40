//! What happened once and is not to happen again, remembered for as long as it could.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cyberid_domain::UnixTime;
use cyberid_domain::id::Nonce;

/// Names, each remembered until its time is over. Of more than fit, those go first whose time is over first.
pub(crate) struct Once {
    most: usize,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    known: HashMap<Nonce, UnixTime>,
    ends: BTreeSet<(UnixTime, Nonce)>,
}

impl Once {
    pub(crate) fn of(most: usize) -> Self {
        Self {
            most,
            names: Mutex::default(),
        }
    }

    /// Whether the name is remembered.
    pub(crate) fn knows(&self, name: &Nonce, now: UnixTime) -> bool {
        self.names().known.get(name).is_some_and(|until| now <= *until)
    }

    /// Remembers the name until the end of `until`; `false` if it is remembered already.
    pub(crate) fn take(&self, name: &Nonce, until: UnixTime, now: UnixTime) -> bool {
        let mut names = self.names();
        while let Some((end, oldest)) = names.ends.first().cloned()
            && (end < now || names.known.len() >= self.most)
        {
            names.ends.remove(&(end, oldest.clone()));
            names.known.remove(&oldest);
        }
        if names.known.contains_key(name) {
            return false;
        }
        names.known.insert(name.clone(), until);
        names.ends.insert((until, name.clone()))
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        // Nothing that holds the lock panics halfway through a change.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn a_name_is_taken_once_until_its_time_is_over() {
        let (once, name) = (Once::of(10), Nonce::random(&SystemRng));
        assert!(!once.knows(&name, NOW));
        assert!(once.take(&name, NOW.plus(5), NOW));
        assert!(!once.take(&name, NOW.plus(9), NOW.plus(5)));
        assert!(once.knows(&name, NOW.plus(5)) && !once.knows(&name, NOW.plus(6)));
        assert!(once.take(&name, NOW.plus(9), NOW.plus(6)));
    }

    #[test]
    fn there_is_a_bound_and_what_ends_first_makes_place() {
        let once = Once::of(3);
        let names: Vec<_> = (0..4).map(|_| Nonce::random(&SystemRng)).collect();
        for (at, name) in names.iter().enumerate() {
            assert!(once.take(name, NOW.plus(10 - at as u64), NOW));
        }
        let known: Vec<_> = names.iter().map(|name| once.knows(name, NOW)).collect();
        assert_eq!(known, [true, true, false, true]);
    }
}
