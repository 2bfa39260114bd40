//! People who do not exist: the same for the same seed, whatever the day.

mod chance;
mod names;
mod numbers;
mod person;

use std::collections::HashMap;

use cyberid_crypto::{base64url, digest};
use cyberid_domain::secret::Secret;

use chance::Chance;
pub use person::Person;

/// The kind of evidence that this source takes.
pub const EVIDENCE_KIND: &str = "sandbox";

/// A register of synthetic people.
#[derive(Debug)]
pub struct Population {
    seed: Secret<32>,
    people: Vec<Person>,
    by_number: HashMap<String, usize>,
}

impl Population {
    /// The first `size` people of a seed; a larger population of the same seed begins with the same people.
    pub fn new(seed: Secret<32>, size: usize) -> Self {
        let mut population = Self {
            seed,
            people: Vec::with_capacity(size),
            by_number: HashMap::with_capacity(size),
        };
        (0..size).for_each(|index| population.add(index));
        population
    }

    /// The person at `index`, counted from 0.
    pub fn person(&self, index: usize) -> Option<&Person> {
        self.people.get(index)
    }

    /// Everyone, in order.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    /// The person whose document has this canonical number.
    pub fn by_number(&self, number: &str) -> Option<&Person> {
        self.by_number.get(number).and_then(|index| self.person(*index))
    }

    /// The evidence that stands for having shown the document and one's face: only who knows the seed can make it.
    pub fn evidence(&self, person: &Person) -> String {
        let number = person.number.expose().as_bytes();
        base64url::encode(&digest::hmac_parts(self.seed.expose(), &[b"evidence", number]))
    }

    /// Adds a person whose number is free: a number that is taken is drawn again.
    fn add(&mut self, index: usize) {
        let mut attempt = 0;
        let mut person = Person::draw(index, &mut Chance::new(&self.seed, index, attempt));
        while self.by_number.contains_key(person.number.expose()) {
            attempt += 1;
            person = Person::draw(index, &mut Chance::new(&self.seed, index, attempt));
        }
        self.by_number.insert(person.number.expose().to_owned(), index);
        self.people.push(person);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cyberid_domain::document::{DocumentNumber, DocumentType};

    use super::*;

    fn population(seed: u8, size: usize) -> Population {
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
        let all = |population: &Population| population.people().map(shown).collect::<Vec<_>>();
        assert_eq!(all(&small), all(&large)[..50]);
        assert_ne!(all(&small), all(&other));
        let (first, same, stranger) = (small.person(0), large.person(0), other.person(0));
        assert_eq!(small.evidence(first.unwrap()), large.evidence(same.unwrap()));
        assert_ne!(small.evidence(first.unwrap()), other.evidence(stranger.unwrap()));
    }

    #[test]
    fn every_number_is_valid_by_its_own_rule_and_finds_its_person() {
        let population = population(1, 2_000);
        for (index, person) in population.people().enumerate() {
            let number = DocumentNumber::parse(person.kind, &person.number);
            assert_eq!(number.unwrap().expose(), person.number.expose(), "{index}");
            assert!(std::ptr::eq(
                population.by_number(person.number.expose()).unwrap(),
                person
            ));
        }
        assert!(population.by_number("11010519491231002X").is_none());
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
