//! The eight digits that only the holder knows.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// An eight-digit PIN that is not trivial: wiped when dropped, never printed, never serialised.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(String);

/// Why a text is not an acceptable PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPin {
    /// Not exactly eight ASCII digits.
    #[error("a PIN is eight digits")]
    NotEightDigits,
    /// One repeated digit, a run up or down, two repeated halves, or a date.
    #[error("a PIN may not be a repetition, a run or a date")]
    Trivial,
}

impl Pin {
    /// The digits; the name makes every use easy to find.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it says this date in one of the orders in which dates are written: whoever knows the person's birthday tries
    /// them first.
    pub fn tells(&self, date: time::Date) -> bool {
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let short = year.rem_euclid(100);
        let whole = [
            format!("{year:04}{month:02}{day:02}"),
            format!("{day:02}{month:02}{year:04}"),
            format!("{month:02}{day:02}{year:04}"),
        ];
        let parts = [
            format!("{short:02}{month:02}{day:02}"),
            format!("{day:02}{month:02}{short:02}"),
        ];
        whole.contains(&self.0)
            || parts
                .iter()
                .any(|part| self.0.starts_with(part) || self.0.ends_with(part))
    }

    /// Checks a PIN that a holder chooses: eight digits, not trivial.
    pub fn chosen(text: String) -> Result<Self, InvalidPin> {
        let pin = Self::entered(text)?;
        if trivial(pin.0.as_bytes()) {
            Err(InvalidPin::Trivial)
        } else {
            Ok(pin)
        }
    }

    /// Checks the form of a PIN that a holder enters.
    pub fn entered(text: String) -> Result<Self, InvalidPin> {
        let pin = Self(text);
        let digits = pin.0.len() == 8 && pin.0.bytes().all(|byte| byte.is_ascii_digit());
        if digits {
            Ok(pin)
        } else {
            Err(InvalidPin::NotEightDigits)
        }
    }
}

fn trivial(digits: &[u8]) -> bool {
    let step = |by: u8| {
        digits
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if (a - b'0' + by) % 10 == b - b'0'))
    };
    let halves = |size: usize| digits.chunks(size).all(|chunk| digits.starts_with(chunk));
    step(0) || step(1) || step(9) || halves(2) || halves(4) || date(digits)
}

fn date(digits: &[u8]) -> bool {
    let number = |range: &[u8]| {
        range
            .iter()
            .fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let (year, month_day) = digits.split_at(4);
    let (month, day) = month_day.split_at(2);
    (1900..=2100).contains(&number(year))
        && (1..=12).contains(&number(month))
        && (1..=31).contains(&number(day))
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::entered(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_runs_and_dates_are_trivial() {
        for pin in [
            "00000000", "12345678", "98765432", "89012345", "12121212", "13571357", "19900215",
        ] {
            assert_eq!(Pin::chosen(pin.into()).err(), Some(InvalidPin::Trivial), "{pin}");
        }
        assert!(Pin::chosen("27182845".into()).is_ok());
    }

    #[test]
    fn a_birthday_is_found_in_every_order() {
        let born = time::macros::date!(1987 - 03 - 21);
        let tells = |pin: &str| Pin::entered(pin.into()).unwrap().tells(born);
        for pin in [
            "19870321", "21031987", "03211987", "87032159", "59870321", "21038759", "59210387",
        ] {
            assert!(tells(pin), "{pin}");
        }
        for pin in ["27182845", "19870322", "87030321", "21041987"] {
            assert!(!tells(pin), "{pin}");
        }
    }

    #[test]
    fn other_forms_are_not_a_pin() {
        for pin in ["", "1234567", "123456789", "1234567a", "１２３４５６７８"] {
            assert_eq!(
                Pin::entered(pin.into()).err(),
                Some(InvalidPin::NotEightDigits),
                "{pin}"
            );
        }
    }
}
