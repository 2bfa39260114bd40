//! The network number (网号): ten characters, the tenth a check character over GF(32).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::rng::Rng;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;

/// A network number: 45 random bits and a check character, shown as `XXXXX-XXXXX`. It names, and never
/// authenticates.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "7K2M9-XQ4TD"))]
pub struct NetworkNumber([u8; LENGTH]);

/// Why a text is not a network number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    /// Not ten characters of the alphabet, with or without the hyphen.
    #[error("a network number is ten characters, shown as XXXXX-XXXXX")]
    Form,
    /// The check character does not fit: something was mistyped.
    #[error("the check character does not fit")]
    Check,
}

impl NetworkNumber {
    /// A fresh number.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut symbols = [0; LENGTH];
        rng.fill(&mut symbols);
        symbols.iter_mut().for_each(|symbol| *symbol %= 32);
        symbols[LENGTH - 1] = 0;
        symbols[LENGTH - 1] = syndrome(&symbols);
        Self(symbols)
    }

    /// The ten characters without the hyphen.
    pub fn compact(&self) -> String {
        self.0
            .iter()
            .filter_map(|&symbol| ALPHABET.get(usize::from(symbol)).copied().map(char::from))
            .collect()
    }
}

/// The sum of `a^(9-i) * c_i`, by Horner's rule.
fn syndrome(symbols: &[u8; LENGTH]) -> u8 {
    symbols.iter().fold(0, |sum, symbol| times_a(sum) ^ symbol)
}

/// Multiplies by `a = x` in GF(32) with `x^5 + x^2 + 1`.
fn times_a(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 0b10_0000 == 0 {
        shifted
    } else {
        shifted ^ 0b10_0101
    }
}

impl std::str::FromStr for NetworkNumber {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, InvalidNumber> {
        let compact = match text.split_once('-') {
            Some((left, right)) if left.len() == 5 && right.len() == 5 => format!("{left}{right}"),
            Some(_) => return Err(InvalidNumber::Form),
            None => text.into(),
        };
        let symbols: Option<Vec<u8>> = compact
            .bytes()
            .map(|byte| {
                ALPHABET
                    .iter()
                    .position(|&c| c == byte)
                    .and_then(|at| u8::try_from(at).ok())
            })
            .collect();
        let symbols = symbols
            .and_then(|symbols| symbols.try_into().ok())
            .ok_or(InvalidNumber::Form)?;
        if syndrome(&symbols) == 0 {
            Ok(Self(symbols))
        } else {
            Err(InvalidNumber::Check)
        }
    }
}

impl fmt::Display for NetworkNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compact = self.compact();
        let (left, right) = compact.split_at(LENGTH / 2);
        write!(f, "{left}-{right}")
    }
}

impl fmt::Debug for NetworkNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetworkNumber(..)")
    }
}

impl Serialize for NetworkNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NetworkNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRng;

    #[test]
    fn every_single_error_and_every_swap_is_caught() {
        let number = NetworkNumber::random(&SystemRng);
        let text = number.compact().into_bytes();
        for at in 0..LENGTH {
            for &other in ALPHABET.iter().filter(|&&c| c != text[at]) {
                let mut wrong = text.clone();
                wrong[at] = other;
                assert_eq!(
                    String::from_utf8(wrong).unwrap().parse::<NetworkNumber>(),
                    Err(InvalidNumber::Check)
                );
            }
            for other in (0..LENGTH).filter(|&other| text[other] != text[at]) {
                let mut swapped = text.clone();
                swapped.swap(at, other);
                assert_eq!(
                    String::from_utf8(swapped).unwrap().parse::<NetworkNumber>(),
                    Err(InvalidNumber::Check)
                );
            }
        }
    }

    #[test]
    fn a_number_parses_as_shown_and_compact_and_in_no_other_form() {
        let number = NetworkNumber::random(&SystemRng);
        assert_eq!(number.to_string().parse(), Ok(number.clone()));
        assert_eq!(number.compact().parse(), Ok(number.clone()));
        assert!("abcde-abcde".parse::<NetworkNumber>().is_err());
        assert_eq!("00000-0000".parse::<NetworkNumber>(), Err(InvalidNumber::Form));
        assert_eq!("0-000000000".parse::<NetworkNumber>(), Err(InvalidNumber::Form));
    }
}
