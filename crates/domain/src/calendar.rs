//! Days and months in UTC+8, the one legal time of China, in which periods of law are counted.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, Month, UtcOffset};

use crate::UnixTime;

const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The first moment of a day; the epoch for days before 1970-01-02.
pub fn start_of(date: Date) -> UnixTime {
    let offset = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
    let start = date.midnight().assume_offset(offset).unix_timestamp();
    UnixTime(u64::try_from(start).unwrap_or_default())
}

/// Reads `YYYY-MM-DD`, in this one form.
pub fn read_date(text: &str) -> Option<Date> {
    let date = Date::parse(text, FORMAT).ok()?;
    (date.to_string() == text).then_some(date)
}

/// The day so many calendar months before; where that month has no such day, its last.
pub fn months_before(date: Date, months: u32) -> Date {
    let mut month = date.month();
    let mut year = date.year();
    for _ in 0..months {
        if month == Month::January {
            year -= 1;
        }
        month = month.previous();
    }
    let day = date.day().min(month.length(year));
    Date::from_calendar_date(year, month, day).unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_day_begins_at_sixteen_hours_utc_of_the_day_before() {
        assert_eq!(start_of(date!(2026 - 07 - 16)), UnixTime(1_784_131_200));
        assert_eq!(start_of(date!(1969 - 01 - 01)), UnixTime(0));
    }

    #[test]
    fn a_date_has_one_form() {
        assert_eq!(read_date("2026-07-05"), Some(date!(2026 - 07 - 05)));
        for text in ["2026-7-5", "20260705", "2026-02-30", "+2026-07-05", ""] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }

    #[test]
    fn months_are_of_the_calendar() {
        for (date, months, before) in [
            (date!(2026 - 11 - 23), 6, date!(2026 - 05 - 23)),
            (date!(2026 - 08 - 31), 6, date!(2026 - 02 - 28)),
            (date!(2028 - 08 - 31), 6, date!(2028 - 02 - 29)),
            (date!(2026 - 01 - 31), 1, date!(2025 - 12 - 31)),
            (date!(2026 - 03 - 31), 13, date!(2025 - 02 - 28)),
            (date!(2026 - 03 - 31), 0, date!(2026 - 03 - 31)),
        ] {
            assert_eq!(months_before(date, months), before, "{date} {months}");
        }
    }
}
