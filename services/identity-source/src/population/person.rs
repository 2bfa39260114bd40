//! One synthetic person.

use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_domain::secret::Secret;
use time::macros::date;
use time::{Date, Duration};

use super::chance::Chance;
use super::numbers::Numbered;
use super::{names, numbers};

/// The day on which the drawn ages are counted. Fixed, so that the same seed has the same people every day.
pub(super) const AGES_COUNTED_ON: Date = date!(2025 - 12 - 31);

/// Ages are below this.
pub(super) const OLDEST: u64 = 90;

/// Coprime to [`OLDEST`], so that neighbours in the list are far apart in age, and any ninety of them have every age.
pub(super) const AGE_STEP: u64 = 37;

pub(super) const FIRST_AGE: u64 = 25;

/// One synthetic person with their document.
#[derive(Debug, Clone)]
pub struct Person {
    /// The place in the population, counted from 0.
    pub index: u64,
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
    /// Whether the document was neither lost nor withdrawn.
    pub document_valid: bool,
}

impl Person {
    /// The person at `index`, as they were at first.
    pub(super) fn at(seed: &Secret<32>, index: u64) -> Self {
        let chance = &mut Chance::new(seed, index);
        let kind = kind_of(chance, index);
        let latin = matches!(
            kind,
            DocumentType::ForeignPermanentResidentCard | DocumentType::Passport
        );
        let name = if latin {
            names::latin(chance)
        } else {
            names::chinese(chance)
        };
        let Numbered { number, birth_date } = numbers::number(seed, kind, index);
        Self {
            index,
            kind,
            name: Personal::new(name),
            number: Personal::new(number),
            birth_date,
            valid_until: valid_until(chance),
            living: chance.below(64) != 0,
            document_valid: true,
        }
    }

    /// Whether an identity check with this person's own evidence leads to an identifier on `today`.
    pub fn can_enrol(&self, today: Date) -> bool {
        self.living && self.document_valid && self.valid_until > today
    }
}

/// Four in five hold a resident identity card; so does everybody for whom another kind has no number left.
fn kind_of(chance: &mut Chance<'_>, index: u64) -> DocumentType {
    let kind = match chance.below(100) {
        0..80 => DocumentType::ResidentIdCard,
        80..88 => DocumentType::Passport,
        88..91 => DocumentType::HkMacaoTaiwanResidencePermit,
        91..94 => DocumentType::MainlandTravelPermitHkMacao,
        94..97 => DocumentType::MainlandTravelPermitTaiwan,
        _ => DocumentType::ForeignPermanentResidentCard,
    };
    if numbers::has_room(kind, index) {
        kind
    } else {
        DocumentType::ResidentIdCard
    }
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
