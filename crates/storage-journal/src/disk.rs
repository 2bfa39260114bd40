//! What the journal does to a disk, behind a face that a test can make fail.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// What a file is written and synced in: a disk keeps or loses it whole, and no two groups share one.
pub(crate) const PAGE: usize = 4096;

/// Changes of files and of directories.
pub(crate) trait Disk: Send + Sync {
    /// Makes a file, or empties it.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn reopen(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes durable which names a directory holds.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// A file that is written.
pub(crate) trait DiskFile: Send {
    /// Reads as many bytes at a place.
    fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()>;

    /// Writes all bytes at a place.
    fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()>;

    /// Makes durable what was written, and what is needed to read it (`fdatasync`).
    fn sync_data(&mut self) -> io::Result<()>;

    /// Makes the file durable with everything that is known of it (`fsync`).
    fn sync_all(&mut self) -> io::Result<()>;

    /// Cuts the file.
    fn set_length(&mut self, length: u64) -> io::Result<()>;
}

/// The machine's disk. Files are readable by their owner only.
pub(crate) struct RealDisk;

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl DiskFile for File {
    fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()> {
        self.read_exact_at(bytes, place)
    }

    fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()> {
        self.write_all_at(bytes, place)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Makes a directory for its owner alone, if it is not there.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
}

/// The lock of a directory: while this lives, no other process has it. Nothing, if another has.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}
