//! What keeps a proof from being used twice: nonces that only this process makes, and the memory of the proofs that
//! were seen under them.
//!
//! A nonce names its interval of time and is keyed by a value drawn when the process began. So a proof made before
//! that is refused, and what was seen need be kept in memory only, and only for two intervals.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use cyberid_crypto::{base64url, digest};
use cyberid_domain::rng::random;
use cyberid_domain::{Rng, UnixTime};
use zeroize::Zeroizing;

/// Length of an interval in seconds. A nonce is taken in its own interval and the next.
const INTERVAL: u64 = 30;

/// The most proofs that are remembered in one interval: about 30 MB. More are refused, never forgotten.
const CAPACITY: usize = 1 << 20;

const TAG: usize = 16;

/// The nonces of this process.
pub(super) struct Nonces {
    key: Zeroizing<[u8; 32]>,
    /// Those of the last two intervals that were asked for, each with its interval.
    made: Mutex<[Option<(u64, Text)>; 2]>,
}

/// An interval and what authenticates it.
type Text = [u8; 8 + TAG];

impl Nonces {
    /// Draws the key that lives as long as the process.
    pub(super) fn new(rng: &dyn Rng) -> Self {
        Self {
            key: Zeroizing::new(random(rng)),
            made: Mutex::default(),
        }
    }

    /// The nonce of the present interval.
    pub(super) fn fresh(&self, now: UnixTime) -> String {
        base64url::encode(&self.text(now.0 / INTERVAL))
    }

    /// The interval of a nonce of ours that is still taken.
    pub(super) fn interval(&self, nonce: &str, now: UnixTime) -> Option<u64> {
        let given: Text = base64url::decode_array(nonce)?;
        let interval = u64::from_be_bytes(*given.first_chunk()?);
        let present = now.0 / INTERVAL;
        let taken = interval == present || interval.checked_add(1) == Some(present);
        (taken && digest::equal(&given, &self.text(interval))).then_some(interval)
    }

    /// The nonce of an interval that is taken: every request asks for one of two.
    fn text(&self, interval: u64) -> Text {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let [even, odd] = &mut *made;
        let kept = if interval.is_multiple_of(2) { even } else { odd };
        match kept {
            Some((of, text)) if *of == interval => *text,
            _ => kept.insert((interval, self.make(interval))).1,
        }
    }

    fn make(&self, interval: u64) -> Text {
        let interval = interval.to_be_bytes();
        let tag = digest::hmac_parts(self.key.as_ref(), &[b"dpop-nonce", &interval]);
        let mut text = [0; 8 + TAG];
        text.iter_mut()
            .zip(interval.into_iter().chain(tag))
            .for_each(|(to, from)| *to = from);
        text
    }
}

/// What became of a proof that was to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It is new.
    New,
    /// It was seen before.
    Seen,
    /// Its interval has been forgotten.
    Forgotten,
    /// There is no room; it is not known whether it is new.
    Full,
}

/// The proofs that were seen, by the interval of their nonce.
pub(super) struct Seen {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Default)]
struct State {
    /// The latest interval that was ever asked about: a clock that goes back brings nothing back.
    latest: u64,
    intervals: BTreeMap<u64, HashSet<[u8; TAG]>>,
}

impl Seen {
    /// An empty memory.
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            capacity: CAPACITY,
        }
    }

    /// Remembers the proof that `jkt` named `jti`, made with the nonce of `interval`.
    pub(super) fn remember(&self, interval: u64, jkt: &str, jti: &str) -> Remembered {
        let digest = digest::hmac_parts(b"", &[jkt.as_bytes(), jti.as_bytes()]);
        let Some(name) = digest.first_chunk::<TAG>() else {
            return Remembered::Full;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.latest = state.latest.max(interval);
        let oldest = state.latest.saturating_sub(1);
        state.intervals.retain(|kept, _| *kept >= oldest);
        if interval < oldest {
            return Remembered::Forgotten;
        }
        let seen = state.intervals.entry(interval).or_default();
        if seen.contains(name) {
            Remembered::Seen
        } else if seen.len() >= self.capacity {
            Remembered::Full
        } else {
            seen.insert(*name);
            Remembered::New
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn a_nonce_lives_for_its_interval_and_the_next() {
        let nonces = Nonces::new(&SystemRng);
        let nonce = nonces.fresh(NOW);
        assert!(nonces.interval(&nonce, NOW).is_some());
        assert!(nonces.interval(&nonce, NOW.plus(2 * INTERVAL - 1)).is_some());
        assert_eq!(nonces.interval(&nonce, NOW.plus(2 * INTERVAL)), None);
        assert_eq!(nonces.interval(&nonce, NOW.minus(1)), None);
    }

    #[test]
    fn another_process_does_not_take_it() {
        let nonce = Nonces::new(&SystemRng).fresh(NOW);
        assert_eq!(Nonces::new(&SystemRng).interval(&nonce, NOW), None);
    }

    #[test]
    fn nobody_else_can_make_one() {
        let nonces = Nonces::new(&SystemRng);
        let mut forged = nonces.text(NOW.0 / INTERVAL);
        forged[20] ^= 1;
        for nonce in ["", "AAAA", &base64url::encode(&forged)] {
            assert_eq!(nonces.interval(nonce, NOW), None, "{nonce}");
        }
    }

    #[test]
    fn a_proof_is_new_once_for_each_key() {
        let seen = Seen::new();
        assert_eq!(seen.remember(7, "key", "name"), Remembered::New);
        assert_eq!(seen.remember(7, "key", "name"), Remembered::Seen);
        assert_eq!(seen.remember(7, "yek", "name"), Remembered::New);
        assert_eq!(seen.remember(8, "key", "name"), Remembered::New);
        assert_eq!(seen.remember(7, "key", "name"), Remembered::Seen);
    }

    #[test]
    fn what_is_forgotten_is_refused_even_when_the_clock_goes_back() {
        let seen = Seen::new();
        assert_eq!(seen.remember(7, "key", "name"), Remembered::New);
        assert_eq!(seen.remember(9, "key", "name"), Remembered::New);
        assert_eq!(seen.remember(7, "key", "name"), Remembered::Forgotten);
    }

    #[test]
    fn a_full_memory_refuses_and_forgets_nothing() {
        let seen = Seen {
            capacity: 1,
            ..Seen::new()
        };
        assert_eq!(seen.remember(7, "key", "one"), Remembered::New);
        assert_eq!(seen.remember(7, "key", "two"), Remembered::Full);
        assert_eq!(seen.remember(7, "key", "one"), Remembered::Seen);
        assert_eq!(seen.remember(8, "key", "two"), Remembered::New);
    }
}
