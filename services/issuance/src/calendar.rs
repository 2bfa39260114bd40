//! Days in UTC+8, the one legal time of China: by it documents end and ages are reached.

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, UtcOffset};

/// How far legal time is ahead of UTC, in seconds.
const AHEAD: u64 = 8 * 3_600;

const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// The start of the legal day of `moment`.
pub(crate) fn day_of(moment: UnixTime) -> UnixTime {
    moment.plus(AHEAD).day_start().minus(AHEAD)
}

/// The first moment after the day `date`; nothing before 1970.
pub(crate) fn end_of(date: Date) -> Option<UnixTime> {
    let offset = UtcOffset::from_hms(8, 0, 0).ok()?;
    let start = date.midnight().assume_offset(offset).unix_timestamp();
    let start = u64::try_from(start).ok()?;
    Some(UnixTime(start).plus(DAY))
}

/// Reads `YYYY-MM-DD`, in this one form.
pub(crate) fn read(text: &str) -> Option<Date> {
    let date = Date::parse(text, FORMAT).ok()?;
    (write(date) == text).then_some(date)
}

/// The date as `YYYY-MM-DD`.
pub(crate) fn write(date: Date) -> String {
    date.to_string()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        // 2026-07-15T15:59:59Z is one second before midnight in UTC+8.
        let last = UnixTime(1_784_131_199);
        let start = UnixTime(1_784_044_800);
        assert_eq!(day_of(last), start);
        assert_eq!(day_of(start), start);
        assert_eq!(day_of(last.plus(1)), start.plus(DAY));
        assert_eq!(last.date(), date!(2026 - 07 - 15));
        assert_eq!(end_of(last.date()), Some(last.plus(1)));
        assert_eq!(end_of(date!(1949 - 10 - 01)), None);
    }

    #[test]
    fn a_date_has_one_form() {
        assert_eq!(read("2026-07-05"), Some(date!(2026 - 07 - 05)));
        for text in [
            "2026-7-5",
            "20260705",
            "2026-02-30",
            "+2026-07-05",
            " 2026-07-05",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
