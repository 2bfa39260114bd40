//! One synthetic person.

use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use time::macros::date;
use time::{Date, Duration};

use super::chance::Chance;
use super::{names, numbers};

/// The day on which the drawn ages are counted. Fixed, so that the same seed has the same people every day.
const AGES_COUNTED_ON: Date = date!(2025 - 12 - 31);

/// Ages are drawn below this.
const OLDEST: usize = 90;

/// Coprime to [`OLDEST`], so that neighbours in the list are far apart in age, and any ninety of them have every age.
const AGE_STEP: usize = 37;

const FIRST_AGE: usize = 25;

/// One synthetic person with their document.
#[derive(Debug, Clone)]
pub struct Person {
    /// Which kind of document.
    pub kind: DocumentType,
    /// The name as on the document.
    pub name: Personal,
    /// The document's number in its canonical form.
    pub number: Personal,
    /// The date of birth.
    pub birth_date: Date,
    /// The document's last valid day.
    pub valid_until: Date,
    /// Whether the person lives.
    pub living: bool,
}

impl Person {
    /// Draws the person at `index`.
    pub(super) fn draw(index: usize, chance: &mut Chance<'_>) -> Self {
        let kind = kind(chance);
        let birth_date = birth_date(index, chance);
        let latin = matches!(
            kind,
            DocumentType::ForeignPermanentResidentCard | DocumentType::Passport
        );
        let name = if latin {
            names::latin(chance)
        } else {
            names::chinese(chance)
        };
        Self {
            kind,
            name: Personal::new(name),
            number: Personal::new(numbers::number(kind, birth_date, chance)),
            birth_date,
            valid_until: valid_until(chance),
            living: chance.below(64) != 0,
        }
    }

    /// Whether an identity check with this person's own evidence leads to an identifier on `today`.
    pub fn can_enrol(&self, today: Date) -> bool {
        self.living && self.valid_until > today
    }
}

/// Four in five hold a resident identity card.
fn kind(chance: &mut Chance<'_>) -> DocumentType {
    match chance.below(100) {
        0..80 => DocumentType::ResidentIdCard,
        80..88 => DocumentType::Passport,
        88..91 => DocumentType::HkMacaoTaiwanResidencePermit,
        91..94 => DocumentType::MainlandTravelPermitHkMacao,
        94..97 => DocumentType::MainlandTravelPermitTaiwan,
        _ => DocumentType::ForeignPermanentResidentCard,
    }
}

fn birth_date(index: usize, chance: &mut Chance<'_>) -> Date {
    let age = (index.wrapping_mul(AGE_STEP).wrapping_add(FIRST_AGE)) % OLDEST;
    let year = AGES_COUNTED_ON.year() - i32::try_from(age).unwrap_or_default();
    let last = AGES_COUNTED_ON.replace_year(year).unwrap_or(AGES_COUNTED_ON);
    last - Duration::days(chance.below(365).into())
}

/// In 2031 or later, but for one in fifty, whose document has expired.
fn valid_until(chance: &mut Chance<'_>) -> Date {
    let expired = chance.below(50) == 0;
    let days = i64::from(chance.below(365 * 4));
    let first = if expired {
        date!(2020 - 06 - 01)
    } else {
        date!(2031 - 01 - 01)
    };
    first + Duration::days(days)
}
