//! What outsiders are told of the keys that sign.

use cyberid_crypto::PublicKey;

use crate::entry::{KeyInfo, State};
use crate::public::PublicHalf;
use crate::role::{Kind, RoleName};

/// A public signing key with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// The one thing that the key signs.
    pub role: RoleName,
    /// Next, active or retained.
    pub state: State,
    /// The key.
    pub key: PublicKey,
    /// What another key says of it, if anything: a compact JWS.
    pub certificate: Option<String>,
}

impl PublishedKey {
    /// A key of which no other says anything.
    pub const fn plain(role: RoleName, state: State, key: PublicKey) -> Self {
        Self {
            role,
            state,
            key,
            certificate: None,
        }
    }
}

/// The signing keys among these that are not revoked.
pub(crate) fn published(keys: Vec<KeyInfo>) -> Vec<PublishedKey> {
    let signing = |key: &KeyInfo| key.role.kind() == Kind::Signing && key.state != State::Revoked;
    keys.into_iter()
        .filter(signing)
        .filter_map(|info| match info.public {
            Some(PublicHalf::Point(key)) => Some(PublishedKey {
                role: info.role,
                state: info.state,
                key,
                certificate: info.certificate,
            }),
            _ => None,
        })
        .collect()
}
