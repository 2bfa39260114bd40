//! Spans of time on the command line: a number and `s`, `m`, `h` or `d`.

use cyberid_domain::clock::DAY;
use cyberid_protocol::official::{MAX_LIFE, MAX_NOTICE_DELAY};

/// The life of an order: seven days at most.
pub(super) fn life(text: &str) -> Result<u64, String> {
    within(text, MAX_LIFE)
}

/// The delay of a notice: 90 days at most.
pub(super) fn delay(text: &str) -> Result<u64, String> {
    within(text, MAX_NOTICE_DELAY)
}

fn within(text: &str, most: u64) -> Result<u64, String> {
    let wrong = || {
        format!(
            "a span is a number and `s`, `m`, `h` or `d`, at most {}d",
            most / DAY
        )
    };
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => DAY,
        _ => return Err(wrong()),
    };
    let number = text
        .get(..text.len() - 1)
        .and_then(|number| number.parse::<u64>().ok());
    let seconds = number.and_then(|number| number.checked_mul(unit));
    seconds.filter(|seconds| *seconds <= most).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_unit_and_an_end() {
        assert_eq!(life("90m"), Ok(5_400));
        assert_eq!(life("7d"), Ok(MAX_LIFE));
        assert_eq!(delay("90d"), Ok(MAX_NOTICE_DELAY));
        for wrong in ["", "7", "d", "8d", "-1d", "1.5h", "7天", "99999999999999999999d"] {
            assert!(life(wrong).is_err(), "{wrong}");
        }
    }
}
