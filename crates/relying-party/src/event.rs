//! Security events: what a relying party has to act upon, each signed by the platform.

use cyberid_client::{KeyRole, MessageRefused};
use cyberid_domain::clock::SKEW;
use cyberid_protocol::event::{CONSENT_WITHDRAWN, ConsentWithdrawn, Events, SecurityEvent};

use crate::{RelyingParty, RelyingPartyError};

/// Why an event is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EventRefused {
    /// The platform did not sign it as an event.
    #[error("not an event that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// It is of another issuer, for another relying party, or from the future.
    #[error("an event of another issuer, relying party or time")]
    AnotherEvent,
    /// It is not exactly one event of a known type.
    #[error("not one event of a known type")]
    UnknownType,
}

/// Events that were checked, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEvents {
    /// Consents that were withdrawn: what was received under them has to be erased.
    pub withdrawn: Vec<ConsentWithdrawn>,
    /// What to send as `after` next time.
    pub next: u64,
}

impl RelyingParty {
    /// The events since `after`, all of them checked; one that is not the platform's refuses them all.
    pub async fn events(&self, after: u64) -> Result<VerifiedEvents, RelyingPartyError> {
        let events: Events = self.session.get(&format!("/v1/events?after={after}")).await?;
        let mut withdrawn = Vec::with_capacity(events.events.len());
        for compact in &events.events {
            withdrawn.push(self.check_event(compact).await?);
        }
        Ok(VerifiedEvents {
            withdrawn,
            next: events.next,
        })
    }

    /// Checks one event, however it came: fetched or pushed.
    pub async fn check_event(&self, compact: &str) -> Result<ConsentWithdrawn, EventRefused> {
        let mut event: SecurityEvent = self.platform.open(KeyRole::Event, compact).await?;
        let ours = event.iss == self.platform.issuer()
            && event.aud == self.client_id
            && event.iat <= self.now().plus(SKEW);
        if !ours {
            return Err(EventRefused::AnotherEvent);
        }
        let withdrawn = event.events.remove(CONSENT_WITHDRAWN);
        withdrawn
            .filter(|_| event.events.is_empty())
            .ok_or(EventRefused::UnknownType)
    }
}
