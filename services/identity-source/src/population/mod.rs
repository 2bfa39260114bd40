//! People who do not exist: the same for the same seed, whatever the day.

mod chance;
mod names;
mod numbers;
mod person;
mod shuffle;

use cyberid_crypto::{base64url, digest};
use cyberid_domain::document::DocumentType;
use cyberid_domain::secret::Secret;

pub use person::Person;

/// The kind of evidence that this source takes.
pub const EVIDENCE_KIND: &str = "sandbox";

/// The people of a seed, as they were at first: a person is computed from the place, and the place from the document's
/// number. Nothing is kept of anybody, so that the size is only a number.
#[derive(Debug)]
pub struct Population {
    seed: Secret<32>,
    size: u64,
}

impl Population {
    /// The most people: so many numbers have resident identity cards.
    pub const LARGEST: u64 = 525_600_000;

    /// The first `size` people of a seed; a larger population of the same seed begins with the same people.
    pub fn new(seed: Secret<32>, size: u64) -> Self {
        Self {
            seed,
            size: size.min(Self::LARGEST),
        }
    }

    /// How many people there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The person at `index`, counted from 0.
    pub fn person(&self, index: u64) -> Option<Person> {
        (index < self.size).then(|| Person::at(&self.seed, index))
    }

    /// Everyone, in order.
    pub fn people(&self) -> impl Iterator<Item = Person> {
        (0..self.size).map(|index| Person::at(&self.seed, index))
    }

    /// The person whose first document is of this kind and canonical number.
    pub fn by_document(&self, kind: DocumentType, number: &str) -> Option<Person> {
        let person = self.person(numbers::index(&self.seed, kind, number)?)?;
        (person.kind == kind && person.number.expose() == number).then_some(person)
    }

    /// The number of a person's next document, the `time`th new one.
    pub(crate) fn renewed_number(&self, person: &Person, time: u64) -> String {
        numbers::renewed(
            &self.seed,
            person.kind,
            person.index,
            time,
            person.number.expose(),
        )
    }

    /// The evidence that stands for having shown the document and one's face: only who knows the seed can make it.
    pub fn evidence(&self, person: &Person) -> String {
        let number = person.number.expose().as_bytes();
        base64url::encode(&digest::hmac_parts(self.seed.expose(), &[b"evidence", number]))
    }

    /// A value that is the same at every start, and that nobody without the seed can foretell.
    pub(crate) fn derived(&self, parts: &[&[u8]]) -> [u8; 32] {
        digest::hmac_parts(self.seed.expose(), parts)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cyberid_domain::document::DocumentNumber;
    use cyberid_domain::personal::Personal;

    use super::*;

    fn population(seed: u8, size: u64) -> Population {
        Population::new(Secret::from([seed; 32]), size)
    }

    fn shown(person: &Person) -> String {
        format!(
            "{:?} {} {} {} {} {}",
            person.kind,
            person.name.expose(),
            person.number.expose(),
            person.birth_date,
            person.valid_until,
            person.living
        )
    }

    #[test]
    fn a_seed_has_one_population_whatever_its_size() {
        let (small, large, other) = (population(1, 50), population(1, 500), population(2, 50));
        let all = |population: &Population| {
            population
                .people()
                .map(|person| shown(&person))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(&small), all(&large)[..50]);
        assert_ne!(all(&small), all(&other));
        let (first, same, stranger) = (small.person(0), large.person(0), other.person(0));
        let first = first.unwrap();
        assert_eq!(small.evidence(&first), large.evidence(&same.unwrap()));
        assert_ne!(small.evidence(&first), other.evidence(&stranger.unwrap()));
    }

    #[test]
    fn every_number_is_valid_by_its_own_rule_and_finds_its_person() {
        let population = population(1, 2_000);
        let mut numbers = HashSet::new();
        for (index, person) in population.people().enumerate() {
            let number = DocumentNumber::parse(person.kind, &person.number);
            assert_eq!(number.unwrap().expose(), person.number.expose(), "{index}");
            let found = population.by_document(person.kind, person.number.expose());
            assert_eq!(found.unwrap().index, person.index);
            assert!(numbers.insert((person.kind, person.number.expose().to_owned())));
        }
    }

    #[test]
    fn a_number_of_nobody_finds_nobody() {
        let population = population(1, 100);
        let all = DocumentType::ALL.into_iter();
        for (kind, number) in all.flat_map(|kind| {
            [
                "",
                "1",
                "11010519491231002X",
                "E000000010",
                "H00000000",
                "00000000",
                "🦀",
                "E99999999x",
            ]
            .map(|number| (kind, number))
        }) {
            assert!(
                population.by_document(kind, number).is_none(),
                "{kind:?} {number}"
            );
        }
    }

    #[test]
    fn half_a_billion_people_are_as_fast_as_one() {
        let population = population(1, Population::LARGEST);
        assert!(population.person(Population::LARGEST).is_none());
        for index in [0, 98_549_999, 98_550_000, 400_000_000, Population::LARGEST - 1] {
            let person = population.person(index).unwrap();
            let found = population.by_document(person.kind, person.number.expose());
            assert_eq!(found.unwrap().index, index);
            let number = DocumentNumber::parse(person.kind, &person.number);
            assert_eq!(number.unwrap().expose(), person.number.expose());
        }
    }

    #[test]
    fn a_new_booklet_has_a_number_that_nobody_had() {
        let population = population(1, 2_000);
        for person in population.people() {
            let renewed = population.renewed_number(&person, 1);
            let parsed = DocumentNumber::parse(person.kind, &Personal::new(renewed.clone()));
            assert_eq!(parsed.unwrap().expose(), renewed);
            let card = person.number.expose().len() == 18;
            assert_eq!(renewed == person.number.expose(), card);
            assert!(card || population.by_document(person.kind, &renewed).is_none());
            assert!(card || population.renewed_number(&person, 2) != renewed);
        }
    }

    #[test]
    fn numbers_by_gb_11643_hold_the_birth_date() {
        let numbered = |kind| {
            matches!(
                kind,
                DocumentType::ResidentIdCard
                    | DocumentType::HkMacaoTaiwanResidencePermit
                    | DocumentType::ForeignPermanentResidentCard
            )
        };
        let population = population(1, 500);
        let mut seen = 0;
        for person in population.people().filter(|person| numbered(person.kind)) {
            let stated = &person.number.expose()[6..14];
            assert_eq!(stated, person.birth_date.to_string().replace('-', ""));
            seen += 1;
        }
        assert!(seen > 300);
    }

    #[test]
    fn all_kinds_of_documents_and_all_ages_are_there() {
        let population = population(1, 1_000);
        let kinds: HashSet<_> = population.people().map(|person| person.kind).collect();
        assert_eq!(kinds.len(), DocumentType::ALL.len());
        let residents = population
            .people()
            .filter(|person| person.kind == DocumentType::ResidentIdCard);
        assert!(residents.count() > 600);
        let years: HashSet<_> = population
            .people()
            .map(|person| person.birth_date.year())
            .collect();
        assert!((1936..=2025).all(|year| years.contains(&year)));
    }

    #[test]
    fn a_few_documents_have_expired_and_a_few_people_have_died() {
        let population = population(1, 1_000);
        let expired = population
            .people()
            .filter(|person| person.valid_until.year() < 2026);
        let dead = population.people().filter(|person| !person.living);
        assert!((5..60).contains(&expired.count()));
        assert!((5..60).contains(&dead.count()));
    }
}
