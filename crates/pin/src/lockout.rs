//! The delay that grows with failed attempts, so that eight digits cannot be searched by asking.

use cyberid_domain::UnixTime;

/// How many failures in a row cost nothing.
pub const FREE_FAILURES: u32 = 4;

/// The first lock in seconds; each further failure doubles it.
pub const SHORTEST_LOCK: u64 = 60;

/// The longest lock in seconds.
pub const LONGEST_LOCK: u64 = 86_400;

/// Until when no attempt may succeed after `failures` in a row, the last of them at `now`.
pub fn lockout(failures: u32, now: UnixTime) -> Option<UnixTime> {
    let doublings = failures.checked_sub(FREE_FAILURES + 1)?;
    let seconds = 2_u64.saturating_pow(doublings).saturating_mul(SHORTEST_LOCK);
    Some(now.plus(seconds.min(LONGEST_LOCK)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_failures_are_free_and_then_the_lock_doubles_to_a_day() {
        let now = UnixTime(1_000);
        let seconds: Vec<Option<u64>> = (0..18)
            .map(|failures| lockout(failures, now).map(|until| until.since(now)))
            .collect();
        assert_eq!(seconds[..5], [None; 5]);
        assert_eq!(seconds[5..8], [Some(60), Some(120), Some(240)]);
        assert_eq!(seconds[15..], [Some(61_440), Some(86_400), Some(86_400)]);
        assert_eq!(lockout(u32::MAX, now), Some(now.plus(LONGEST_LOCK)));
    }
}
