//! A disk that is full.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::disk::{Disk, DiskFile, PAGE, RealDisk};

/// A disk with room for so many bytes.
pub(super) struct Small {
    room: u64,
    taken: Arc<Mutex<BTreeMap<PathBuf, u64>>>,
}

impl Small {
    pub(super) fn of(room: u64) -> Arc<Self> {
        Arc::new(Self {
            room,
            taken: Arc::default(),
        })
    }
}

impl Disk for Small {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SmallFile {
            file: RealDisk.create(path)?,
            path: path.to_owned(),
            room: self.room,
            taken: Arc::clone(&self.taken),
        }))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.reopen(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)?;
        self.taken.lock().unwrap().remove(path);
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_directory(path)
    }
}

struct SmallFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    room: u64,
    taken: Arc<Mutex<BTreeMap<PathBuf, u64>>>,
}

impl DiskFile for SmallFile {
    fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()> {
        self.file.read_at(bytes, place)
    }

    fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()> {
        let mut taken = self.taken.lock().unwrap();
        let own = taken.get(&self.path).copied().unwrap_or_default();
        let grown = own.max((place + bytes.len() as u64).next_multiple_of(PAGE as u64));
        // What a file has already it keeps, however full the disk becomes beside it; what does not fit takes the rest.
        let left = self.room - taken.values().sum::<u64>();
        taken.insert(self.path.clone(), own + left.min(grown - own));
        if grown - own > left {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(bytes, place)?;
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }
}
