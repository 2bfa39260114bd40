//! Authorities and their officers, as they are pinned: by the platform, and by each key holder for itself.

use std::collections::BTreeSet;

use cyberid_crypto::PublicKey;
use cyberid_domain::id::ClientId;

/// A person who signs for an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// How the authority calls them.
    pub id: String,
    /// The key that they sign with.
    pub key: PublicKey,
}

/// A body that law lets order official accesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its client id.
    pub client_id: ClientId,
    /// How the people are told of it.
    pub name: String,
    /// The one key that plaintext is encrypted to.
    pub encryption_key: PublicKey,
    /// Its officers, two at least.
    pub officers: Vec<Officer>,
}

/// The authorities that somebody pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities(Vec<Authority>);

/// Why authorities cannot be pinned so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuthorities {
    /// One has fewer than two officers.
    #[error("an authority needs two officers at least: no single person opens a record")]
    OneOfficer,
    /// Two of them share an id or a key.
    #[error("two authorities, two officers of one authority, or two keys are the same")]
    Shared,
    /// A name is empty.
    #[error("an authority or an officer has no name")]
    Nameless,
}

impl Authorities {
    /// Pins these: each with two officers at least, and no key twice among all of them.
    pub fn new(authorities: Vec<Authority>) -> Result<Self, InvalidAuthorities> {
        let (mut clients, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for authority in &authorities {
            let mut unique = clients.insert(authority.client_id.as_str());
            unique &= keys.insert(authority.encryption_key.thumbprint());
            let mut ids = BTreeSet::new();
            for officer in &authority.officers {
                unique &= keys.insert(officer.key.thumbprint());
                unique &= ids.insert(officer.id.as_str());
            }
            if !unique {
                return Err(InvalidAuthorities::Shared);
            }
            if authority.officers.len() < 2 {
                return Err(InvalidAuthorities::OneOfficer);
            }
            if authority.name.trim().is_empty() || ids.contains("") {
                return Err(InvalidAuthorities::Nameless);
            }
        }
        Ok(Self(authorities))
    }

    /// The authority of this client id.
    pub fn find(&self, client_id: &ClientId) -> Option<&Authority> {
        self.0.iter().find(|authority| authority.client_id == *client_id)
    }

    /// The authority that has an officer of this key.
    pub fn of_officer(&self, kid: &str) -> Option<&Authority> {
        self.0.iter().find(|authority| authority.officer(kid).is_some())
    }

    /// All of them.
    pub fn all(&self) -> &[Authority] {
        &self.0
    }
}

impl Authority {
    /// The officer of this key.
    pub fn officer(&self, kid: &str) -> Option<&Officer> {
        self.officers
            .iter()
            .find(|officer| officer.key.thumbprint() == kid)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Sign as _, SigningKey};

    use super::*;

    fn key(seed: u8) -> PublicKey {
        SigningKey::from_scalar(&[seed; 32]).unwrap().public_key()
    }

    fn authority(id: u8, encryption: u8, officers: &[(&str, u8)]) -> Authority {
        let officer = |(id, seed): &(&str, u8)| Officer {
            id: (*id).to_owned(),
            key: key(*seed),
        };
        Authority {
            client_id: cyberid_crypto::base64url::encode(&[id; 16]).parse().unwrap(),
            name: "Public Security Bureau".into(),
            encryption_key: key(encryption),
            officers: officers.iter().map(officer).collect(),
        }
    }

    #[test]
    fn two_officers_with_keys_of_their_own_make_an_authority() {
        let honest = authority(1, 1, &[("a", 2), ("b", 3)]);
        let other = authority(2, 4, &[("a", 5), ("b", 6)]);
        let both = Authorities::new(vec![honest.clone(), other]).unwrap();
        assert_eq!(both.of_officer(&key(3).thumbprint()), Some(&honest));
        assert_eq!(both.of_officer(&key(1).thumbprint()), None, "no officer's key");

        let refused = |second: Authority| Authorities::new(vec![honest.clone(), second]).unwrap_err();
        let one = authority(2, 4, &[("a", 5)]);
        assert_eq!(refused(one), InvalidAuthorities::OneOfficer);
        for shared in [
            authority(1, 4, &[("a", 5), ("b", 6)]),
            authority(2, 4, &[("a", 5), ("a", 6)]),
            authority(2, 4, &[("a", 5), ("b", 5)]),
            authority(2, 4, &[("a", 4), ("b", 5)]),
            authority(2, 4, &[("a", 2), ("b", 5)]),
            authority(2, 2, &[("a", 5), ("b", 6)]),
        ] {
            assert_eq!(refused(shared), InvalidAuthorities::Shared);
        }
        let nameless = authority(2, 4, &[("", 5), ("b", 6)]);
        assert_eq!(refused(nameless), InvalidAuthorities::Nameless);
    }
}
