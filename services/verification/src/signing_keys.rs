//! The platform's public signing keys, as outsiders fetch them.

use std::sync::Arc;

use cyberid_keystore::{PublishedKey, RoleName, State};
use cyberid_protocol::discovery::{PlatformKey, PlatformKeys};

/// Gives the public signing keys that are next, active or retained, such as
/// [`cyberid_keystore::Keystore::public_signing_keys`] does.
pub type SigningKeys = Arc<dyn Fn() -> Vec<PublishedKey> + Send + Sync>;

/// The roles whose signatures outsiders check; the others sign inside the platform.
const PUBLISHED: [RoleName; 7] = [
    RoleName::Attestation,
    RoleName::AttestationRoot,
    RoleName::Request,
    RoleName::Certificate,
    RoleName::Registration,
    RoleName::Identity,
    RoleName::Event,
];

/// The keys that are published.
pub(crate) fn published(keys: Vec<PublishedKey>) -> PlatformKeys {
    let keys = keys
        .into_iter()
        .filter(|key| PUBLISHED.contains(&key.role) && key.state != State::Revoked);
    PlatformKeys {
        keys: keys
            .map(|published| PlatformKey {
                jwk: published.key.to_signing_jwk(),
                role: published.role.as_str().into(),
                state: published.state.as_str().into(),
                certificate: published.certificate,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Sign as _, SigningKey};

    use super::*;

    #[test]
    fn next_and_retained_keys_are_published_revoked_and_inner_ones_are_not() {
        let key = SigningKey::from_scalar(&[7; 32]).unwrap().public_key();
        let keys = [
            (RoleName::Attestation, State::Next),
            (RoleName::Attestation, State::Retained),
            (RoleName::Attestation, State::Revoked),
            (RoleName::Enrolment, State::Active),
            (RoleName::Source, State::Active),
        ];
        let published = published(
            keys.map(|(role, state)| PublishedKey::plain(role, state, key))
                .into(),
        );
        let states: Vec<_> = published.keys.iter().map(|key| key.state.as_str()).collect();
        assert_eq!(states, ["next", "retained"]);
    }
}
