//! A search through files, texts and memories, and what it met.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::canary::Kind;
use super::memory::Memory;
use super::scanner::Scanner;

/// How many places are named.
const NAMED: usize = 40;

/// A place where a canary stood. It does not say whose: it is for repairing the place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The file, or the process and its mapping.
    pub place: String,
    /// From its beginning, in bytes.
    pub offset: u64,
    /// What it was.
    pub kind: Kind,
    /// How it was written.
    pub encoding: &'static str,
}

/// One search.
pub(super) struct Search<'a> {
    scanner: &'a Scanner,
    pub(super) files: usize,
    pub(super) cores: usize,
    pub(super) bytes: u64,
    seen: BTreeSet<usize>,
    found: usize,
    places: Vec<Sighting>,
}

impl<'a> Search<'a> {
    pub(super) fn new(scanner: &'a Scanner) -> Self {
        Self {
            scanner,
            files: 0,
            cores: 0,
            bytes: 0,
            seen: BTreeSet::new(),
            found: 0,
            places: Vec::new(),
        }
    }

    /// Which patterns were met.
    pub(super) fn seen(&self) -> &BTreeSet<usize> {
        &self.seen
    }

    /// How often one was met.
    pub(super) fn found(&self) -> usize {
        self.found
    }

    /// Where; the first of them.
    pub(super) fn places(self) -> Vec<Sighting> {
        self.places
    }

    /// Searches every file of a folder, however deep.
    pub(super) fn folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else {
                self.file(&path);
            }
        }
    }

    /// Searches a file; one that went meanwhile has nothing in it.
    pub(super) fn file(&mut self, path: &Path) {
        if let Ok(mut file) = File::open(path) {
            self.files += 1;
            self.read(&path.display().to_string(), &mut file);
        }
    }

    /// Searches what a process shows.
    pub(super) fn text(&mut self, name: &str, text: &[u8]) {
        self.files += 1;
        self.read(name, &mut &text[..]);
    }

    /// Searches the memory of a process.
    pub(super) fn memory(&mut self, name: &str, id: u32) {
        let memory = Memory::of(id).expect("the right to read the process's memory");
        self.files += 1;
        self.cores += 1;
        for mut mapping in memory.mappings().unwrap() {
            let place = format!("memory of the {name} {}", mapping.name);
            self.read(&place, &mut mapping);
        }
    }

    fn read(&mut self, place: &str, source: &mut impl Read) {
        let scanner = self.scanner;
        let read = scanner.scan(source, |index, offset| {
            let pattern = &scanner.patterns()[index];
            self.seen.insert(index);
            self.found += 1;
            if self.places.len() < NAMED {
                self.places.push(Sighting {
                    place: place.to_owned(),
                    offset,
                    kind: pattern.canary.kind,
                    encoding: pattern.encoding,
                });
            }
        });
        self.bytes += read.unwrap();
    }
}
