//! Identity documents: their kinds, and the one canonical form of a number that its own rule accepts.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Month};
use unicode_normalization::UnicodeNormalization;

use crate::personal::Personal;

/// The kinds of document that a person can enrol with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    /// 居民身份证, GB 11643.
    ResidentIdCard,
    /// 港澳台居民居住证: numbered like a resident card, GB 11643.
    HkMacaoTaiwanResidencePermit,
    /// 港澳居民来往内地通行证: `H` or `M` and eight digits.
    MainlandTravelPermitHkMacao,
    /// 台湾居民来往大陆通行证: eight digits.
    MainlandTravelPermitTaiwan,
    /// 外国人永久居留身份证: numbered by GB 11643 since 2023.
    ForeignPermanentResidentCard,
    /// A passport: nine characters and the check digit of ICAO 9303 part 4, section 4.2.
    Passport,
}

impl DocumentType {
    /// Every kind, in the order of the protocol page.
    pub const ALL: [Self; 6] = [
        Self::ResidentIdCard,
        Self::HkMacaoTaiwanResidencePermit,
        Self::MainlandTravelPermitHkMacao,
        Self::MainlandTravelPermitTaiwan,
        Self::ForeignPermanentResidentCard,
        Self::Passport,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResidentIdCard => "resident_id_card",
            Self::HkMacaoTaiwanResidencePermit => "hk_macao_taiwan_residence_permit",
            Self::MainlandTravelPermitHkMacao => "mainland_travel_permit_hk_macao",
            Self::MainlandTravelPermitTaiwan => "mainland_travel_permit_taiwan",
            Self::ForeignPermanentResidentCard => "foreign_permanent_resident_card",
            Self::Passport => "passport",
        }
    }
}

/// A document number in its canonical form: what the blind index is computed over.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentNumber(Personal);

/// A text is not a number of this kind of document. It carries no value: the text is personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number of this kind of document")]
pub struct InvalidDocumentNumber;

impl DocumentNumber {
    /// Brings `text` to its canonical form (NFKC, upper case, no blanks) and checks it by the rule of `kind`.
    pub fn parse(kind: DocumentType, text: &Personal) -> Result<Self, InvalidDocumentNumber> {
        let canonical: String = text.expose().trim().nfkc().flat_map(char::to_uppercase).collect();
        let number = Self(Personal::new(canonical));
        let valid = match kind {
            DocumentType::ResidentIdCard
            | DocumentType::HkMacaoTaiwanResidencePermit
            | DocumentType::ForeignPermanentResidentCard => gb11643(number.expose()),
            DocumentType::MainlandTravelPermitHkMacao => number
                .expose()
                .strip_prefix(['H', 'M'])
                .is_some_and(|digits| is_digits(digits, 8)),
            DocumentType::MainlandTravelPermitTaiwan => is_digits(number.expose(), 8),
            DocumentType::Passport => passport(number.expose()),
        };
        valid.then_some(number).ok_or(InvalidDocumentNumber)
    }

    /// The canonical number; the name makes every use easy to find.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentNumber(..)")
    }
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// GB 11643-1999: six digits of region, eight of birth date, three in sequence, one check character by
/// ISO 7064 MOD 11-2.
fn gb11643(number: &str) -> bool {
    let (Some(body), Some(check)) = (number.get(..17), number.get(17..)) else {
        return false;
    };
    is_digits(body, 17) && calendar_date(body.get(6..14).unwrap_or_default()) && check == gb11643_check(body)
}

/// The check character of the seventeen digits of a resident card number, by GB 11643-1999, section 4.
pub fn gb11643_check(body: &str) -> &'static str {
    const CHECK: [&str; 11] = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"];
    let sum = body.bytes().fold(0, |sum, digit| {
        (sum + u32::from(digit.wrapping_sub(b'0'))) * 2 % 11
    });
    CHECK
        .get(usize::try_from(sum).unwrap_or_default())
        .copied()
        .unwrap_or_default()
}

fn calendar_date(digits: &str) -> bool {
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u8>().ok());
    let year = digits.get(..4).and_then(|year| year.parse().ok());
    let month = part(4..6).and_then(|month| Month::try_from(month).ok());
    matches!((year, month, part(6..8)), (Some(year), Some(month), Some(day))
        if Date::from_calendar_date(year, month, day).is_ok())
}

fn passport(number: &str) -> bool {
    let Some((body, check)) = number.split_at_checked(9) else {
        return false;
    };
    let filled = body.trim_end_matches('<');
    let characters = !filled.is_empty()
        && filled
            .bytes()
            .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
    characters && icao9303_check(body).is_some_and(|digit| check == digit.to_string())
}

/// The check digit of ICAO 9303 part 3, section 4.9: weights 7, 3, 1; letters count from 10; fillers are 0.
pub fn icao9303_check(text: &str) -> Option<u32> {
    let value = |byte: u8| match byte {
        b'<' => Some(0),
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'Z' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    };
    let weighted = text
        .bytes()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(byte, weight)| Some(value(byte)? * weight));
    weighted.sum::<Option<u32>>().map(|sum| sum % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: DocumentType, text: &str) -> Option<String> {
        let number = DocumentNumber::parse(kind, &Personal::new(text.into()));
        number.ok().map(|number| number.expose().to_owned())
    }

    #[test]
    fn the_examples_of_gb_11643_are_accepted() {
        for number in ["11010519491231002X", "440524188001010014"] {
            assert_eq!(
                parse(DocumentType::ResidentIdCard, number).as_deref(),
                Some(number)
            );
        }
    }

    #[test]
    fn one_number_has_one_form() {
        for text in [
            "11010519491231002x",
            " 11010519491231002X ",
            "１１０１０５１９４９１２３１００２Ｘ",
        ] {
            assert_eq!(
                parse(DocumentType::ResidentIdCard, text).as_deref(),
                Some("11010519491231002X")
            );
        }
    }

    #[test]
    fn a_wrong_check_digit_date_or_length_is_refused() {
        for text in [
            "110105194912310021",
            "11010519491331002X",
            "1101051949123100",
            "",
            "11010519491231002XX",
        ] {
            assert_eq!(parse(DocumentType::ResidentIdCard, text), None, "{text}");
        }
    }

    #[test]
    fn the_check_digits_of_icao_9303_fit() {
        assert_eq!(icao9303_check("520727"), Some(3));
        assert_eq!(icao9303_check("AB2134<<<"), Some(5));
        assert_eq!(icao9303_check("L898902C3"), Some(6));
        assert_eq!(icao9303_check("D23145890"), Some(7));
        assert_eq!(
            parse(DocumentType::Passport, "L898902C36").as_deref(),
            Some("L898902C36")
        );
        assert_eq!(
            parse(DocumentType::Passport, "AB2134<<<5").as_deref(),
            Some("AB2134<<<5")
        );
        assert_eq!(parse(DocumentType::Passport, "L898902C37"), None);
        assert_eq!(parse(DocumentType::Passport, "<<<<<<<<<0"), None);
    }

    #[test]
    fn permits_have_their_own_form() {
        assert!(parse(DocumentType::MainlandTravelPermitHkMacao, "H12345678").is_some());
        assert!(parse(DocumentType::MainlandTravelPermitHkMacao, "T12345678").is_none());
        assert!(parse(DocumentType::MainlandTravelPermitTaiwan, "12345678").is_some());
        assert!(parse(DocumentType::MainlandTravelPermitTaiwan, "1234567").is_none());
    }

    #[test]
    fn a_name_in_messages_is_the_name_in_stores() {
        for kind in DocumentType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
