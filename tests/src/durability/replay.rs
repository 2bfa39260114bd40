//! A disk of which is known, at every moment, what a power cut would leave.
//!
//! What survives for certain is what a completed sync covers: the bytes and the length of a file by a sync of that file,
//! begun after they were written; a name by a sync of its directory. What no sync covers may survive or not, in sectors,
//! and names in the order in which they were given, as journaling file systems do.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::dice::Dice;
use super::snapshot::{Entry, Snapshot};
use super::trace::Event;

/// The least that a disk writes whole, in bytes.
const SECTOR: usize = 512;

/// What becomes of what no sync covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Unsynced {
    /// All of it is gone.
    Lost,
    /// All of it was written, as it happened.
    Kept,
    /// Some sectors were written, and some names given.
    Torn,
}

/// The disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: Vec<FileState>,
    names: BTreeMap<PathBuf, Name>,
    durable: BTreeMap<PathBuf, Name>,
    /// Changes of names that no sync covers, with the moment of each.
    renaming: Vec<(usize, NameChange)>,
    /// When each thread's sync was begun.
    syncing: HashMap<(u64, PathBuf), usize>,
    now: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Directory,
    File(usize),
}

#[derive(Debug, Default)]
struct FileState {
    durable: Vec<u8>,
    /// Changes that no sync covers, with the moment of each.
    pending: Vec<(usize, Change)>,
    length: usize,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Given(PathBuf, Name),
    Changed { from: PathBuf, to: PathBuf, name: Name },
    Removed(PathBuf),
}

impl Disk {
    /// A disk on which all of this is durable.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut disk = Self::default();
        for (path, entry) in &snapshot.0 {
            let name = match entry {
                Entry::Directory => Name::Directory,
                Entry::File(bytes) => disk.new_file(bytes.clone()),
            };
            disk.names.insert(path.clone(), name);
        }
        disk.durable.clone_from(&disk.names);
        disk
    }

    /// The next thing happens.
    pub(super) fn apply(&mut self, event: &Event) {
        self.now += 1;
        match event {
            Event::Made(path) if !self.names.contains_key(path) => {
                let name = self.new_file(Vec::new());
                self.name(NameChange::Given(path.clone(), name));
            }
            Event::MadeDirectory(path) => self.name(NameChange::Given(path.clone(), Name::Directory)),
            Event::Written { path, at, bytes } => self.write(path, *at, bytes),
            Event::Resized { path, length } => {
                let length = index(*length);
                self.change(path, |_| Some(Change::Length(length)));
            }
            Event::Reserved { path, length } => {
                let length = index(*length);
                self.change(path, |file| {
                    (length > file.length).then_some(Change::Length(length))
                });
            }
            Event::SyncBegins { path, thread } => {
                self.syncing.insert((*thread, path.clone()), self.now);
            }
            Event::SyncEnds { path, thread } => {
                if let Some(begun) = self.syncing.remove(&(*thread, path.clone())) {
                    self.synced(path, begun);
                }
            }
            Event::Renamed { from, to } => {
                let name = *self.names.get(from).unwrap();
                let (from, to) = (from.clone(), to.clone());
                self.name(NameChange::Changed { from, to, name });
            }
            Event::Removed(path) => self.name(NameChange::Removed(path.clone())),
            Event::Made(_) | Event::Answered(_) => {}
        }
    }

    /// What is there when the power comes back.
    pub(super) fn after_a_cut(&self, unsynced: Unsynced, dice: &mut Dice) -> Snapshot {
        let mut names = self.durable.clone();
        let given = match unsynced {
            Unsynced::Lost => 0,
            Unsynced::Kept => self.renaming.len(),
            Unsynced::Torn => dice.below(self.renaming.len() + 1),
        };
        for (_, change) in self.renaming.iter().take(given) {
            change.apply(&mut names);
        }
        let entry = |name: Name, dice: &mut Dice| match name {
            Name::Directory => Entry::Directory,
            Name::File(file) => Entry::File(self.file(file).after_a_cut(unsynced, dice)),
        };
        Snapshot(
            names
                .into_iter()
                .map(|(path, name)| (path, entry(name, dice)))
                .collect(),
        )
    }

    fn file(&self, file: usize) -> &FileState {
        self.files.get(file).unwrap()
    }

    fn new_file(&mut self, bytes: Vec<u8>) -> Name {
        self.files.push(FileState {
            length: bytes.len(),
            durable: bytes,
            pending: Vec::new(),
        });
        Name::File(self.files.len() - 1)
    }

    fn name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.renaming.push((self.now, change));
    }

    fn write(&mut self, path: &Path, at: Option<u64>, bytes: &[u8]) {
        self.change(path, |file| {
            let at = at.map_or(file.length, index);
            Some(Change::Write(at, bytes.to_vec()))
        });
    }

    fn change(&mut self, path: &Path, change: impl FnOnce(&FileState) -> Option<Change>) {
        let Some(Name::File(file)) = self.names.get(path) else {
            panic!("{} is written, and was never made", path.display())
        };
        let (now, file) = (self.now, self.files.get_mut(*file).unwrap());
        if let Some(change) = change(file) {
            file.length = match &change {
                Change::Write(at, bytes) => file.length.max(at + bytes.len()),
                Change::Length(length) => *length,
            };
            file.pending.push((now, change));
        }
    }

    /// A sync that was begun then has succeeded.
    fn synced(&mut self, path: &Path, begun: usize) {
        match self.names.get(path) {
            Some(Name::File(file)) => self.files.get_mut(*file).unwrap().synced(begun),
            Some(Name::Directory) => self.names_synced(path, begun),
            None if path == Path::new("") => self.names_synced(path, begun),
            None => panic!("{} is synced, and was never made", path.display()),
        }
    }

    fn names_synced(&mut self, directory: &Path, begun: usize) {
        for (moment, change) in std::mem::take(&mut self.renaming) {
            if moment < begun && change.directory() == Some(directory) {
                change.apply(&mut self.durable);
            } else {
                self.renaming.push((moment, change));
            }
        }
    }
}

impl FileState {
    fn synced(&mut self, begun: usize) {
        for (moment, change) in std::mem::take(&mut self.pending) {
            if moment < begun {
                change.apply(&mut self.durable);
            } else {
                self.pending.push((moment, change));
            }
        }
    }

    fn after_a_cut(&self, unsynced: Unsynced, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (_, change) in &self.pending {
            match unsynced {
                Unsynced::Lost => break,
                Unsynced::Kept => change.apply(&mut bytes),
                Unsynced::Torn => change.apply_some(&mut bytes, dice),
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, written) => put(bytes, *at, written),
        }
    }

    /// Applies the sectors, aligned in the file, that the dice choose.
    fn apply_some(&self, bytes: &mut Vec<u8>, dice: &mut Dice) {
        let Self::Write(at, written) = self else {
            if dice.percent(50) {
                self.apply(bytes);
            }
            return;
        };
        let (mut at, mut rest) = (*at, written.as_slice());
        while !rest.is_empty() {
            let (sector, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            if dice.percent(50) {
                put(bytes, at, sector);
            }
            at += sector.len();
            rest = after;
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Name>) {
        match self {
            Self::Given(path, name) => {
                names.insert(path.clone(), *name);
            }
            Self::Changed { from, to, name } => {
                names.remove(from);
                names.insert(to.clone(), *name);
            }
            Self::Removed(path) => {
                names.remove(path);
            }
        }
    }

    /// Whose sync makes it last.
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Given(path, _) | Self::Removed(path) | Self::Changed { to: path, .. } => path.parent(),
        }
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, written: &[u8]) {
    let end = at + written.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes
        .get_mut(at..end)
        .unwrap_or_default()
        .copy_from_slice(written);
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(at: u64, bytes: &[u8]) -> Event {
        let (path, bytes) = ("a".into(), bytes.into());
        let at = Some(at);
        Event::Written { path, at, bytes }
    }

    fn begins(path: &str) -> Event {
        let (path, thread) = (path.into(), 1);
        Event::SyncBegins { path, thread }
    }

    fn ends(path: &str) -> Event {
        let (path, thread) = (path.into(), 1);
        Event::SyncEnds { path, thread }
    }

    /// A disk with the file `a`, after all of this.
    fn disk(events: &[Event]) -> Disk {
        let mut before = Snapshot::default();
        before.0.insert("a".into(), Entry::File(vec![0; 4]));
        let mut disk = Disk::of(&before);
        events.iter().for_each(|event| disk.apply(event));
        disk
    }

    fn content(disk: &Disk, unsynced: Unsynced) -> Vec<u8> {
        let snapshot = disk.after_a_cut(unsynced, &mut Dice::new(1));
        match snapshot.0.get(Path::new("a")) {
            Some(Entry::File(bytes)) => bytes.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_written_survives_a_sync_that_began_after_it_and_ended() {
        for (events, survives) in [
            (vec![written(1, b"x")], false),
            (vec![written(1, b"x"), begins("a")], false),
            (vec![begins("a"), written(1, b"x"), ends("a")], false),
            (vec![written(1, b"x"), begins("a"), ends("a")], true),
        ] {
            let disk = disk(&events);
            let expected: &[u8] = if survives { b"\0x\0\0" } else { &[0; 4] };
            assert_eq!(content(&disk, Unsynced::Lost), expected, "{events:?}");
            assert_eq!(content(&disk, Unsynced::Kept), b"\0x\0\0");
        }
    }

    #[test]
    fn a_length_survives_with_the_sync_of_its_file() {
        let path = PathBuf::from("a");
        let grows = Event::Reserved {
            path: path.clone(),
            length: 6,
        };
        let shrinks = Event::Resized { path, length: 2 };
        assert_eq!(
            content(&disk(std::slice::from_ref(&grows)), Unsynced::Lost).len(),
            4
        );
        let disk = disk(&[grows, begins("a"), ends("a"), shrinks]);
        assert_eq!(content(&disk, Unsynced::Lost).len(), 6);
        assert_eq!(content(&disk, Unsynced::Kept).len(), 2);
    }

    #[test]
    fn a_name_survives_the_sync_of_its_directory_alone() {
        let made = [
            Event::Made("b.tmp".into()),
            begins("b.tmp"),
            ends("b.tmp"),
            Event::Renamed {
                from: "b.tmp".into(),
                to: "b".into(),
            },
        ];
        let names = |disk: &Disk, unsynced| -> Vec<PathBuf> {
            disk.after_a_cut(unsynced, &mut Dice::new(1))
                .0
                .into_keys()
                .collect()
        };
        let mut disk = disk(&made);
        assert_eq!(names(&disk, Unsynced::Lost), [PathBuf::from("a")]);
        let both = [PathBuf::from("a"), PathBuf::from("b")];
        assert_eq!(names(&disk, Unsynced::Kept), both);
        [begins(""), ends("")].iter().for_each(|event| disk.apply(event));
        assert_eq!(names(&disk, Unsynced::Lost), both);
        disk.apply(&Event::Removed("b".into()));
        assert_eq!(
            names(&disk, Unsynced::Lost),
            both,
            "removing is a change of a name too"
        );
    }

    #[test]
    fn torn_bytes_are_whole_sectors_of_the_file() {
        let disk = disk(&[written(500, &[7; 1500])]);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let snapshot = disk.after_a_cut(Unsynced::Torn, &mut Dice::new(seed));
            let Some(Entry::File(bytes)) = snapshot.0.get(Path::new("a")) else {
                panic!("a is there")
            };
            let mut bytes = bytes.clone();
            bytes.resize(2000, 0);
            let sectors: Vec<bool> = [500..512, 512..1024, 1024..1536, 1536..2000]
                .map(|sector| {
                    let sector = &bytes[sector];
                    assert!(sector.iter().all(|byte| *byte == sector[0]));
                    sector[0] == 7
                })
                .into();
            seen.insert(sectors);
        }
        assert!(seen.len() > 8, "{seen:?}");
    }
}
