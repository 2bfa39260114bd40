//! The keystore: opens the list of keys, hands out handles, and moves keys through their lives.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use cyberid_crypto::Suite;
use cyberid_domain::rng::random;
use cyberid_domain::secret::SecretBytes;
use cyberid_domain::{Clock, Rng};

use crate::certificate;
use crate::disk::{self, Folder};
use crate::entry::{Entry, KeyInfo};
use crate::error::KeystoreError;
use crate::file::{self, List, UncheckedFile};
use crate::forge::Forge;
use crate::handle::{MacHandle, NoteKey, Opener, Signer};
use crate::kdf::KdfCost;
use crate::lifecycle::{self, Step};
use crate::machine::{Custody, Machine};
use crate::published::{PublishedKey, published};
use crate::ring::Rings;
use crate::role::{AgreementRole, MacRole, NoteRole, RoleName, SigningRole};
use crate::sealed::SealedMachine;
use crate::unlock::Unlock;

/// The private keys of one process, open. Clones are the same keystore; when the last clone and the last handle
/// are dropped, another process can open it.
#[derive(Clone)]
pub struct Keystore(Arc<Inner>);

struct Inner {
    folder: Folder,
    /// Held by the one process that serves with these keys; those that only administer them have none.
    serving: Option<File>,
    rings: RwLock<Rings>,
    writer: Mutex<Writer>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

struct Writer {
    machine: Arc<dyn Machine>,
    list: List,
    /// The file that the list is of.
    bytes: Vec<u8>,
    /// The suite that keys are made for.
    suite: Suite,
    halted: bool,
}

impl Keystore {
    /// Creates an empty keystore in `folder`, which is made if need be. The cost is that of a guess at a passphrase.
    pub fn create(
        folder: &Path,
        unlock: impl Into<Unlock>,
        cost: KdfCost,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let folder = Folder::create(folder)?;
        let serving = Some(folder.lock_for_serving()?);
        if folder.file().symlink_metadata().is_ok() {
            return Err(KeystoreError::Exists(folder.file()));
        }
        let (machine, list) = (unlock.into().begin(cost, &*rng)?, List::default());
        let bytes = file::write(&*machine, &list)?;
        folder.replace(&bytes)?;
        Self::assemble((folder, serving), (machine, list, bytes), clock, rng)
    }

    /// Opens the keystore in `folder` and holds its lock.
    pub fn open(
        folder: &Path,
        unlock: impl Into<Unlock>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let folder = Folder::at(folder);
        let serving = Some(folder.lock_for_serving()?);
        Self::read(folder, serving, &unlock.into(), clock, rng)
    }

    /// Opens the keystore in `folder` to see to its keys, while another process serves with them perhaps; that one
    /// notices what is changed by [`refresh`](Self::refresh).
    pub fn administer(
        folder: &Path,
        unlock: impl Into<Unlock>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        Self::read(Folder::at(folder), None, &unlock.into(), clock, rng)
    }

    /// Opens the keystore in `folder`, or creates it with `cost` if there is none.
    pub fn open_or_create(
        folder: &Path,
        unlock: impl Into<Unlock>,
        cost: KdfCost,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let unlock = unlock.into();
        match Self::open(folder, &unlock, Arc::clone(&clock), Arc::clone(&rng)) {
            Err(KeystoreError::Missing(_)) => Self::create(folder, &unlock, cost, clock, rng),
            opened => opened,
        }
    }

    /// Lists the keys in `folder` without opening them, even while another process has them open.
    pub fn inspect(folder: &Path, unlock: impl Into<Unlock>) -> Result<Vec<KeyInfo>, KeystoreError> {
        let (_, list) = UncheckedFile::read(&disk::read(folder)?)?.check(&unlock.into())?;
        Ok(list.keys.iter().map(Entry::info).collect())
    }

    fn read(
        folder: Folder,
        serving: Option<File>,
        unlock: &Unlock,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let bytes = disk::read(folder.path())?;
        let (machine, list) = UncheckedFile::read(&bytes)?.check(unlock)?;
        Self::assemble((folder, serving), (machine, list, bytes), clock, rng)
    }

    fn assemble(
        (folder, serving): (Folder, Option<File>),
        (machine, list, bytes): (Arc<dyn Machine>, List, Vec<u8>),
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let rings = RwLock::new(Rings::load(&list.keys, &*machine)?);
        let suite = list.suite()?.unwrap_or_default();
        let writer = Mutex::new(Writer {
            suite,
            machine,
            list,
            bytes,
            halted: false,
        });
        Ok(Self(Arc::new(Inner {
            folder,
            serving,
            rings,
            writer,
            clock,
            rng,
        })))
    }

    /// Chooses the suite that keys are made for, as long as there is no key; after that it stays what it was, and asking
    /// for another is an error.
    pub fn settle_suite(&self, asked: Option<Suite>) -> Result<Suite, KeystoreError> {
        let mut writer = self.writer();
        let kept = writer.list.suite()?;
        match (kept, asked) {
            (Some(kept), Some(asked)) if kept != asked => Err(KeystoreError::AnotherSuite { kept, asked }),
            _ => {
                writer.suite = kept.or(asked).unwrap_or_default();
                Ok(writer.suite)
            }
        }
    }

    /// Makes an active key for each of `roles` that has none, in one write.
    pub fn ensure(&self, roles: &[RoleName]) -> Result<(), KeystoreError> {
        self.change(|list, forge| lifecycle::ensure(&mut list.keys, roles, forge))
    }

    /// Makes the role's next key, so that it can be published before [`rotate`](Self::rotate) puts it to use.
    pub fn prepare(&self, role: RoleName) -> Result<(), KeystoreError> {
        self.change(|list, forge| lifecycle::prepare(&mut list.keys, role, forge))
    }

    /// Retires the role's active key and puts its next key, or else a new one, in its place.
    ///
    /// The private half of a key that signs is destroyed at once; the others are kept until [`destroy`](Self::destroy).
    pub fn rotate(&self, role: RoleName) -> Result<(), KeystoreError> {
        self.change(|list, forge| lifecycle::rotate(&mut list.keys, role, forge))
    }

    /// The same for a role whose keys others learn of: its next key has to be there, and for `ahead` seconds already.
    pub fn rotate_announced(&self, role: RoleName, ahead: u64) -> Result<(), KeystoreError> {
        self.change(|list, forge| {
            lifecycle::require_announced(&list.keys, role, ahead, forge.now)?;
            lifecycle::rotate(&mut list.keys, role, forge)
        })
    }

    /// Revokes a key that is next or retained, and destroys its private half.
    pub fn destroy(&self, id: &str) -> Result<(), KeystoreError> {
        self.change(|list, _| lifecycle::destroy(&mut list.keys, id))
    }

    /// Does what a ceremony prescribes, all of it or nothing, and remembers the ceremony's digest, so that it is held
    /// once only.
    pub fn hold_ceremony(&self, digest: &str, steps: &[Step]) -> Result<(), KeystoreError> {
        self.change(|list, forge| {
            if list.ceremonies.iter().any(|held| held == digest) {
                return Err(KeystoreError::CeremonyHeld);
            }
            for step in steps {
                step.take(&mut list.keys, forge)?;
            }
            list.ceremonies.push(digest.to_owned());
            Ok(())
        })
    }

    /// Seals everything anew under another passphrase, another cost, or both. No other process may have it open.
    pub fn rekey(&self, passphrase: &SecretBytes, cost: KdfCost) -> Result<(), KeystoreError> {
        let mut writer = self.writer();
        if self.0.serving.is_none() || !matches!(writer.machine.custody(), Custody::Argon2id { .. }) {
            return Err(KeystoreError::OtherKind);
        }
        if writer.halted {
            return Err(KeystoreError::Halted);
        }
        let _alone = self.0.folder.lock_for_writing()?;
        self.catch_up(&mut writer)?;
        let machine = SealedMachine::derive(passphrase, cost, random(&*self.0.rng))?;
        let forge = self.forge(&*machine, writer.suite);
        let keys = writer.list.keys.iter().cloned();
        let keys = keys
            .map(|entry| forge.reseal(entry, &*writer.machine))
            .collect::<Result<_, _>>()?;
        let list = List {
            keys,
            ..writer.list.clone()
        };
        let bytes = file::write(&*machine, &list)?;
        writer.replace(&self.0.folder, bytes)?;
        (writer.machine, writer.list) = (machine, list);
        Ok(())
    }

    /// Takes over what another process changed; whether there was something.
    pub fn refresh(&self) -> Result<bool, KeystoreError> {
        self.catch_up(&mut self.writer())
    }

    /// What anyone may know of every key, revoked ones included.
    pub fn list(&self) -> Vec<KeyInfo> {
        self.writer().list.keys.iter().map(Entry::info).collect()
    }

    /// The signing keys to publish: next, active and retained ones.
    pub fn public_signing_keys(&self) -> Vec<PublishedKey> {
        published(self.list())
    }

    /// A handle that signs in the role `R`.
    pub fn signer<R: SigningRole>(&self) -> Result<Signer<R>, KeystoreError> {
        let ring = self.rings().signing.ring(R::ROLE)?;
        Ok(Signer::new(ring, self.clone()))
    }

    /// A handle that opens in the role `R`.
    pub fn opener<R: AgreementRole>(&self) -> Result<Opener<R>, KeystoreError> {
        let ring = self.rings().agreement.ring(R::ROLE)?;
        Ok(Opener::new(ring, self.clone()))
    }

    /// A handle that authenticates or derives in the role `R`.
    pub fn mac<R: MacRole>(&self) -> Result<MacHandle<R>, KeystoreError> {
        let ring = self.rings().mac.ring(R::ROLE)?;
        Ok(MacHandle::new(ring, self.clone()))
    }

    /// A handle that signs notes in the role `R`.
    pub fn note_key<R: NoteRole>(&self) -> Result<NoteKey<R>, KeystoreError> {
        let ring = self.rings().note.ring(R::ROLE)?;
        Ok(NoteKey::new(ring, self.clone()))
    }

    /// Tries the active key of a role: it does its work, and what it does fits its public half.
    pub fn check(&self, role: RoleName) -> Result<(), KeystoreError> {
        self.rings().check(role)
    }

    /// Changes the list of keys: on disk first, then in memory, then the keys that no list names are destroyed.
    fn change(
        &self,
        edit: impl FnOnce(&mut List, &Forge<'_>) -> Result<(), KeystoreError>,
    ) -> Result<(), KeystoreError> {
        let mut writer = self.writer();
        if writer.halted {
            return Err(KeystoreError::Halted);
        }
        let _alone = self.0.folder.lock_for_writing()?;
        self.catch_up(&mut writer)?;
        let (machine, mut list) = (Arc::clone(&writer.machine), writer.list.clone());
        let forge = self.forge(&*machine, writer.suite);
        edit(&mut list, &forge)?;
        certificate::certify(&mut list.keys, &forge)?;
        if list != writer.list {
            let rings = Rings::load(&list.keys, &*machine)?;
            writer.replace(&self.0.folder, file::write(&*machine, &list)?)?;
            writer.list = list;
            self.adopt(rings);
        }
        let kept = writer.list.keys.iter().filter_map(Entry::object);
        machine.sweep(&kept.collect())
    }

    /// Reads the file again if it is another one than before.
    fn catch_up(&self, writer: &mut Writer) -> Result<bool, KeystoreError> {
        let bytes = disk::read(self.0.folder.path())?;
        if bytes == writer.bytes {
            return Ok(false);
        }
        let list = UncheckedFile::read(&bytes)?.check_by(&*writer.machine)?;
        self.adopt(Rings::load(&list.keys, &*writer.machine)?);
        (writer.list, writer.bytes) = (list, bytes);
        Ok(true)
    }

    fn adopt(&self, rings: Rings) {
        let mut current = self.0.rings.write().unwrap_or_else(PoisonError::into_inner);
        current.adopt(rings);
    }

    fn forge<'a>(&'a self, machine: &'a dyn Machine, suite: Suite) -> Forge<'a> {
        Forge {
            machine,
            suite,
            rng: &*self.0.rng,
            now: self.0.clock.now(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rings(&self) -> RwLockReadGuard<'_, Rings> {
        self.0.rings.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keystore(..)")
    }
}

impl Writer {
    /// Writes; after a write whose outcome is unknown, never again.
    fn replace(&mut self, folder: &Folder, bytes: Vec<u8>) -> Result<(), KeystoreError> {
        let written = folder.replace(&bytes);
        self.halted = matches!(written, Err(KeystoreError::Unconfirmed { .. }));
        written?;
        self.bytes = bytes;
        Ok(())
    }
}
