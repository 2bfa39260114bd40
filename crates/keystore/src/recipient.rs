//! Whom something is sealed to.

use std::fmt;
use std::sync::Arc;

use cyberid_crypto::PublicKey;

use crate::handle::Opener;
use crate::role::AgreementRole;

/// Whom something is sealed to: a key that was pinned, or the active key of a role in this process, whichever that is at
/// the moment of sealing. It opens nothing.
#[derive(Clone)]
pub struct Recipient(Arc<dyn Fn() -> PublicKey + Send + Sync>);

impl Recipient {
    /// The key to seal to now.
    pub fn key(&self) -> PublicKey {
        (self.0)()
    }
}

impl From<PublicKey> for Recipient {
    fn from(pinned: PublicKey) -> Self {
        Self(Arc::new(move || pinned))
    }
}

impl<R: AgreementRole> From<Opener<R>> for Recipient {
    fn from(opener: Opener<R>) -> Self {
        Self(Arc::new(move || opener.public_key()))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.key().thumbprint())
    }
}
