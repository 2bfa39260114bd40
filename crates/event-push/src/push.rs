//! The loop that delivers, and what others tell it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_keystore::{Signer, role};
use cyberid_protocol::event::Concluded;
use cyberid_storage::event::{Events, Pushes};
use cyberid_storage::relying_party::RelyingParties;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::announcement::Announcement;
use crate::delivery::count;
use crate::desk::Desk;
use crate::sender::Sender;

/// How often the feed is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How many relying parties one look finds.
const FOUND: u32 = 1_000;

/// What pushing is put together from.
pub struct Parts {
    /// The platform's issuer.
    pub issuer: String,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Chance, for ids and delays.
    pub rng: Arc<dyn Rng>,
    /// The feed.
    pub events: Arc<dyn Events>,
    /// How far it was delivered.
    pub pushes: Arc<dyn Pushes>,
    /// Where to.
    pub relying_parties: Arc<dyn RelyingParties>,
    /// Signs what is not in the feed.
    pub event_key: Signer<role::Event>,
    /// Makes the calls.
    pub sender: Sender,
}

/// Pushing. One process does it: how far it has come is its own to move on.
pub struct Push {
    pub(crate) parts: Parts,
    desk: Mutex<Desk>,
    news: Notify,
}

impl Push {
    /// Pushing, of these parts.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            desk: Mutex::default(),
            news: Notify::new(),
        })
    }

    /// A verification waits for its holder: unless it is concluded by then, it will be announced to have expired.
    pub fn asked(&self, client_id: &ClientId, id: &VerificationId, expires_at: UnixTime) {
        if !self.desk().watch(client_id, id, expires_at, self.now()) {
            count("dropped", 1);
        }
    }

    /// A verification is over. Returns at once; whoever registered no `events_uri` costs a look into a table.
    pub fn concluded(&self, client_id: &ClientId, id: &VerificationId, status: Concluded) {
        let now = self.now();
        if self.desk().is_silent(client_id, now) {
            return;
        }
        let announcement = Announcement {
            id: id.clone(),
            status,
            jti: Nonce::random(&*self.parts.rng),
            at: now,
        };
        if self.desk().announce(client_id, announcement, now) {
            self.news.notify_one();
        } else {
            count("dropped", 1);
        }
    }

    /// Delivers until `stop` completes. Calls that are under way are then broken off, and made again by the next
    /// process.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut turns = JoinSet::new();
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = look.tick() => self.look().await,
                () = self.news.notified() => {}
                Some(_) = turns.join_next() => {}
            }
            self.begin(&mut turns);
        }
    }

    /// Delivers all that is due now, and waits until each of it was attempted.
    pub async fn pass(self: &Arc<Self>) {
        self.look().await;
        let mut turns = JoinSet::new();
        self.begin(&mut turns);
        while turns.join_next().await.is_some() {
            self.begin(&mut turns);
        }
    }

    async fn look(&self) {
        let now = self.now();
        let ended = self.desk().ended(now);
        for (client_id, id) in ended {
            self.concluded(&client_id, &id, Concluded::Expired);
        }
        let served = self.desk().being_served();
        match self.parts.pushes.pushes_due(now, FOUND).await {
            Ok(due) => self.desk().due(due, &served),
            Err(error) => tracing::warn!(%error, "what is to be pushed cannot be read; it is tried again"),
        }
        let failing = u32::try_from(self.desk().failing()).unwrap_or(u32::MAX);
        metrics::gauge!("cyberid_event_push_failing_receivers").set(failing);
    }

    fn begin(self: &Arc<Self>, turns: &mut JoinSet<()>) {
        let now = self.now();
        while let Some(turn) = { self.desk().next_turn(now) } {
            turns.spawn(Arc::clone(self).serve(turn));
        }
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that holds the lock can panic halfway through a change.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.parts.clock.now()
    }
}
