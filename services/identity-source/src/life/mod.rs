//! What has happened to people since the population was drawn, and which platforms are to be told.

mod journal;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cyberid_domain::UnixTime;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_protocol::notice::Happening;
use serde::{Deserialize, Serialize};
use time::{Date, Duration};

use crate::{Person, Population};
use journal::Journal;
pub use journal::JournalFailed;

/// How long a new document is valid, in days.
const RENEWED_FOR: i64 = 3_653;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Entry {
    Happened(Happened),
    Confirmed(Confirmed),
}

/// Something happened to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Happened {
    /// Its place in the order of everything that happened, from 1.
    pub(crate) seq: u64,
    pub(crate) index: u64,
    pub(crate) happening: Happening,
    pub(crate) at: UnixTime,
    /// The corrected name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Somebody was confirmed to a platform, which is told from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Confirmed {
    /// SHA-256 of the feed's name.
    feed: [u8; 32],
    index: u64,
    /// What had happened before.
    since: u64,
}

/// How a person differs from how they were drawn.
#[derive(Debug, Default, Clone)]
struct Change {
    died: bool,
    document_invalid: bool,
    renewals: u64,
    number: Option<String>,
    valid_until: Option<Date>,
    name: Option<String>,
}

#[derive(Default)]
struct Known {
    happened: Vec<Happened>,
    changes: HashMap<u64, Change>,
    numbers: HashMap<(DocumentType, String), u64>,
    feeds: HashMap<[u8; 32], HashMap<u64, u64>>,
}

/// What has happened, in memory and in a journal.
pub struct Life {
    journal: Journal,
    known: Mutex<Known>,
}

impl Life {
    /// What the journal at `path` tells of this population; it is made if it is missing.
    pub fn open(path: &Path, population: &Population) -> Result<Self, JournalFailed> {
        let (journal, entries) = Journal::open(path)?;
        let mut known = Known::default();
        for entry in entries {
            known.learn(entry, population);
        }
        Ok(Self {
            journal,
            known: Mutex::new(known),
        })
    }

    /// The person as they are now.
    pub(crate) fn now(&self, person: Person) -> Person {
        self.known().changed(person)
    }

    /// The person whose present document is of this kind and number.
    pub(crate) fn by_document(
        &self,
        population: &Population,
        kind: DocumentType,
        number: &str,
    ) -> Option<Person> {
        let known = self.known();
        let renewed = known.numbers.get(&(kind, number.to_owned()));
        let person = match renewed {
            Some(index) => population.person(*index),
            None => population.by_document(kind, number),
        };
        let person = known.changed(person?);
        (person.number.expose() == number).then_some(person)
    }

    /// Lets something happen. A name is for a correction alone.
    pub(crate) fn happen(
        &self,
        population: &Population,
        person: &Person,
        (happening, name): (Happening, Option<String>),
        at: UnixTime,
    ) -> Result<u64, JournalFailed> {
        let mut known = self.known();
        let seq = known.last() + 1;
        let happened = Entry::Happened(Happened {
            seq,
            index: person.index,
            happening,
            at,
            name,
        });
        self.journal.append(&happened)?;
        known.learn(happened, population);
        Ok(seq)
    }

    /// Keeps that somebody was confirmed to the platform of this feed.
    pub(crate) fn confirm(
        &self,
        population: &Population,
        feed: [u8; 32],
        index: u64,
    ) -> Result<(), JournalFailed> {
        let mut known = self.known();
        if known
            .feeds
            .get(&feed)
            .is_some_and(|feed| feed.contains_key(&index))
        {
            return Ok(());
        }
        let since = known.last();
        let confirmed = Entry::Confirmed(Confirmed { feed, index, since });
        self.journal.append(&confirmed)?;
        known.learn(confirmed, population);
        Ok(())
    }

    /// What happened to the people of a feed after `after`, in order.
    pub(crate) fn after(&self, feed: &[u8; 32], after: u64, most: usize) -> Vec<Happened> {
        let known = self.known();
        let Some(people) = known.feeds.get(feed) else {
            return Vec::new();
        };
        let told = |happened: &&Happened| {
            happened.seq > after
                && people
                    .get(&happened.index)
                    .is_some_and(|since| happened.seq > *since)
        };
        known.happened.iter().filter(told).take(most).cloned().collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn last(&self) -> u64 {
        self.happened.last().map_or(0, |happened| happened.seq)
    }

    fn learn(&mut self, entry: Entry, population: &Population) {
        match entry {
            Entry::Confirmed(Confirmed { feed, index, since }) => {
                self.feeds.entry(feed).or_default().entry(index).or_insert(since);
            }
            Entry::Happened(happened) => {
                self.change(&happened, population);
                self.happened.push(happened);
            }
        }
    }

    fn change(&mut self, happened: &Happened, population: &Population) {
        let Some(first) = population.person(happened.index) else {
            return;
        };
        let change = self.changes.entry(happened.index).or_default();
        match happened.happening {
            Happening::Died => change.died = true,
            Happening::DocumentLost | Happening::DocumentWithdrawn => change.document_invalid = true,
            Happening::NameCorrected => change.name.clone_from(&happened.name),
            Happening::DocumentRenewed => {
                change.renewals += 1;
                let number = population.renewed_number(&first, change.renewals);
                self.numbers.insert((first.kind, number.clone()), happened.index);
                change.number = Some(number);
                change.valid_until = Some(happened.at.date() + Duration::days(RENEWED_FOR));
                change.document_invalid = false;
            }
        }
    }

    fn changed(&self, person: Person) -> Person {
        let Some(change) = self.changes.get(&person.index) else {
            return person;
        };
        Person {
            living: person.living && !change.died,
            document_valid: person.document_valid && !change.document_invalid,
            name: change.name.clone().map_or(person.name, Personal::new),
            number: change.number.clone().map_or(person.number, Personal::new),
            valid_until: change.valid_until.unwrap_or(person.valid_until),
            ..person
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::secret::Secret;

    use super::*;

    const NOW: UnixTime = UnixTime(1_795_000_000);

    fn population() -> Population {
        Population::new(Secret::from([7; 32]), 500)
    }

    fn somebody(population: &Population, kind: DocumentType) -> Person {
        population
            .people()
            .find(|person| person.kind == kind && person.living)
            .unwrap()
    }

    #[test]
    fn what_happened_is_there_after_a_restart_and_a_torn_line_is_not() {
        let (folder, population) = (tempfile::tempdir().unwrap(), population());
        let path = folder.path().join("life");
        let person = somebody(&population, DocumentType::Passport);
        let life = Life::open(&path, &population).unwrap();
        life.confirm(&population, [1; 32], person.index).unwrap();
        let renewed = (Happening::DocumentRenewed, None);
        assert_eq!(life.happen(&population, &person, renewed, NOW).unwrap(), 1);
        let named = (Happening::NameCorrected, Some("NEW NAME".to_owned()));
        assert_eq!(life.happen(&population, &person, named, NOW).unwrap(), 2);
        drop(life);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(b"{\"happened\":{\"seq\":3");
        std::fs::write(&path, bytes).unwrap();

        for _ in 0..2 {
            let life = Life::open(&path, &population).unwrap();
            let now = life.now(population.person(person.index).unwrap());
            assert_eq!(now.name.expose(), "NEW NAME");
            assert_ne!(now.number.expose(), person.number.expose());
            assert!(now.valid_until > person.valid_until || now.valid_until.year() == 2036);
            let by = |number: &str| life.by_document(&population, person.kind, number);
            assert_eq!(by(now.number.expose()).unwrap().index, person.index);
            assert!(
                by(person.number.expose()).is_none(),
                "the old document is no more"
            );
            assert_eq!(life.after(&[1; 32], 0, 50).len(), 2);
        }
    }

    #[test]
    fn a_feed_has_its_own_people_from_when_they_were_confirmed() {
        let (folder, population) = (tempfile::tempdir().unwrap(), population());
        let life = Life::open(&folder.path().join("life"), &population).unwrap();
        let people: Vec<_> = population.people().take(3).collect();
        let die = |index: usize| {
            let died = (Happening::Died, None);
            life.happen(&population, &people[index], died, NOW).unwrap();
        };
        die(0);
        for (feed, index) in [([1; 32], 0), ([1; 32], 1), ([2; 32], 2)] {
            life.confirm(&population, feed, index).unwrap();
        }
        die(1);
        die(2);
        let told = |feed: [u8; 32], after, most| -> Vec<_> {
            let all = life.after(&feed, after, most).into_iter();
            all.map(|happened| (happened.seq, happened.index)).collect()
        };
        assert_eq!(told([1; 32], 0, 50), [(2, 1)]);
        assert_eq!(told([2; 32], 0, 50), [(3, 2)]);
        assert_eq!(told([3; 32], 0, 50), []);
        assert_eq!(told([1; 32], 2, 50), []);
        life.confirm(&population, [1; 32], 2).unwrap();
        die(2);
        die(1);
        assert_eq!(told([1; 32], 0, 2), [(2, 1), (4, 2)]);
        assert_eq!(told([1; 32], 4, 50), [(5, 1)]);
    }
}
