//! Telling a relying party that a verification is over, beside its long poll.

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, VerificationId};
use cyberid_protocol::event::Concluded;

use crate::Verification;

/// Who tells relying parties. Neither call may wait for anything, nor fail: what is not told can be asked for.
pub trait Announce: Send + Sync {
    /// A verification waits for its holder until `expires_at`.
    fn asked(&self, client_id: &ClientId, id: &VerificationId, expires_at: UnixTime);

    /// A verification is over before that.
    fn concluded(&self, client_id: &ClientId, id: &VerificationId, how: Concluded);
}

/// Tells nobody: where relying parties only ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Announce for Silent {
    fn asked(&self, _: &ClientId, _: &VerificationId, _: UnixTime) {}

    fn concluded(&self, _: &ClientId, _: &VerificationId, _: Concluded) {}
}

impl Verification {
    /// Wakes who waits for this answer, and has the relying party told.
    pub(crate) fn concluded(&self, client_id: &ClientId, id: &VerificationId, how: Concluded) {
        self.waiting.answered(id);
        self.parts.announce.concluded(client_id, id, how);
    }
}
