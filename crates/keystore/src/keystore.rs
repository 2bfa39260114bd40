//! The keystore: opens the file, hands out handles, and moves keys through their lives.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use cyberid_crypto::PublicKey;
use cyberid_domain::rng::random;
use cyberid_domain::secret::SecretBytes;
use cyberid_domain::{Clock, Rng};

use crate::disk::{self, LockedFolder};
use crate::entry::{Entry, KeyInfo, State};
use crate::error::KeystoreError;
use crate::file::{self, Derivation, UncheckedFile};
use crate::forge::Forge;
use crate::handle::{MacHandle, NoteKey, Opener, Signer};
use crate::kdf::{FileKeys, KdfCost};
use crate::lifecycle;
use crate::public::PublicHalf;
use crate::ring::Rings;
use crate::role::{AgreementRole, Kind, MacRole, NoteRole, RoleName, SigningRole};

/// The private keys of one process, open. Clones are the same keystore; when the last clone and the last handle
/// are dropped, another process can open it.
#[derive(Clone)]
pub struct Keystore(Arc<Inner>);

struct Inner {
    rings: RwLock<Rings>,
    writer: Mutex<Writer>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

struct Writer {
    folder: LockedFolder,
    derivation: Derivation,
    keys: FileKeys,
    entries: Vec<Entry>,
    halted: bool,
}

impl Keystore {
    /// Creates an empty keystore in `folder`, which is made if need be.
    pub fn create(
        folder: &Path,
        passphrase: &SecretBytes,
        cost: KdfCost,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let folder = LockedFolder::create(folder)?;
        if folder.file().symlink_metadata().is_ok() {
            return Err(KeystoreError::Exists(folder.file()));
        }
        let derivation = Derivation::new(cost, random(&*rng));
        let keys = derivation.keys(passphrase)?;
        folder.replace(&file::write(&derivation, &keys, &[]))?;
        Self::assemble(folder, (derivation, keys, Vec::new()), clock, rng)
    }

    /// Opens the keystore in `folder` and holds its lock.
    pub fn open(
        folder: &Path,
        passphrase: &SecretBytes,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let locked = LockedFolder::lock(folder)?;
        let checked = UncheckedFile::read(&disk::read(folder)?)?.check(passphrase)?;
        Self::assemble(locked, checked, clock, rng)
    }

    /// Opens the keystore in `folder`, or creates it with `cost` if there is none.
    pub fn open_or_create(
        folder: &Path,
        passphrase: &SecretBytes,
        cost: KdfCost,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        match Self::open(folder, passphrase, Arc::clone(&clock), Arc::clone(&rng)) {
            Err(KeystoreError::Missing(_)) => Self::create(folder, passphrase, cost, clock, rng),
            opened => opened,
        }
    }

    /// Lists the keys in `folder` without opening them, even while another process has them open.
    pub fn inspect(folder: &Path, passphrase: &SecretBytes) -> Result<Vec<KeyInfo>, KeystoreError> {
        let (_, _, entries) = UncheckedFile::read(&disk::read(folder)?)?.check(passphrase)?;
        Ok(entries.iter().map(Entry::info).collect())
    }

    fn assemble(
        folder: LockedFolder,
        (derivation, keys, entries): (Derivation, FileKeys, Vec<Entry>),
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, KeystoreError> {
        let rings = RwLock::new(Rings::load(&entries, &keys)?);
        let writer = Mutex::new(Writer {
            folder,
            derivation,
            keys,
            entries,
            halted: false,
        });
        Ok(Self(Arc::new(Inner {
            rings,
            writer,
            clock,
            rng,
        })))
    }

    /// Makes an active key for each of `roles` that has none, in one write.
    pub fn ensure(&self, roles: &[RoleName]) -> Result<(), KeystoreError> {
        self.change(|entries, forge| lifecycle::ensure(entries, roles, forge))
    }

    /// Makes the role's next key, so that it can be published before [`rotate`](Self::rotate) puts it to use.
    pub fn prepare(&self, role: RoleName) -> Result<(), KeystoreError> {
        self.change(|entries, forge| lifecycle::prepare(entries, role, forge))
    }

    /// Retires the role's active key and puts its next key, or else a new one, in its place.
    ///
    /// The private half of a key that signs is destroyed at once; the others are kept until [`destroy`](Self::destroy).
    pub fn rotate(&self, role: RoleName) -> Result<(), KeystoreError> {
        self.change(|entries, forge| lifecycle::rotate(entries, role, forge))
    }

    /// Revokes a key that is next or retained, and destroys its private half.
    pub fn destroy(&self, id: &str) -> Result<(), KeystoreError> {
        self.change(|entries, _| lifecycle::destroy(entries, id))
    }

    /// Seals everything anew under another passphrase, another cost, or both.
    pub fn rekey(&self, passphrase: &SecretBytes, cost: KdfCost) -> Result<(), KeystoreError> {
        let mut writer = self.writer();
        let derivation = Derivation::new(cost, random(&*self.0.rng));
        let keys = derivation.keys(passphrase)?;
        let forge = self.forge(&keys);
        let entries = writer.entries.iter().cloned();
        let entries = entries
            .map(|entry| forge.reseal(entry, &writer.keys))
            .collect::<Result<_, _>>()?;
        writer.store(derivation, keys, entries)
    }

    /// What anyone may know of every key, revoked ones included.
    pub fn list(&self) -> Vec<KeyInfo> {
        self.writer().entries.iter().map(Entry::info).collect()
    }

    /// The signing keys to publish: next, active and retained ones.
    pub fn public_signing_keys(&self) -> Vec<(RoleName, State, PublicKey)> {
        let keys = self.list().into_iter();
        keys.filter(|key| key.role.kind() == Kind::Signing && key.state != State::Revoked)
            .filter_map(|key| match key.public {
                Some(PublicHalf::P256(public)) => Some((key.role, key.state, public)),
                _ => None,
            })
            .collect()
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

    /// Changes the list of keys: on disk first, then in memory.
    fn change(
        &self,
        edit: impl FnOnce(Vec<Entry>, &Forge<'_>) -> Result<Vec<Entry>, KeystoreError>,
    ) -> Result<(), KeystoreError> {
        let mut writer = self.writer();
        let entries = edit(writer.entries.clone(), &self.forge(&writer.keys))?;
        if entries == writer.entries {
            return Ok(());
        }
        let rings = Rings::load(&entries, &writer.keys)?;
        writer.store_entries(entries)?;
        let mut current = self.0.rings.write().unwrap_or_else(PoisonError::into_inner);
        current.adopt(rings);
        Ok(())
    }

    fn forge<'a>(&'a self, keys: &'a FileKeys) -> Forge<'a> {
        Forge {
            keys,
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
    fn store_entries(&mut self, entries: Vec<Entry>) -> Result<(), KeystoreError> {
        let bytes = file::write(&self.derivation, &self.keys, &entries);
        self.replace(&bytes)?;
        self.entries = entries;
        Ok(())
    }

    fn store(
        &mut self,
        derivation: Derivation,
        keys: FileKeys,
        entries: Vec<Entry>,
    ) -> Result<(), KeystoreError> {
        self.replace(&file::write(&derivation, &keys, &entries))?;
        (self.derivation, self.keys, self.entries) = (derivation, keys, entries);
        Ok(())
    }

    /// Writes, but never again after a write whose outcome is unknown.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), KeystoreError> {
        if self.halted {
            return Err(KeystoreError::Halted);
        }
        let written = self.folder.replace(bytes);
        self.halted = matches!(written, Err(KeystoreError::Unconfirmed { .. }));
        written
    }
}
