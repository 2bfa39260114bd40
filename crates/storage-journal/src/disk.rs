//! What the journal does to a disk, behind a face that a test can make fail.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

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

    /// Writes go past the system's cache, if this disk can do that, until they are to stop: of pages, from memory that begins at
    /// a multiple of one. Whether they do.
    fn write_directly(&mut self, _directly: bool) -> bool {
        false
    }

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

    fn write_directly(&mut self, directly: bool) -> bool {
        let set = fcntl_getfl(&*self).and_then(|mut flags| {
            flags.set(OFlags::DIRECT, directly);
            fcntl_setfl(&*self, flags)
        });
        directly && set.is_ok()
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

/// The zeros that are written at once: who syncs another file meanwhile does not wait for more than these.
const ZEROS: usize = 128 * PAGE;

/// Writes zeros, past the cache where that is possible, which takes a fifth of the processor's time. `between` comes before each
/// part but the first.
pub(crate) fn fill(
    file: &mut dyn DiskFile,
    places: Range<u64>,
    between: impl Fn() -> io::Result<()>,
) -> io::Result<()> {
    let space = vec![0; ZEROS + PAGE];
    let zeros = space.get(space.as_ptr().align_offset(PAGE)..).unwrap_or_default();
    let mut directly = file.write_directly(true);
    for place in places.clone().step_by(ZEROS) {
        if place > places.start {
            between()?;
        }
        let left = usize::try_from(places.end - place).unwrap_or(ZEROS);
        let part = zeros.get(..left.min(ZEROS)).unwrap_or_default();
        if directly && file.write_at(part, place).is_ok() {
            continue;
        }
        directly = file.write_directly(false);
        file.write_at(part, place)?;
        // Or the cache would hold them until all are synced at once.
        file.sync_data()?;
    }
    file.write_directly(false);
    Ok(())
}

/// What was written to a file that was made of zeros.
pub(crate) struct Written {
    /// Its bytes up to the last page that is not of zeros, and one more page of what there is: a group may end in zeros that
    /// are its own, but not in a page of them and another.
    pub(crate) bytes: Vec<u8>,
    /// The file's length.
    pub(crate) length: u64,
}

/// How much of a file is read at once.
const PIECE: usize = 16 * PAGE;

/// Reads what was written to a file, without the space after it.
pub(crate) fn read_written(path: &Path) -> io::Result<Written> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut bytes, mut piece) = (Vec::new(), vec![0; PIECE]);
    for place in (0..length).step_by(PIECE) {
        let left = usize::try_from(length - place).unwrap_or(PIECE);
        let piece = piece.get_mut(..left.min(PIECE)).unwrap_or_default();
        file.read_exact_at(piece, place)?;
        let written = piece.iter().rposition(|byte| *byte != 0);
        let Some(last) = written else { continue };
        bytes.resize(usize::try_from(place).unwrap_or(usize::MAX), 0);
        bytes.extend(piece.iter().take(last + 1));
    }
    let end = (bytes.len().next_multiple_of(PAGE) + PAGE) as u64;
    bytes.resize(usize::try_from(end.min(length)).unwrap_or(usize::MAX), 0);
    Ok(Written { bytes, length })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that writes directly, and refuses to from a place on.
    struct Direct {
        file: File,
        refuses_from: u64,
        directly: bool,
        synced: usize,
    }

    impl DiskFile for Direct {
        fn read_at(&mut self, bytes: &mut [u8], place: u64) -> io::Result<()> {
            DiskFile::read_at(&mut self.file, bytes, place)
        }

        fn write_at(&mut self, bytes: &[u8], place: u64) -> io::Result<()> {
            if !self.directly {
                return DiskFile::write_at(&mut self.file, bytes, place);
            }
            assert_eq!(
                bytes.as_ptr().align_offset(PAGE),
                0,
                "memory that a disk can take"
            );
            if place >= self.refuses_from {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            DiskFile::write_at(&mut self.file, bytes, place)
        }

        fn write_directly(&mut self, directly: bool) -> bool {
            self.directly = directly;
            directly
        }

        fn sync_data(&mut self) -> io::Result<()> {
            self.synced += 1;
            Ok(())
        }

        fn sync_all(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn set_length(&mut self, length: u64) -> io::Result<()> {
            DiskFile::set_length(&mut self.file, length)
        }
    }

    #[test]
    fn what_is_not_written_directly_is_written_and_synced() {
        let parts = 3 * ZEROS as u64;
        // From where direct writes are refused, and how many parts are synced instead.
        for (refuses_from, synced) in [(u64::MAX, 0), (ZEROS as u64, 2), (0, 3)] {
            let mut file = Direct {
                file: tempfile::tempfile().unwrap(),
                refuses_from,
                directly: false,
                synced: 0,
            };
            fill(&mut file, 0..parts, || Ok(())).unwrap();
            assert_eq!(file.synced, synced);
            assert!(!file.directly, "groups are written through the cache");
            assert_eq!(file.file.metadata().unwrap().len(), parts);
        }
    }

    #[test]
    fn the_space_after_what_was_written_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        // The last byte that is none of zero, and how much of the file is read.
        for (last, read) in [
            (None, PAGE),
            (Some(0), 2 * PAGE),
            (Some(PAGE - 1), 2 * PAGE),
            (Some(PAGE), 3 * PAGE),
            (Some(PIECE), PIECE + 2 * PAGE),
            (Some(3 * PIECE + 99), 3 * PIECE + 100),
        ] {
            let mut whole = vec![0; 3 * PIECE + 100];
            if let Some(last) = last {
                whole[last] = 7;
            }
            std::fs::write(&path, &whole).unwrap();
            let written = read_written(&path).unwrap();
            assert_eq!(written.length, whole.len() as u64);
            assert_eq!(written.bytes, whole[..read], "{last:?}");
        }
        std::fs::write(&path, []).unwrap();
        assert!(read_written(&path).unwrap().bytes.is_empty());
    }
}
