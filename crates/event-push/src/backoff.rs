//! When a failed delivery is tried again.

use cyberid_domain::Rng;
use cyberid_domain::rng::random;

/// The first delay, in seconds.
const FIRST: u64 = 5;
/// The longest, in seconds.
const LONGEST: u64 = 3_600;

/// In how many seconds the next attempt is made after this many failures in a row: twice as long each time up to an
/// hour, less a random part of up to a half, so that those who failed together do not come back together.
pub(crate) fn delay(failures: u32, rng: &dyn Rng) -> u64 {
    let doublings = failures.saturating_sub(1).min(10);
    let whole = (FIRST << doublings).min(LONGEST);
    let chance = u64::from(u16::from_be_bytes(random::<2>(rng)));
    whole - whole * chance / (2 * u64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    struct Always(u8);

    impl Rng for Always {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn delays_grow_to_an_hour_and_no_further() {
        let delays = [1, 2, 3, 10, 11, 12, u32::MAX].map(|failures| delay(failures, &Always(0)));
        assert_eq!(delays, [5, 10, 20, 2_560, 3_600, 3_600, 3_600]);
        let delays = [1, 2, u32::MAX].map(|failures| delay(failures, &Always(0xff)));
        assert_eq!(delays, [3, 5, 1_800]);
    }

    #[test]
    fn two_who_failed_together_come_back_apart() {
        let delays: std::collections::BTreeSet<_> = (0..20).map(|_| delay(12, &SystemRng)).collect();
        assert!(delays.len() > 10, "{delays:?}");
    }
}
