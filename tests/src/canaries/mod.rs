//! No trace of a person where none belongs: people are enrolled at a platform in processes of its own, use it, and then
//! every file that it wrote, everything that it shows, and the memory of its processes are searched for who they are.
//!
//! [`run`] does all of it and counts. What is searched for, and in which encodings, stands in `docs/canaries.md`.

mod canary;
mod dump;
mod encoding;
mod memory;
mod scanner;
mod search;
mod stage;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::durability::Progress;
pub use canary::Kind;
pub use dump::values_in;
use encoding::ENCODINGS;
use scanner::{Pattern, Scanner};
use search::Search;
pub use search::Sighting;
use stage::Stage;

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many people are enrolled.
    pub people: usize,
    /// How many of them show their PIN, and release name and date of birth.
    pub releases: usize,
    /// How many act at once.
    pub workers: usize,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Enrolled people.
    pub people: usize,
    /// What is theirs and belongs nowhere: names, numbers, dates, PINs.
    pub canaries: usize,
    /// In how many encodings each was searched for.
    pub encodings: usize,
    /// Different sequences of bytes that were searched for.
    pub patterns: usize,
    /// Sequences that were there before these people were, and so tell nothing: not searched for.
    pub known_before: usize,
    /// Releases of plaintext that were opened.
    pub releases: usize,
    /// Files, documents and memories that were searched.
    pub files: usize,
    /// Of them, memories of processes.
    pub cores: usize,
    /// Bytes that were searched.
    pub bytes: u64,
    /// Places where a canary stood.
    pub found: usize,
    /// The same search where canaries are.
    pub control: Control,
    /// Where they stood; the first of them.
    pub places: Vec<Sighting>,
}

/// What a search finds that has something to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    /// Sequences that were written to a file.
    pub planted: usize,
    /// Of these, found there.
    pub found: usize,
    /// People of whom something was found in the memory of a process that was told of everybody.
    pub found_in_memory: usize,
}

impl Report {
    /// Whether nothing was found, and the search would have found it.
    pub fn is_clean(&self) -> bool {
        self.found == 0 && self.can_find()
    }

    /// Whether the search finds what is there.
    pub fn can_find(&self) -> bool {
        let Control {
            planted,
            found,
            found_in_memory,
        } = self.control;
        planted > 0 && found == planted && found_in_memory == self.people
    }
}

/// Enrols people, and searches for them.
pub async fn run(plan: Plan, progress: Progress<'_>) -> Report {
    let stage = Stage::set(plan.people).await;
    stage.warm_up().await;
    let canaries = stage.canaries();
    let patterns = Pattern::all(&canaries);
    let known_before = known_before(&stage, &patterns).await;
    let scanner = Scanner::new(without(patterns, &known_before));
    stage.live(plan, progress).await;
    // What is at rest has a second for it.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut search = Search::new(&scanner);
    stage.search(&mut search).await;
    Report {
        people: plan.people,
        canaries: canaries.len(),
        encodings: ENCODINGS.len(),
        patterns: scanner.patterns().len(),
        known_before: known_before.len(),
        releases: plan.releases,
        files: search.files,
        cores: search.cores,
        bytes: search.bytes,
        found: search.found(),
        control: control(&stage, &scanner),
        places: search.places(),
    }
}

/// What stands there before anybody of these people came: a date in a text, a name that somebody else has, too.
async fn known_before(stage: &Stage, patterns: &[Pattern]) -> BTreeSet<usize> {
    let scanner = Scanner::new(patterns.to_vec());
    let mut search = Search::new(&scanner);
    stage.search(&mut search).await;
    search.seen().clone()
}

fn without(patterns: Vec<Pattern>, known: &BTreeSet<usize>) -> Vec<Pattern> {
    let numbered = patterns.into_iter().enumerate();
    numbered
        .filter(|(index, _)| !known.contains(index))
        .map(|(_, pattern)| pattern)
        .collect()
}

fn control(stage: &Stage, scanner: &Scanner) -> Control {
    let mut planted = Search::new(scanner);
    planted.file(&stage.plant(scanner));
    let mut told = Search::new(scanner);
    let knowing = stage.told_of_everybody();
    told.memory("process that was told", knowing.id());
    let patterns = told.seen().iter().map(|index| &scanner.patterns()[*index]);
    let people: BTreeSet<usize> = patterns.map(|pattern| pattern.canary.person).collect();
    Control {
        planted: scanner.patterns().len(),
        found: planted.seen().len(),
        found_in_memory: people.len(),
    }
}
