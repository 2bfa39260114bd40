//! The keys in memory: per role one that is active and those that are retained.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use cyberid_crypto::{Agree, Mac, Sign};

use crate::entry::{Entry, State};
use crate::error::KeystoreError;
use crate::machine::Machine;
use crate::material::Material;
use crate::note::Ed25519Key;
use crate::role::{Kind, RoleName};
use crate::trial::Trial as _;

/// The rings of every role, by kind.
pub(crate) struct Rings {
    pub(crate) signing: Shelf<dyn Sign>,
    pub(crate) agreement: Shelf<dyn Agree>,
    pub(crate) mac: Shelf<dyn Mac>,
    pub(crate) note: Shelf<Ed25519Key>,
}

impl Rings {
    /// Opens every private half that has work to do.
    pub(crate) fn load(entries: &[Entry], machine: &dyn Machine) -> Result<Self, KeystoreError> {
        Ok(Self {
            signing: Shelf::load(Kind::Signing, entries, machine)?,
            agreement: Shelf::load(Kind::Agreement, entries, machine)?,
            mac: Shelf::load(Kind::Mac, entries, machine)?,
            note: Shelf::load(Kind::Note, entries, machine)?,
        })
    }

    /// Tries the active key of a role.
    pub(crate) fn check(&self, role: RoleName) -> Result<(), KeystoreError> {
        let tried = match role.kind() {
            Kind::Signing => self.signing.ring(role)?.now().active.key.try_out(),
            Kind::Agreement => self.agreement.ring(role)?.now().active.key.try_out(),
            Kind::Mac => self.mac.ring(role)?.now().active.key.try_out(),
            Kind::Note => self.note.ring(role)?.now().active.key.try_out(),
        };
        tried.map_err(KeystoreError::from)
    }

    /// Puts newer rings in the place of these, under the handles that share them.
    pub(crate) fn adopt(&mut self, newer: Self) {
        self.signing.adopt(newer.signing);
        self.agreement.adopt(newer.agreement);
        self.mac.adopt(newer.mac);
        self.note.adopt(newer.note);
    }
}

/// The rings of one kind.
pub(crate) struct Shelf<K: ?Sized>(BTreeMap<RoleName, SharedRing<K>>);

impl<K: Material + ?Sized> Shelf<K> {
    fn load(kind: Kind, entries: &[Entry], machine: &dyn Machine) -> Result<Self, KeystoreError> {
        let mut rings = BTreeMap::new();
        let active = |entry: &&Entry| entry.role.kind() == kind && entry.state == State::Active;
        for entry in entries.iter().filter(active) {
            let ring = Ring::load(entry, entries, machine)?;
            if rings.insert(entry.role, SharedRing::new(ring)).is_some() {
                return Err(KeystoreError::Corrupt);
            }
        }
        Ok(Self(rings))
    }

    fn adopt(&mut self, newer: Self) {
        for (role, ring) in newer.0 {
            match self.0.get(&role) {
                Some(shared) => shared.replace(&ring),
                None => drop(self.0.insert(role, ring)),
            }
        }
    }

    /// The ring of a role.
    pub(crate) fn ring(&self, role: RoleName) -> Result<SharedRing<K>, KeystoreError> {
        self.0.get(&role).cloned().ok_or(KeystoreError::NoKey(role))
    }
}

/// A ring that its handles see change.
pub(crate) struct SharedRing<K: ?Sized>(Arc<RwLock<Arc<Ring<K>>>>);

impl<K: ?Sized> Clone for SharedRing<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: ?Sized> SharedRing<K> {
    fn new(ring: Ring<K>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(ring))))
    }

    /// The ring as it is now.
    pub(crate) fn now(&self) -> Arc<Ring<K>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, newer: &Self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = newer.now();
    }
}

/// The keys of one role that have work to do.
pub(crate) struct Ring<K: ?Sized> {
    pub(crate) active: Held<K>,
    retained: Vec<Held<K>>,
}

/// A key and its id.
pub(crate) struct Held<K: ?Sized> {
    pub(crate) id: String,
    pub(crate) key: Arc<K>,
}

impl<K: Material + ?Sized> Ring<K> {
    fn load(active: &Entry, entries: &[Entry], machine: &dyn Machine) -> Result<Self, KeystoreError> {
        let retained = entries.iter().filter(|entry| {
            entry.role == active.role && entry.state == State::Retained && entry.private.is_some()
        });
        Ok(Self {
            active: Held::load(active, machine)?,
            retained: retained
                .map(|entry| Held::load(entry, machine))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl<K: ?Sized> Ring<K> {
    /// The active or retained key of an id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<K>> {
        let mut held = std::iter::once(&self.active).chain(&self.retained);
        held.find(|held| held.id == id).map(|held| Arc::clone(&held.key))
    }

    /// The active key, and after it the retained ones.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<K>> {
        let held = std::iter::once(&self.active).chain(&self.retained);
        held.map(|held| Arc::clone(&held.key))
    }
}

impl<K: Material + ?Sized> Held<K> {
    fn load(entry: &Entry, machine: &dyn Machine) -> Result<Self, KeystoreError> {
        Ok(Self {
            id: entry.id.clone(),
            key: K::load(entry, machine)?,
        })
    }
}
