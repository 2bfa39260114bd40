//! Values of the protocol on the command line, and in words.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use cyberid_domain::UnixTime;
use cyberid_domain::check::Check;
use cyberid_domain::clock::DAY;
use cyberid_domain::field::Field;

/// How far ahead of UTC the clock is that [`moment`] shows, in seconds: eight hours, as in China.
const AHEAD: u64 = 8 * 3600;

/// Reads the name of a check; the help lists them.
pub(crate) fn checks() -> impl TypedValueParser<Value = Check> {
    let named = |name: String| Check::ALL.into_iter().find(|check| check.as_str() == name);
    PossibleValuesParser::new(Check::ALL.map(Check::as_str))
        .try_map(move |name| named(name).ok_or("no such check"))
}

/// Reads the name of a field; the help lists them.
pub(crate) fn fields() -> impl TypedValueParser<Value = Field> {
    PossibleValuesParser::new(Field::ALL.map(Field::as_str))
        .try_map(|name| Field::named(&name).ok_or("no such field"))
}

/// A moment in words, in the time of China.
pub(crate) fn moment(time: UnixTime) -> String {
    let seconds = time.plus(AHEAD).0 % DAY;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {hour:02}:{minute:02}:{second:02} (UTC+8)", time.date())
}

/// Names, one after the other.
pub(crate) fn names<T: Copy>(values: &[T], name: impl Fn(T) -> &'static str) -> String {
    values
        .iter()
        .map(|value| name(*value))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_time_of_china() {
        assert_eq!(moment(UnixTime(1_784_131_200)), "2026-07-16 00:00:00 (UTC+8)");
        assert_eq!(moment(UnixTime(1_784_131_199)), "2026-07-15 23:59:59 (UTC+8)");
    }

    #[test]
    fn values_are_listed_by_their_names_in_messages() {
        assert_eq!(
            names(&[Field::Name, Field::BirthDate], Field::as_str),
            "name, birth_date"
        );
    }
}
