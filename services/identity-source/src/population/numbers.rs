//! Document numbers, each by the rule of its kind. A number is made of the person's place in the population alone, and
//! leads back to it: so a population needs no list, whatever its size.

use cyberid_domain::document::{DocumentType, gb11643_check, icao9303_check};
use cyberid_domain::secret::Secret;
use time::{Date, Duration};

use super::person::{AGE_STEP, AGES_COUNTED_ON, FIRST_AGE, OLDEST};
use super::shuffle::Shuffle;

/// Regions of GB/T 2260: districts of large cities.
const REGIONS: [&str; 16] = [
    "110105", "110108", "120101", "310101", "310115", "320102", "330106", "350203", "370202", "420106",
    "430102", "440106", "440305", "500103", "510104", "610113",
];

/// The regions of residence permits: Hong Kong, Macao, Taiwan.
const PERMIT_REGIONS: [&str; 3] = ["810000", "820000", "830000"];

/// Permanent residents: 9, two digits of the province, three of the nationality (ISO 3166-1).
const FOREIGN_REGIONS: [&str; 4] = ["911840", "931276", "944392", "911643"];

const LETTERS: [&str; 6] = ["E", "G", "C", "K", "P", "X"];
const PERMIT_LETTERS: [&str; 2] = ["H", "M"];

/// Birthdays of one age.
const DAYS: u64 = 365;
/// Three digits.
const SEQUENCES: u64 = 1_000;
/// Eight digits.
const SERIALS: u64 = 100_000_000;

/// The first digit of the serials of renewed documents is this; those of first documents are below.
const RENEWED: u64 = 9;

/// A number and the birthday that goes with it.
pub(super) struct Numbered {
    pub(super) number: String,
    pub(super) birth_date: Date,
}

/// Whether a person at `index` can have a document of this kind: a kind has only so many numbers.
pub(super) fn has_room(kind: DocumentType, index: u64) -> bool {
    index < room(kind)
}

/// How many people can have a document of this kind.
pub(super) fn room(kind: DocumentType) -> u64 {
    match regions(kind) {
        Some(regions) => OLDEST * length(regions) * DAYS * SEQUENCES,
        None => length(letters(kind)).max(1) * (SERIALS / 10 * RENEWED),
    }
}

/// The number of the person at `index`.
pub(super) fn number(seed: &Secret<32>, kind: DocumentType, index: u64) -> Numbered {
    let (row, age_at) = (index / OLDEST, index % OLDEST);
    let Some(regions) = regions(kind) else {
        let serial = Shuffle::new(seed, kind.as_str().as_bytes(), room(kind)).there(index);
        return Numbered {
            number: serial_number(kind, serial, 0),
            birth_date: birthday(age_at, Shuffle::new(seed, b"birthday", DAYS).there(index % DAYS)),
        };
    };
    let drawn = shuffle_of_age(seed, &label(kind, age_at), regions).there(row);
    let (rest, sequence) = (drawn / SEQUENCES, drawn % SEQUENCES);
    let (region, day) = (rest / DAYS, rest % DAYS);
    let birth_date = birthday(age_at, day);
    Numbered {
        number: gb11643(pick(regions, region), birth_date, sequence),
        birth_date,
    }
}

/// Which person would have this number; it is theirs only if making theirs makes it again.
pub(super) fn index(seed: &Secret<32>, kind: DocumentType, number: &str) -> Option<u64> {
    let Some(regions) = regions(kind) else {
        let serial = serial(kind, number)?;
        let shuffle = Shuffle::new(seed, kind.as_str().as_bytes(), room(kind));
        return (serial < room(kind)).then(|| shuffle.back(serial));
    };
    let (region, date, sequence) = (number.get(..6)?, number.get(6..14)?, number.get(14..17)?);
    let region = position(regions, region)?;
    let (age_at, day) = born(date)?;
    let sequence: u64 = sequence.parse().ok()?;
    let drawn = (region * DAYS + day) * SEQUENCES + sequence;
    let row = shuffle_of_age(seed, &label(kind, age_at), regions).back(drawn);
    Some(row * OLDEST + age_at)
}

/// The number of a person's next document: a card keeps it, a booklet gets another.
pub(super) fn renewed(seed: &Secret<32>, kind: DocumentType, index: u64, time: u64, number: &str) -> String {
    if regions(kind).is_some() {
        return number.to_owned();
    }
    let size = length(letters(kind)).max(1) * (SERIALS / 10);
    let place = index.wrapping_add(time.wrapping_mul(7_919)) % size;
    let serial = Shuffle::new(seed, b"renewed", size).there(place);
    serial_number(kind, serial, RENEWED)
}

fn regions(kind: DocumentType) -> Option<&'static [&'static str]> {
    match kind {
        DocumentType::ResidentIdCard => Some(&REGIONS),
        DocumentType::HkMacaoTaiwanResidencePermit => Some(&PERMIT_REGIONS),
        DocumentType::ForeignPermanentResidentCard => Some(&FOREIGN_REGIONS),
        _ => None,
    }
}

fn letters(kind: DocumentType) -> &'static [&'static str] {
    match kind {
        DocumentType::Passport => &LETTERS,
        DocumentType::MainlandTravelPermitHkMacao => &PERMIT_LETTERS,
        _ => &[],
    }
}

/// Each age of each kind is shuffled for itself.
fn label(kind: DocumentType, age_at: u64) -> Vec<u8> {
    [kind.as_str().as_bytes(), &age_at.to_be_bytes()].concat()
}

fn shuffle_of_age<'a>(seed: &'a Secret<32>, label: &'a [u8], regions: &[&str]) -> Shuffle<'a> {
    Shuffle::new(seed, label, length(regions) * DAYS * SEQUENCES)
}

/// The `day`th day, counted back, of those who have the age at this place.
fn birthday(age_at: u64, day: u64) -> Date {
    let age = (age_at * AGE_STEP + FIRST_AGE) % OLDEST;
    let last = last_birthday(age);
    last - Duration::days(i64::try_from(day).unwrap_or_default())
}

fn last_birthday(age: u64) -> Date {
    let year = AGES_COUNTED_ON.year() - i32::try_from(age).unwrap_or_default();
    AGES_COUNTED_ON.replace_year(year).unwrap_or(AGES_COUNTED_ON)
}

/// The place of the age and the day, of a birthday as `YYYYMMDD`.
fn born(date: &str) -> Option<(u64, u64)> {
    let parts = (date.get(..4)?, date.get(4..6)?, date.get(6..8)?);
    let (year, month, day): (i32, u8, u8) = (
        parts.0.parse().ok()?,
        parts.1.parse().ok()?,
        parts.2.parse().ok()?,
    );
    let date = Date::from_calendar_date(year, month.try_into().ok()?, day).ok()?;
    (0..OLDEST).find_map(|age_at| {
        let age = (age_at * AGE_STEP + FIRST_AGE) % OLDEST;
        let back = u64::try_from((last_birthday(age) - date).whole_days()).ok()?;
        (back < DAYS).then_some((age_at, back))
    })
}

fn gb11643(region: &str, birth: Date, sequence: u64) -> String {
    let birth = birth.to_string().replace('-', "");
    let body = format!("{region}{birth}{sequence:03}");
    format!("{body}{}", gb11643_check(&body))
}

/// The serial of a first document is spread over the digits whose first one is below `RENEWED`.
fn serial_number(kind: DocumentType, serial: u64, first: u64) -> String {
    let per_letter = if first == 0 {
        SERIALS / 10 * RENEWED
    } else {
        SERIALS / 10
    };
    let letter = pick(letters(kind), serial / per_letter);
    let body = format!("{letter}{:08}", first * (SERIALS / 10) + serial % per_letter);
    match kind {
        DocumentType::Passport => {
            let check = icao9303_check(&body).unwrap_or_default();
            format!("{body}{check}")
        }
        _ => body,
    }
}

/// The serial of a first document's number.
fn serial(kind: DocumentType, number: &str) -> Option<u64> {
    let letters = letters(kind);
    let (letter, rest) = if letters.is_empty() {
        (0, number)
    } else {
        (position(letters, number.get(..1)?)?, number.get(1..)?)
    };
    let digits: u64 = rest.get(..8)?.parse().ok()?;
    let per_letter = SERIALS / 10 * RENEWED;
    (digits < per_letter).then_some(letter * per_letter + digits)
}

fn pick(list: &[&'static str], place: u64) -> &'static str {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    list.get(place).copied().unwrap_or_default()
}

fn position(list: &[&str], text: &str) -> Option<u64> {
    let place = list.iter().position(|known| *known == text)?;
    u64::try_from(place).ok()
}

fn length(list: &[&str]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}
