//! Taking turns: whoever makes a leaf of a release, or of an official access, does so alone, because each leaf is linked to
//! the one before.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// What something is being done to, by its id.
pub(crate) struct Turns<I>(Mutex<HashMap<I, Arc<tokio::sync::Mutex<()>>>>);

impl<I> Default for Turns<I> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<I: Clone + Eq + Hash> Turns<I> {
    /// Waits for one's turn at it; the turn ends when the guard is dropped.
    pub(crate) async fn of(&self, id: &I) -> OwnedMutexGuard<()> {
        self.place(id).lock_owned().await
    }

    fn place(&self, id: &I) -> Arc<tokio::sync::Mutex<()>> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds or awaits a turn holds a reference.
        places.retain(|_, place| Arc::strong_count(place) > 1);
        Arc::clone(places.entry(id.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::id::ReleaseId;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[tokio::test]
    async fn one_release_is_one_turn_and_another_does_not_wait() {
        let turns = Turns::default();
        let (one, other) = (ReleaseId::random(&SystemRng), ReleaseId::random(&SystemRng));
        let held = turns.of(&one).await;
        assert!(turns.place(&one).try_lock().is_err());
        let _other = turns.of(&other).await;
        drop(held);
        assert!(turns.place(&one).try_lock().is_ok());
        let kept = turns.0.lock().unwrap().len();
        assert_eq!(kept, 2, "the turn in use and the one just tried");
    }
}
