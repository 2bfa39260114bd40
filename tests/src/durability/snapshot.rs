//! A directory with everything in it, in memory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The ending of SQLite's shared memory: it is made anew at every start and never has to survive.
const SHARED_MEMORY: &str = "-shm";

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Directory,
    File(Vec<u8>),
}

/// A directory with everything in it, by path relative to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Snapshot(pub(super) BTreeMap<PathBuf, Entry>);

impl Snapshot {
    /// What is in this directory now.
    pub(super) fn read(directory: &Path) -> Self {
        let mut snapshot = Self::default();
        snapshot.add(directory, Path::new(""));
        snapshot
    }

    fn add(&mut self, root: &Path, below: &Path) {
        for entry in fs::read_dir(root.join(below)).unwrap() {
            let path = below.join(entry.unwrap().file_name());
            let place = root.join(&path);
            if place.is_dir() {
                self.0.insert(path.clone(), Entry::Directory);
                self.add(root, &path);
            } else if survives(&path) {
                self.0.insert(path, Entry::File(fs::read(place).unwrap()));
            }
        }
    }

    /// Writes it into this directory, which is made; for its owner alone, as the server makes everything. What has no
    /// directory to be in is left out.
    pub(super) fn write(&self, directory: &Path) {
        private_directory(directory);
        for (path, entry) in &self.0 {
            let place = directory.join(path);
            if !place.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match entry {
                Entry::Directory => private_directory(&place),
                Entry::File(bytes) => private_file(&place, bytes),
            }
        }
    }

    /// The paths at which two directories differ.
    pub(super) fn differences(&self, other: &Self) -> Vec<PathBuf> {
        let paths = self.0.keys().chain(other.0.keys());
        let mut differ: Vec<PathBuf> = paths
            .filter(|path| self.0.get(*path) != other.0.get(*path))
            .cloned()
            .collect();
        differ.dedup();
        differ
    }
}

/// Whether a file is one that has to survive.
pub(super) fn survives(path: &Path) -> bool {
    !path.to_string_lossy().ends_with(SHARED_MEMORY)
}

fn private_directory(path: &Path) {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path).unwrap();
}

fn private_file(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut options = fs::File::options();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_as_it_was_written_and_shared_memory_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = Snapshot::default();
        written.0.insert("head".into(), Entry::Directory);
        written.0.insert("head/0".into(), Entry::File(vec![1, 2]));
        written.write(folder.path());
        fs::write(folder.path().join("ledger.db-shm"), "x").unwrap();
        let read = Snapshot::read(folder.path());
        assert_eq!(read, written);
        let mut other = read.clone();
        other.0.insert("head/0".into(), Entry::File(vec![1]));
        assert_eq!(read.differences(&other), [PathBuf::from("head/0")]);
    }
}
