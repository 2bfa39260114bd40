//! Ages that may be asked about, and the flags that answer without a birth date.

use serde::{Deserialize, Serialize};
use time::{Date, Month};

/// An age that a check may ask about; no other age can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Threshold {
    /// 14 years.
    Fourteen,
    /// 16 years.
    Sixteen,
    /// 18 years.
    Eighteen,
    /// 21 years.
    TwentyOne,
}

impl Threshold {
    /// Every threshold, ascending.
    pub const ALL: [Self; 4] = [Self::Fourteen, Self::Sixteen, Self::Eighteen, Self::TwentyOne];

    /// The age in years.
    pub const fn years(self) -> u8 {
        match self {
            Self::Fourteen => 14,
            Self::Sixteen => 16,
            Self::Eighteen => 18,
            Self::TwentyOne => 21,
        }
    }

    /// The first day on which a person born on `birth` has this age. Born on 29 February, that is
    /// 1 March of a common year: a year of age is completed at the end of the day before the birthday.
    pub fn reached_on(self, birth: Date) -> Date {
        let year = birth.year() + i32::from(self.years());
        birth
            .replace_year(year)
            .or_else(|_| Date::from_calendar_date(year, Month::March, 1))
            .unwrap_or(Date::MAX)
    }
}

impl From<Threshold> for u8 {
    fn from(threshold: Threshold) -> Self {
        threshold.years()
    }
}

impl TryFrom<u8> for Threshold {
    type Error = &'static str;

    fn try_from(years: u8) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|threshold| threshold.years() == years)
            .ok_or("no such threshold")
    }
}

/// Which thresholds a person has reached: all that verification learns of an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgeFlags(u8);

impl AgeFlags {
    /// The flags of a person born on `birth`, on the day `today`.
    pub fn on(today: Date, birth: Date) -> Self {
        let reached = Threshold::ALL
            .into_iter()
            .filter(|threshold| threshold.reached_on(birth) <= today);
        reached.fold(Self::default(), Self::with)
    }

    /// These flags and `threshold`.
    #[must_use]
    pub fn with(self, threshold: Threshold) -> Self {
        Self(self.0 | 1 << threshold as u8)
    }

    /// Whether `threshold` was reached.
    pub fn has(self, threshold: Threshold) -> bool {
        self.0 & 1 << threshold as u8 != 0
    }

    /// The flags as a store holds them: bit `i` is the `i`-th threshold.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The flags that a store holds.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b1111)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_flag_is_set_on_the_birthday_and_not_the_day_before() {
        let birth = date!(2008 - 05 - 20);
        assert!(!AgeFlags::on(date!(2026 - 05 - 19), birth).has(Threshold::Eighteen));
        assert!(AgeFlags::on(date!(2026 - 05 - 20), birth).has(Threshold::Eighteen));
        assert!(!AgeFlags::on(date!(2026 - 05 - 20), birth).has(Threshold::TwentyOne));
    }

    #[test]
    fn a_leap_day_child_is_eighteen_on_the_first_of_march() {
        let birth = date!(2008 - 02 - 29);
        assert_eq!(Threshold::Eighteen.reached_on(birth), date!(2026 - 03 - 01));
        assert_eq!(Threshold::Sixteen.reached_on(birth), date!(2024 - 02 - 29));
    }
}
