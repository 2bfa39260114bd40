//! Document numbers, each by the rule of its kind.

use cyberid_domain::document::{DocumentType, gb11643_check, icao9303_check};
use time::Date;

use super::chance::Chance;

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

/// A number for a document of this kind, for a person born on `birth`.
pub(super) fn number(kind: DocumentType, birth: Date, chance: &mut Chance<'_>) -> String {
    match kind {
        DocumentType::ResidentIdCard => gb11643(chance.one_of(&REGIONS), birth, chance),
        DocumentType::HkMacaoTaiwanResidencePermit => gb11643(chance.one_of(&PERMIT_REGIONS), birth, chance),
        DocumentType::ForeignPermanentResidentCard => gb11643(chance.one_of(&FOREIGN_REGIONS), birth, chance),
        DocumentType::MainlandTravelPermitHkMacao => {
            format!("{}{}", chance.one_of(&["H", "M"]), chance.digits(8))
        }
        DocumentType::MainlandTravelPermitTaiwan => chance.digits(8),
        DocumentType::Passport => passport(chance),
    }
}

fn gb11643(region: &str, birth: Date, chance: &mut Chance<'_>) -> String {
    let birth = birth.to_string().replace('-', "");
    let body = format!("{region}{birth}{}", chance.digits(3));
    format!("{body}{}", gb11643_check(&body))
}

fn passport(chance: &mut Chance<'_>) -> String {
    let body = format!("{}{}", chance.one_of(&LETTERS), chance.digits(8));
    let check = icao9303_check(&body).unwrap_or_default();
    format!("{body}{check}")
}
