//! That a verification is over, on its way to the relying party.

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_protocol::attestation::LIFE;
use cyberid_protocol::event::{Concluded, Event, SecurityEvent, VerificationConcluded};

/// An event that is kept in memory alone. Its `jti` and its time are given once, its signature at each delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) id: VerificationId,
    pub(crate) status: Concluded,
    pub(crate) jti: Nonce,
    pub(crate) at: UnixTime,
}

impl Announcement {
    /// Until when delivering it is of use: the attestation that it speaks of lives no longer.
    pub(crate) fn until(&self) -> UnixTime {
        self.at.plus(LIFE)
    }

    /// The claims of its token.
    pub(crate) fn event(&self, issuer: &str, client_id: &ClientId) -> SecurityEvent {
        SecurityEvent {
            iss: issuer.to_owned(),
            aud: client_id.clone(),
            iat: self.at,
            jti: self.jti.clone(),
            events: Event::VerificationConcluded(VerificationConcluded {
                id: self.id.clone(),
                status: self.status,
            }),
        }
    }
}
