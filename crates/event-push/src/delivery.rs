//! One relying party's turn: its feed first, then what was announced to it.

use std::sync::Arc;
use std::time::Duration;

use cyberid_crypto::base64url;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::event::PUSHED_FOR;
use cyberid_protocol::message::Message as _;
use cyberid_storage::StorageError;
use serde::Deserialize;
use tokio::time::Instant;

use crate::Push;
use crate::announcement::Announcement;
use crate::backoff;
use crate::desk::{Served, Turn};
use crate::destination::Destination;
use crate::sender::{Answer, Fault};

/// How many tokens a turn delivers before others have theirs.
const BATCH: u32 = 20;
/// Whoever takes longer for one token is served among the lame.
const SLOW: Duration = Duration::from_secs(2);
/// When to look again after a relying party that may not be told anything now, in seconds.
const HALTED: u64 = 600;
/// Later than any event.
const EVERY: u64 = u64::MAX >> 1;

/// Where a relying party's events go.
enum Way {
    To(Destination),
    /// It registered no address.
    Nowhere,
    /// It is not approved at present.
    Halted,
}

/// The way of one turn, and what was seen on it.
struct Line {
    client_id: ClientId,
    to: Destination,
    failures: u32,
    slow: bool,
}

/// What ended a turn before its time.
enum Stopped {
    Fault(Fault),
    Storage(StorageError),
}

impl From<StorageError> for Stopped {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// The members of a registration and of a token that matter here.
#[derive(Deserialize)]
struct Registered {
    #[serde(default)]
    events_uri: Option<String>,
}

#[derive(Deserialize)]
struct Happened {
    iat: UnixTime,
}

impl Push {
    pub(crate) async fn serve(self: Arc<Self>, turn: Turn) {
        let client_id = turn.client_id.clone();
        let mut feed = turn.feed;
        // 2.
        let served = match self.way(&client_id).await {
            Ok(Way::To(to)) => {
                let mut line = Line {
                    client_id: client_id.clone(),
                    to,
                    failures: turn.failures,
                    slow: false,
                };
                let delivered = self.deliver(&mut line, &mut feed).await;
                self.served(&line, feed, delivered).await
            }
            Ok(Way::Nowhere) => {
                let settled = self.parts.pushes.settle_push(&client_id, EVERY).await;
                log_storage(&client_id, settled.err());
                return self.desk().silence(&client_id, self.now());
            }
            Ok(Way::Halted) => self.halted(&client_id, &turn).await,
            Err(error) => {
                log_storage(&client_id, Some(error));
                self.unserved(feed, turn.failures)
            }
        };
        let given_up = self.desk().end_turn(&client_id, &served);
        count("abandoned", given_up);
    }

    /// Where to, as registered at this moment.
    async fn way(&self, client_id: &ClientId) -> Result<Way, StorageError> {
        let Some(party) = self
            .parts
            .relying_parties
            .relying_party(client_id, self.now())
            .await?
        else {
            return Ok(Way::Nowhere);
        };
        let uri =
            serde_json::from_str(&party.registration).map(|registered: Registered| registered.events_uri);
        let destination = uri.ok().flatten().and_then(|uri| Destination::parse(&uri).ok());
        let in_force = party.standing(self.now()) == RegistrationStatus::Approved;
        Ok(match destination {
            None => Way::Nowhere,
            Some(destination) if in_force => Way::To(destination),
            Some(_) => Way::Halted,
        })
    }

    async fn deliver(&self, line: &mut Line, feed: &mut Option<u64>) -> Result<(), Stopped> {
        if let Some(settled) = *feed {
            *feed = self.deliver_feed(line, settled, feed).await?;
        }
        for _ in 0..BATCH {
            let Some(announcement) = self.desk().first_announcement(&line.client_id) else {
                break;
            };
            self.deliver_announcement(line, &announcement).await?;
            self.desk().drop_announcement(&line.client_id);
        }
        Ok(())
    }

    /// Delivers a batch of the feed; the last settled event, if there may be more after it.
    async fn deliver_feed(
        &self,
        line: &mut Line,
        settled: u64,
        reached: &mut Option<u64>,
    ) -> Result<Option<u64>, Stopped> {
        // 3.
        let events = self
            .parts
            .events
            .events_after(&line.client_id, settled, BATCH)
            .await?;
        let whole = events.len() == BATCH as usize;
        for (sequence, token) in events {
            match happened(&token) {
                Some(at) if self.now() <= at.plus(PUSHED_FOR) => self.send(line, token, at).await?,
                _ => give_up(line),
            }
            // 5.
            self.parts.pushes.settle_push(&line.client_id, sequence).await?;
            *reached = Some(sequence);
        }
        Ok(reached.filter(|_| whole))
    }

    async fn deliver_announcement(
        &self,
        line: &mut Line,
        announcement: &Announcement,
    ) -> Result<(), Stopped> {
        if self.now() > announcement.until() {
            count("abandoned", 1);
            return Ok(());
        }
        let event = announcement.event(&self.parts.issuer, &line.client_id);
        match event.sign(&*self.parts.event_key.current()) {
            Ok(token) => self.send(line, token, announcement.at).await,
            Err(error) => {
                tracing::error!(%error, "an event cannot be signed");
                Ok(())
            }
        }
    }

    /// Makes one attempt; the token is settled if this returns well.
    async fn send(&self, line: &mut Line, token: String, happened: UnixTime) -> Result<(), Stopped> {
        let begun = Instant::now();
        // 4.
        let answer = self.parts.sender.send(&line.to, token).await;
        line.slow |= begun.elapsed() >= SLOW;
        match answer.map_err(Stopped::Fault)? {
            Answer::Accepted => {
                let lag = u32::try_from(self.now().since(happened)).unwrap_or(u32::MAX);
                metrics::histogram!("cyberid_event_push_lag_seconds").record(lag);
                count("delivered", 1);
            }
            Answer::Refused(code) => {
                count("refused", 1);
                let (relying_party, host) = (&line.client_id, line.to.host());
                tracing::warn!(%relying_party, host, %code, "a receiver refused an event for good; it is in its feed");
            }
        }
        if line.failures > 0 {
            let (relying_party, host, failures) = (&line.client_id, line.to.host(), line.failures);
            tracing::info!(%relying_party, host, failures, "events are delivered again");
            line.failures = 0;
        }
        Ok(())
    }

    async fn served(&self, line: &Line, feed: Option<u64>, delivered: Result<(), Stopped>) -> Served {
        match delivered {
            Ok(()) => Served {
                feed,
                failed: None,
                slow: line.slow,
            },
            Err(Stopped::Fault(fault)) => self.failed(line, feed, fault).await,
            Err(Stopped::Storage(error)) => {
                log_storage(&line.client_id, Some(error));
                self.unserved(feed, line.failures)
            }
        }
    }

    async fn failed(&self, line: &Line, feed: Option<u64>, fault: Fault) -> Served {
        // 6.
        let failures = line.failures.saturating_add(1);
        let delay = backoff::delay(failures, &*self.parts.rng);
        let again = self.now().plus(delay);
        let (relying_party, host) = (&line.client_id, line.to.host());
        tracing::warn!(%relying_party, host, %fault, failures, again_in = delay, "an event could not be pushed");
        count("failed", 1);
        if feed.is_some() {
            let postponed = self
                .parts
                .pushes
                .postpone_push(&line.client_id, failures, again)
                .await;
            log_storage(&line.client_id, postponed.err());
        }
        Served {
            feed,
            failed: Some((failures, again)),
            slow: line.slow,
        }
    }

    /// Nothing is told to whoever is not approved; its feed waits, and what was announced is dropped.
    async fn halted(&self, client_id: &ClientId, turn: &Turn) -> Served {
        let again = self.now().plus(HALTED);
        let postponed = self
            .parts
            .pushes
            .postpone_push(client_id, turn.failures, again)
            .await;
        log_storage(client_id, postponed.err());
        while self.desk().first_announcement(client_id).is_some() {
            self.desk().drop_announcement(client_id);
        }
        Served {
            feed: None,
            failed: None,
            slow: false,
        }
    }

    /// A turn in which our own store failed: no fault of the receiver's.
    fn unserved(&self, feed: Option<u64>, failures: u32) -> Served {
        let again = self.now().plus(backoff::delay(1, &*self.parts.rng));
        Served {
            feed,
            failed: Some((failures, again)),
            slow: false,
        }
    }
}

/// When a token of ours says that it happened.
fn happened(token: &str) -> Option<UnixTime> {
    let payload = base64url::decode(token.split('.').nth(1)?)?;
    let happened: Happened = serde_json::from_slice(&payload).ok()?;
    Some(happened.iat)
}

fn give_up(line: &Line) {
    count("abandoned", 1);
    let (relying_party, host) = (&line.client_id, line.to.host());
    tracing::warn!(%relying_party, host, "an event was not delivered in its time; it is in the feed");
}

fn log_storage(relying_party: &ClientId, error: Option<StorageError>) {
    if let Some(error) = error {
        tracing::warn!(%relying_party, %error, "how far events were pushed cannot be kept; it is tried again");
    }
}

/// Counts tokens by what became of them.
pub(crate) fn count(outcome: &'static str, tokens: usize) {
    if tokens > 0 {
        metrics::counter!("cyberid_event_push_total", "outcome" => outcome).increment(tokens as u64);
    }
}
