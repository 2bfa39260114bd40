//! A passkey of a citizen in a test: the browser and the authenticator of their phone.

use cyberid_crypto::{SigningKey, key};
use cyberid_domain::Rng as _;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::Authenticator;
use cyberid_protocol::passkey::PasskeyAssertion;
use cyberid_protocol::passkey::testing;

/// A passkey on the platform's origin.
pub struct Passkey(pub testing::Authenticator);

impl Passkey {
    /// A passkey on this issuer's origin, for its host.
    pub fn on(issuer: &str) -> Self {
        let scalar = key::random_scalar(|bytes| SystemRng.fill(bytes));
        let host = issuer.split("://").nth(1).unwrap().split(':').next().unwrap();
        let mut passkey = testing::Authenticator::new(SigningKey::from_scalar(&scalar).unwrap(), host);
        issuer.clone_into(&mut passkey.origin);
        Self(passkey)
    }
}

impl Authenticator for Passkey {
    fn assertion(&self, challenge: &[u8; 32]) -> Option<PasskeyAssertion> {
        Some(self.0.assertion(challenge))
    }
}
