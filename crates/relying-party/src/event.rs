//! Security events: what a relying party has to act upon, each signed by the platform.

use cyberid_client::{KeyRole, MessageRefused};
use cyberid_domain::clock::SKEW;
use cyberid_protocol::event::{ConsentWithdrawn, Event, Events, SecurityEvent};

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
        let event: SecurityEvent = self.platform.open(KeyRole::Event, compact).await?;
        let ours = event.iss == self.platform.issuer()
            && event.aud == self.client_id
            && event.iat <= self.now().plus(SKEW);
        if !ours {
            return Err(EventRefused::AnotherEvent);
        }
        match event.events {
            Event::ConsentWithdrawn(withdrawn) => Ok(withdrawn),
            Event::VerificationConcluded(_) => Err(EventRefused::UnknownType),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cyberid_domain::id::Nonce;
    use cyberid_domain::rng::SystemRng;
    use serde_json::json;

    use super::*;
    use crate::platform_double::{NOW, PlatformDouble};
    use crate::testing::{client_id, met, other_client};

    fn withdrawn() -> ConsentWithdrawn {
        ConsentWithdrawn {
            consent: "con_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            release: "rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
            erase_by: NOW.plus(100),
        }
    }

    fn event(double: &PlatformDouble) -> SecurityEvent {
        SecurityEvent {
            iss: double.issuer.clone(),
            aud: client_id(),
            iat: NOW,
            jti: Nonce::random(&SystemRng),
            events: BTreeMap::from([(CONSENT_WITHDRAWN.to_owned(), withdrawn())]),
        }
    }

    async fn fetched(
        role: &str,
        alter: impl FnOnce(&mut SecurityEvent),
    ) -> Result<VerifiedEvents, RelyingPartyError> {
        let (double, party) = met().await;
        let good = double.sign("event", &event(&double));
        let mut altered = event(&double);
        alter(&mut altered);
        let events = [good, double.sign(role, &altered)];
        double.script_json("GET /v1/events", &json!({"events": events, "next": 9}));
        let fetched = party.events(7).await;
        assert_eq!(
            double.received("GET /v1/events")[0].line,
            "GET /v1/events?after=7"
        );
        fetched
    }

    #[tokio::test]
    async fn good_events_arrive_in_order() {
        let events = fetched("event", |_| {}).await.unwrap();
        assert_eq!(
            (events.withdrawn, events.next),
            (vec![withdrawn(), withdrawn()], 9)
        );
    }

    #[tokio::test]
    async fn one_bad_event_refuses_them_all() {
        let other = EventRefused::AnotherEvent;
        let iss = fetched("event", |it| it.iss = "https://id.example".into()).await;
        assert_eq!(iss, Err(other.clone().into()));
        let aud = fetched("event", |it| it.aud = other_client()).await;
        assert_eq!(aud, Err(other.clone().into()));
        let future = fetched("event", |it| it.iat = NOW.plus(61)).await;
        assert_eq!(future, Err(other.into()));
        let role = fetched("attestation", |_| {}).await;
        assert_eq!(role, Err(EventRefused::Message(MessageRefused::WrongRole).into()));
    }

    #[tokio::test]
    async fn an_event_of_an_unknown_type_is_refused() {
        let unknown =
            |it: &mut SecurityEvent| it.events = BTreeMap::from([("urn:x".to_owned(), withdrawn())]);
        assert_eq!(
            fetched("event", unknown).await,
            Err(EventRefused::UnknownType.into())
        );
        let two = |it: &mut SecurityEvent| drop(it.events.insert("urn:x".to_owned(), withdrawn()));
        assert_eq!(fetched("event", two).await, Err(EventRefused::UnknownType.into()));
    }
}
