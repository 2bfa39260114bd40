//! Security events: what a relying party has to act upon, each signed by the platform, fetched from its feed or pushed to
//! its `events_uri`.

use std::collections::BTreeMap;

use cyberid_client::{KeyRole, MessageRefused};
use cyberid_crypto::jws::InvalidJws;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_domain::id::Nonce;
use cyberid_protocol::event::{
    ConsentWithdrawn, DeliveryRefused, ErasureOverdue, Event, Events, IdentifierCancelled, PUSHED_FOR,
    SecurityEvent,
};
use serde_json::Value;

use crate::{RelyingParty, RelyingPartyError};

/// Why an event is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EventRefused {
    /// The platform did not sign it as an event.
    #[error("not an event that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// It is of another issuer.
    #[error("an event of another issuer")]
    Issuer,
    /// It is for another relying party.
    #[error("an event for another relying party")]
    Audience,
    /// It claims to be from the future.
    #[error("an event from the future")]
    Future,
    /// It was pushed, and is older than what is pushed.
    #[error("older than what is pushed")]
    Stale,
    /// It is not exactly one event of a known type.
    #[error("not one event of a known type")]
    UnknownType,
}

impl EventRefused {
    /// What the receiver of a push answers (RFC 8935 section 2): the status, and the body of a refusal. Only what
    /// will never be good is refused for good.
    pub fn answer(&self) -> (u16, Option<DeliveryRefused>) {
        let err = match self {
            // Keys will be at hand, a new one be found, and clocks agree; or the sender gives up.
            Self::Message(MessageRefused::Keys(_) | MessageRefused::UnknownKey) | Self::Future => {
                return (503, None);
            }
            Self::Message(
                MessageRefused::WrongRole | MessageRefused::Jws(InvalidJws::Signature | InvalidJws::Key),
            ) => "invalid_key",
            Self::Issuer => "invalid_issuer",
            Self::Audience => "invalid_audience",
            Self::Message(MessageRefused::Jws(_)) | Self::Stale | Self::UnknownType => "invalid_request",
        };
        let refused = DeliveryRefused {
            err: err.to_owned(),
            description: Some(self.to_string()),
        };
        (400, Some(refused))
    }
}

/// Events that were checked, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifiedEvents {
    /// Consents that were withdrawn: what was received under them has to be erased.
    pub withdrawn: Vec<ConsentWithdrawn>,
    /// Identifiers that their holders ended: nobody answers for these pseudonyms again.
    pub cancelled: Vec<IdentifierCancelled>,
    /// Erasures that were not confirmed in time, which the regulator sees.
    pub overdue: Vec<ErasureOverdue>,
    /// What to send as `after` next time.
    pub next: u64,
}

/// What came by a push, checked. Answer 202 to both, to the first one once it was acted upon.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// An event that was not handled yet.
    First(PushedEvent),
    /// One that was: delivery is at least once.
    Again,
}

/// A pushed event to act upon, and then to hand to [`RelyingParty::handled`].
#[derive(Debug, PartialEq, Eq)]
pub struct PushedEvent {
    event: Event,
    jti: Nonce,
    until: UnixTime,
}

impl PushedEvent {
    /// What happened.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its name, the same at each delivery: for a relying party of several processes, which remember together.
    pub fn jti(&self) -> &Nonce {
        &self.jti
    }
}

type Any = SecurityEvent<BTreeMap<String, Value>>;

impl RelyingParty {
    /// The events since `after`, all of them checked; one that is not the platform's refuses them all.
    pub async fn events(&self, after: u64) -> Result<VerifiedEvents, RelyingPartyError> {
        let events: Events = self.session.get(&format!("/v1/events?after={after}")).await?;
        let mut verified = VerifiedEvents {
            next: events.next,
            ..VerifiedEvents::default()
        };
        for compact in &events.events {
            match self.check_event(compact).await? {
                Event::ConsentWithdrawn(withdrawn) => verified.withdrawn.push(withdrawn),
                Event::IdentifierCancelled(cancelled) => verified.cancelled.push(cancelled),
                Event::ErasureOverdue(overdue) => verified.overdue.push(overdue),
                Event::VerificationConcluded(_) => return Err(EventRefused::UnknownType.into()),
            }
        }
        Ok(verified)
    }

    /// Checks one event of the feed, however old; what is only ever pushed is none of it.
    pub async fn check_event(&self, compact: &str) -> Result<Event, EventRefused> {
        match self.open_event(compact).await?.events {
            Event::VerificationConcluded(_) => Err(EventRefused::UnknownType),
            event => Ok(event),
        }
    }

    /// Takes the body of a push (RFC 8935): type, signature, key role, issuer, audience and time are checked, and
    /// whether it was handled before.
    ///
    /// An event that is refused is answered as [`EventRefused::answer`] says.
    pub async fn receive(&self, compact: &str) -> Result<Received, EventRefused> {
        let SecurityEvent { iat, jti, events, .. } = self.open_event(compact).await?;
        let until = iat.plus(PUSHED_FOR + SKEW);
        if self.now() > until {
            return Err(EventRefused::Stale);
        }
        if self.handled.knows(&jti, self.now()) {
            return Ok(Received::Again);
        }
        Ok(Received::First(PushedEvent {
            event: events,
            jti,
            until,
        }))
    }

    /// Remembers that an event was acted upon, for as long as it may be pushed. Of more than 100,000 at once the
    /// oldest are forgotten: acting twice has to be harmless.
    pub fn handled(&self, pushed: PushedEvent) {
        let PushedEvent { jti, until, .. } = pushed;
        self.handled.take(&jti, until, self.now());
    }

    async fn open_event(&self, compact: &str) -> Result<SecurityEvent, EventRefused> {
        let Any {
            iss,
            aud,
            iat,
            jti,
            events,
        } = self.platform.open(KeyRole::Event, compact).await?;
        if iss != self.platform.issuer() {
            return Err(EventRefused::Issuer);
        }
        if aud != self.client_id {
            return Err(EventRefused::Audience);
        }
        if iat > self.now().plus(SKEW) {
            return Err(EventRefused::Future);
        }
        let events = serde_json::from_value(events.into_iter().collect::<serde_json::Map<_, _>>().into());
        let events = events.map_err(|_| EventRefused::UnknownType)?;
        Ok(SecurityEvent {
            iss,
            aud,
            iat,
            jti,
            events,
        })
    }
}

#[cfg(test)]
mod tests;
