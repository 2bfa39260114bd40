//! What an entry becomes in memory, by kind: a key of 32 secret bytes, or a key inside the machine.

use std::sync::Arc;

use cyberid_crypto::{Agree, AgreementKey, Mac, MacKey, Sign, SigningKey, Suite};
use zeroize::Zeroizing;

use crate::entry::{Entry, Inside, PrivateHalf};
use crate::error::KeystoreError;
use crate::forge::open;
use crate::machine::Machine;
use crate::note::Ed25519Key;
use crate::public::PublicHalf;

/// A key that works.
pub(crate) trait Material {
    /// The key of these bytes, in a suite.
    fn in_memory(suite: Suite, secret: &Zeroizing<[u8; 32]>) -> Result<Arc<Self>, KeystoreError>;

    /// The key inside the machine.
    fn inside(
        machine: &dyn Machine,
        key: &Inside,
        public: Option<PublicHalf>,
    ) -> Result<Arc<Self>, KeystoreError>;

    /// The public half, if the kind has one.
    fn public_half(&self) -> Option<PublicHalf>;

    /// The key of an entry.
    fn load(entry: &Entry, machine: &dyn Machine) -> Result<Arc<Self>, KeystoreError> {
        let key = match &entry.private {
            Some(PrivateHalf::Inside(inside)) => Self::inside(machine, inside, entry.public)?,
            _ => Self::in_memory(entry.suite, &open(entry, machine)?)?,
        };
        if key.public_half() == entry.public {
            Ok(key)
        } else {
            Err(KeystoreError::Corrupt)
        }
    }
}

impl Material for dyn Sign {
    fn in_memory(suite: Suite, secret: &Zeroizing<[u8; 32]>) -> Result<Arc<Self>, KeystoreError> {
        let key = SigningKey::of(suite, secret).map_err(|_| KeystoreError::Corrupt)?;
        Ok(Arc::new(key))
    }

    fn inside(
        machine: &dyn Machine,
        key: &Inside,
        public: Option<PublicHalf>,
    ) -> Result<Arc<Self>, KeystoreError> {
        match public {
            Some(PublicHalf::Point(public)) => machine.signing(key, public),
            _ => Err(KeystoreError::Corrupt),
        }
    }

    fn public_half(&self) -> Option<PublicHalf> {
        Some(PublicHalf::Point(self.public_key()))
    }
}

impl Material for dyn Agree {
    fn in_memory(suite: Suite, secret: &Zeroizing<[u8; 32]>) -> Result<Arc<Self>, KeystoreError> {
        let key = AgreementKey::of(suite, secret).map_err(|_| KeystoreError::Corrupt)?;
        Ok(Arc::new(key))
    }

    fn inside(
        machine: &dyn Machine,
        key: &Inside,
        public: Option<PublicHalf>,
    ) -> Result<Arc<Self>, KeystoreError> {
        match public {
            Some(PublicHalf::Point(public)) => machine.agreement(key, public),
            _ => Err(KeystoreError::Corrupt),
        }
    }

    fn public_half(&self) -> Option<PublicHalf> {
        Some(PublicHalf::Point(self.public_key()))
    }
}

impl Material for dyn Mac {
    fn in_memory(suite: Suite, secret: &Zeroizing<[u8; 32]>) -> Result<Arc<Self>, KeystoreError> {
        Ok(Arc::new(MacKey::of(suite, secret.clone())))
    }

    /// No key of this kind is inside a machine: a MAC is asked for on every call, and cannot fail.
    fn inside(_: &dyn Machine, _: &Inside, _: Option<PublicHalf>) -> Result<Arc<Self>, KeystoreError> {
        Err(KeystoreError::Corrupt)
    }

    fn public_half(&self) -> Option<PublicHalf> {
        None
    }
}

impl Material for Ed25519Key {
    /// Notes are Ed25519 in every suite: C2SP says so.
    fn in_memory(_: Suite, secret: &Zeroizing<[u8; 32]>) -> Result<Arc<Self>, KeystoreError> {
        let key = Self::from_seed(secret).map_err(|_| KeystoreError::Corrupt)?;
        Ok(Arc::new(key))
    }

    fn inside(
        machine: &dyn Machine,
        key: &Inside,
        public: Option<PublicHalf>,
    ) -> Result<Arc<Self>, KeystoreError> {
        match public {
            Some(PublicHalf::Ed25519(public)) => machine.note(key, public),
            _ => Err(KeystoreError::Corrupt),
        }
    }

    fn public_half(&self) -> Option<PublicHalf> {
        Some(PublicHalf::Ed25519(self.public_key()))
    }
}
