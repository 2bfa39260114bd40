//! Typed handles: they do the work of a role's keys, follow rotation at each use, and give no key out.
//!
//! A handle keeps its keystore open: while it lives, no other process serves with these keys.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use cyberid_crypto::key::KeyFailure;
use cyberid_crypto::{Agree, Mac, PublicKey, Sign, Suite};

use crate::keystore::Keystore;
use crate::note::Ed25519Key;
use crate::ring::SharedRing;
use crate::role::{AgreementRole, MacRole, NoteRole, Role, SigningRole};

struct Handle<R, K: ?Sized> {
    ring: SharedRing<K>,
    store: Keystore,
    role: PhantomData<fn() -> R>,
}

impl<R, K: ?Sized> Clone for Handle<R, K> {
    fn clone(&self) -> Self {
        Self::new(self.ring.clone(), self.store.clone())
    }
}

impl<R, K: ?Sized> Handle<R, K> {
    fn new(ring: SharedRing<K>, store: Keystore) -> Self {
        Self {
            ring,
            store,
            role: PhantomData,
        }
    }

    fn active(&self) -> Arc<K> {
        Arc::clone(&self.ring.now().active.key)
    }
}

macro_rules! handles {
    ($($(#[$doc:meta])* $handle:ident: $role:ident, $key:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $handle<R: $role>(Handle<R, $key>);

        impl<R: $role> $handle<R> {
            pub(crate) fn new(ring: SharedRing<$key>, store: Keystore) -> Self {
                Self(Handle::new(ring, store))
            }
        }

        impl<R: $role> fmt::Debug for $handle<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($handle), <R as Role>::NAME)
            }
        }
    )*};
}

handles! {
    /// Signs with the active key of a role.
    Signer: SigningRole, dyn Sign;
    /// Opens with the active and the retained keys of a role.
    Opener: AgreementRole, dyn Agree;
    /// Authenticates or derives with the active key of a role, and with the retained ones where named.
    MacHandle: MacRole, dyn Mac;
    /// Signs notes with the active key of a role.
    NoteKey: NoteRole, Ed25519Key;
}

impl<R: SigningRole> Signer<R> {
    /// The active key.
    pub fn current(&self) -> Arc<dyn Sign> {
        self.0.active()
    }

    /// The public half of the active key.
    pub fn public_key(&self) -> PublicKey {
        self.0.active().public_key()
    }
}

impl<R: AgreementRole> Opener<R> {
    /// The active key: what others seal to.
    pub fn current(&self) -> Arc<dyn Agree> {
        self.0.active()
    }

    /// The public half of the active key.
    pub fn public_key(&self) -> PublicKey {
        self.0.active().public_key()
    }

    /// The active or retained key of a thumbprint.
    pub fn find(&self, kid: &str) -> Option<Arc<dyn Agree>> {
        self.0.ring.now().find(kid)
    }

    /// The active key, and after it the retained ones, for what names no key.
    pub fn all(&self) -> Vec<Arc<dyn Agree>> {
        self.0.ring.now().all().collect()
    }
}

impl<R: MacRole> MacHandle<R> {
    /// The id of the active key, to be kept beside what was derived with it.
    pub fn current_id(&self) -> String {
        self.0.ring.now().active.id.clone()
    }

    /// The active key.
    pub fn current(&self) -> Arc<dyn Mac> {
        self.0.active()
    }

    /// The active or retained key of an id.
    pub fn find(&self, id: &str) -> Option<Arc<dyn Mac>> {
        self.0.ring.now().find(id)
    }

    /// The active key, and after it the retained ones, for what was derived before a rotation.
    pub fn all(&self) -> Vec<Arc<dyn Mac>> {
        self.0.ring.now().all().collect()
    }
}

impl<R: MacRole> Mac for MacHandle<R> {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.0.active().mac(parts)
    }

    fn suite(&self) -> Suite {
        self.0.active().suite()
    }
}

impl<R: NoteRole> NoteKey<R> {
    /// The active key, for one who needs its public half and its signature to be of one key.
    pub fn current(&self) -> Arc<Ed25519Key> {
        self.0.active()
    }

    /// The public half of the active key.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.active().public_key()
    }

    /// The active key's Ed25519 signature of exactly `message`.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyFailure> {
        self.0.active().sign(message)
    }
}
