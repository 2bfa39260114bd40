//! What relying parties are told: signed security events (RFC 8417).

use cyberid_domain::id::{ClientId, Nonce};
use cyberid_protocol::event::{Event, SecurityEvent};
use cyberid_protocol::message::Message as _;
use cyberid_storage::event::NewEvent;

use crate::{Consent, ConsentError};

impl Consent {
    /// The event for this relying party, signed, to be written in the transaction of what it tells of.
    pub(crate) fn event(&self, client_id: &ClientId, event: Event) -> Result<NewEvent, ConsentError> {
        let event = SecurityEvent {
            iss: self.parts.issuer.clone(),
            aud: client_id.clone(),
            iat: self.parts.clock.now(),
            jti: Nonce::random(&*self.parts.rng),
            events: event,
        };
        Ok(NewEvent {
            client_id: client_id.clone(),
            token: event.sign(&*self.parts.event_key.current())?,
        })
    }
}
