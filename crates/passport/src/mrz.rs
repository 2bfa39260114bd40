//! The machine-readable zone in EF.DG1 (parts 3, 4 and 5): TD3 of two lines of 44, TD1 of three of 30.

use std::fmt;
use std::ops::Range;

use cyberid_domain::document::icao9303_check;
use cyberid_domain::personal::Personal;
use time::{Date, Month};

use crate::{name, tlv};

/// The tags of EF.DG1 and of the zone in it (part 10, table 38).
pub(crate) const DG1: [u8; 1] = [0x61];
pub(crate) const ZONE: [u8; 2] = [0x5F, 0x1F];

const TD3: usize = 88;
const TD1: usize = 90;

/// What is wrong with a zone. It carries no value: they are personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MrzFault {
    /// Not the length of TD1 or TD3, or a character that is not one of the zone.
    #[error("not a machine-readable zone")]
    Form,
    /// The check digit of the document's number.
    #[error("the check digit of the number")]
    Number,
    /// The date of birth or its check digit.
    #[error("the date of birth")]
    BirthDate,
    /// The date of expiry or its check digit.
    #[error("the date of expiry")]
    ExpiryDate,
    /// The check digit of the personal number.
    #[error("the check digit of the personal number")]
    PersonalNumber,
    /// The check digit over everything.
    #[error("the check digit over everything")]
    Composite,
}

/// A zone whose check digits fit.
pub struct Mrz {
    document_code: String,
    issuing_state: String,
    number: Personal,
    name: Personal,
    birth: MrzDate,
    valid_until: Date,
}

/// A date of six digits, of which month and day may be unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MrzDate {
    year: u8,
    month: Option<u8>,
    day: Option<u8>,
}

/// Where things stand in a zone.
struct Layout {
    number: Range<usize>,
    birth: Range<usize>,
    expiry: Range<usize>,
    name: Range<usize>,
    /// What the last check digit is computed over.
    composite: &'static [Range<usize>],
    composite_at: usize,
}

const LAYOUT_TD3: Layout = Layout {
    number: 44..53,
    birth: 57..63,
    expiry: 65..71,
    name: 5..44,
    composite: &[44..54, 57..64, 65..87],
    composite_at: 87,
};

const LAYOUT_TD1: Layout = Layout {
    number: 5..14,
    birth: 30..36,
    expiry: 38..44,
    name: 60..90,
    composite: &[5..30, 30..37, 38..45, 48..59],
    composite_at: 59,
};

/// The personal number of TD3.
const PERSONAL_NUMBER: Range<usize> = 72..86;
/// The optional data of TD1, where a number of more than nine characters goes on.
const LONG_NUMBER: Range<usize> = 15..30;

impl Mrz {
    /// Reads EF.DG1.
    pub(crate) fn read(dg1: &[u8]) -> Result<Self, MrzFault> {
        let zone = tlv::exactly(dg1, &DG1).and_then(|content| tlv::exactly(content, &ZONE));
        let zone = zone.and_then(|zone| str::from_utf8(zone).ok());
        Self::parse(zone.ok_or(MrzFault::Form)?)
    }

    /// Reads a zone, its lines one after the other.
    pub fn parse(zone: &str) -> Result<Self, MrzFault> {
        let known = |c: u8| c == b'<' || c.is_ascii_digit() || c.is_ascii_uppercase();
        let layout = match zone.len() {
            TD3 => LAYOUT_TD3,
            TD1 => LAYOUT_TD1,
            _ => return Err(MrzFault::Form),
        };
        if !zone.bytes().all(known) {
            return Err(MrzFault::Form);
        }
        let number = number(zone, &layout)?;
        let birth = dated(zone, &layout.birth, MrzFault::BirthDate)?;
        let expiry = dated(zone, &layout.expiry, MrzFault::ExpiryDate)?;
        check_personal_number(zone)?;
        check_composite(zone, &layout)?;
        Ok(Self {
            document_code: unfilled(part(zone, &(0..2))).to_owned(),
            issuing_state: unfilled(part(zone, &(2..5))).to_owned(),
            number: Personal::new(number),
            name: Personal::new(part(zone, &layout.name).to_owned()),
            birth: MrzDate::read(birth).ok_or(MrzFault::BirthDate)?,
            valid_until: expiry_date(expiry).ok_or(MrzFault::ExpiryDate)?,
        })
    }

    /// The document code: `P` and perhaps a letter for passports.
    pub fn document_code(&self) -> &str {
        &self.document_code
    }

    /// Whether the document is a passport.
    pub fn is_passport(&self) -> bool {
        self.document_code.starts_with('P')
    }

    /// The issuing state or organisation, one to three letters.
    pub fn issuing_state(&self) -> &str {
        &self.issuing_state
    }

    /// The number with its fillers and its check digit: the canonical form of `cyberid_domain::document`.
    pub fn number(&self) -> &Personal {
        &self.number
    }

    /// Whether a stated name is the zone's.
    pub fn is_named(&self, stated: &str) -> bool {
        name::is_same(self.name.expose(), stated)
    }

    /// The date of birth.
    pub fn birth(&self) -> MrzDate {
        self.birth
    }

    /// The last valid day.
    pub fn valid_until(&self) -> Date {
        self.valid_until
    }
}

impl fmt::Debug for Mrz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mrz(..)")
    }
}

impl MrzDate {
    /// Whether it may be this day: the year's two digits are, and so is what else is known.
    pub fn may_be(self, date: Date) -> bool {
        i32::from(self.year) == date.year().rem_euclid(100)
            && self.month.is_none_or(|month| month == u8::from(date.month()))
            && self.day.is_none_or(|day| day == date.day())
    }

    fn read(digits: &str) -> Option<Self> {
        let month = unknown_or_number(part(digits, &(2..4)))?;
        let day = unknown_or_number(part(digits, &(4..6)))?;
        let possible = month.is_none_or(|month| (1..=12).contains(&month))
            && day.is_none_or(|day| (1..=31).contains(&day));
        possible.then_some(Self {
            year: part(digits, &(0..2)).parse().ok()?,
            month,
            day,
        })
    }
}

impl fmt::Debug for MrzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MrzDate(..)")
    }
}

/// The number with its check digit. TD1 has room for nine characters; a longer one goes on in the optional data, with the
/// check digit last and a filler in its place (part 5, section 4.2.4).
fn number(zone: &str, layout: &Layout) -> Result<String, MrzFault> {
    let (mut number, mut check) = (
        part(zone, &layout.number).to_owned(),
        check_of(zone, &layout.number),
    );
    if zone.len() == TD1 && check == "<" {
        let rest = part(zone, &LONG_NUMBER).split('<').next().unwrap_or_default();
        let (more, digit) = rest
            .split_at_checked(rest.len().saturating_sub(1))
            .unwrap_or_default();
        number.push_str(more);
        check = digit;
    }
    let empty = unfilled(&number).is_empty();
    let fits = !empty && fits(&number, check);
    fits.then(|| number + check).ok_or(MrzFault::Number)
}

fn dated<'a>(zone: &'a str, range: &Range<usize>, fault: MrzFault) -> Result<&'a str, MrzFault> {
    let digits = part(zone, range);
    fits(digits, check_of(zone, range)).then_some(digits).ok_or(fault)
}

/// TD3 alone has one; without a number its digit may be a filler (part 4, section 4.2.2).
fn check_personal_number(zone: &str) -> Result<(), MrzFault> {
    if zone.len() != TD3 {
        return Ok(());
    }
    let (number, check) = (part(zone, &PERSONAL_NUMBER), check_of(zone, &PERSONAL_NUMBER));
    let absent = unfilled(number).is_empty() && check == "<";
    (absent || fits(number, check))
        .then_some(())
        .ok_or(MrzFault::PersonalNumber)
}

fn check_composite(zone: &str, layout: &Layout) -> Result<(), MrzFault> {
    let covered: String = layout.composite.iter().map(|range| part(zone, range)).collect();
    let digit = part(zone, &(layout.composite_at..layout.composite_at + 1));
    fits(&covered, digit).then_some(()).ok_or(MrzFault::Composite)
}

fn fits(text: &str, check: &str) -> bool {
    icao9303_check(text).is_some_and(|digit| digit.to_string() == check)
}

/// The character after a field.
fn check_of<'a>(zone: &'a str, range: &Range<usize>) -> &'a str {
    part(zone, &(range.end..range.end + 1))
}

fn part<'a>(zone: &'a str, range: &Range<usize>) -> &'a str {
    zone.get(range.clone()).unwrap_or_default()
}

fn unfilled(text: &str) -> &str {
    text.trim_end_matches('<')
}

/// Two fillers stand for what is not known (part 3, section 4.8).
#[expect(
    clippy::option_option,
    reason = "not a number, unknown, and a number are three things"
)]
fn unknown_or_number(text: &str) -> Option<Option<u8>> {
    match text {
        "<<" => Some(None),
        digits => digits.parse().ok().map(Some),
    }
}

/// A date of expiry lies in this century.
fn expiry_date(digits: &str) -> Option<Date> {
    let of = |range| part(digits, &range).parse::<u8>().ok();
    let month = Month::try_from(of(2..4)?).ok()?;
    Date::from_calendar_date(2000 + i32::from(of(0..2)?), month, of(4..6)?).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    /// The specimens of part 4, appendix B, and part 5, appendix B.
    const SPECIMEN: &str =
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10";
    const CARD: &str =
        "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<";

    #[test]
    fn the_specimens_of_doc_9303_are_read() {
        for (zone, number) in [(SPECIMEN, "L898902C36"), (CARD, "D231458907")] {
            let mrz = Mrz::parse(zone).unwrap();
            assert_eq!(mrz.issuing_state(), "UTO");
            assert_eq!(mrz.number().expose(), number);
            assert!(mrz.birth().may_be(date!(1974 - 08 - 12)));
            assert!(!mrz.birth().may_be(date!(1974 - 08 - 13)));
            assert_eq!(mrz.valid_until(), date!(2012 - 04 - 15));
            assert!(mrz.is_named("Anna Maria Eriksson"));
        }
        assert!(Mrz::parse(SPECIMEN).unwrap().is_passport());
        assert!(!Mrz::parse(CARD).unwrap().is_passport());
    }

    /// Replaces the character at `at`.
    fn with(zone: &str, at: usize, character: char) -> String {
        let mut zone = zone.to_owned();
        zone.replace_range(at..=at, &character.to_string());
        zone
    }

    #[test]
    fn each_check_digit_is_checked() {
        for (at, fault) in [
            (46, MrzFault::Number),
            (53, MrzFault::Number),
            (58, MrzFault::BirthDate),
            (63, MrzFault::BirthDate),
            (66, MrzFault::ExpiryDate),
            (71, MrzFault::ExpiryDate),
            (75, MrzFault::PersonalNumber),
            (86, MrzFault::PersonalNumber),
            (87, MrzFault::Composite),
        ] {
            assert_eq!(Mrz::parse(&with(SPECIMEN, at, '5')).err(), Some(fault), "{at}");
        }
        for (at, fault) in [
            (7, MrzFault::Number),
            (14, MrzFault::Number),
            (31, MrzFault::BirthDate),
            (36, MrzFault::BirthDate),
            (39, MrzFault::ExpiryDate),
            (44, MrzFault::ExpiryDate),
            (20, MrzFault::Composite),
            (50, MrzFault::Composite),
            (59, MrzFault::Composite),
        ] {
            assert_eq!(Mrz::parse(&with(CARD, at, '8')).err(), Some(fault), "{at}");
        }
    }

    #[test]
    fn a_zone_has_its_lengths_and_its_characters() {
        for zone in [
            "",
            &SPECIMEN[1..],
            &CARD[1..],
            &with(SPECIMEN, 10, 'a'),
            &with(SPECIMEN, 10, ' '),
        ] {
            assert_eq!(Mrz::parse(zone).err(), Some(MrzFault::Form), "{zone}");
        }
    }

    #[test]
    fn a_long_number_of_a_card_goes_on_in_the_optional_data() {
        // Part 5, appendix B: D23145890734 with the check digit 9.
        let zone =
            "I<UTOD23145890<7349<<<<<<<<<<<3407127M9507122UTO<<<<<<<<<<<2STEVENSON<<PETER<JOHN<<<<<<<<<";
        let mrz = Mrz::parse(zone).unwrap();
        assert_eq!(mrz.number().expose(), "D231458907349");
        assert_eq!(Mrz::parse(&with(zone, 17, '5')).err(), Some(MrzFault::Number));
    }

    #[test]
    fn what_is_unknown_of_a_birth_contradicts_nothing_but_the_year_is_known() {
        let known = MrzDate::read("74<<<<").unwrap();
        assert!(known.may_be(date!(1974 - 01 - 31)) && !known.may_be(date!(1975 - 01 - 31)));
        for wrong in ["<<0812", "741312", "740800", "7408<2", "74-812"] {
            assert!(MrzDate::read(wrong).is_none(), "{wrong}");
        }
    }
}
