//! Guessing is metered: how many enrolments and recoveries were refused within an hour, from each address and in all (T11).
//!
//! A guesser of document numbers needs an answer for each guess, and every wrong one is a refusal. Whoever has had too many
//! is answered nothing more for the rest of the hour, before source and index are asked; a tenth of what is refused at
//! most in all raises an alarm. Counts are in memory, under a key of this process, and bounded: an alarm, and no record.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::rng::{Rng, random};
use cyberid_web::quota::OverQuota;

/// For how many seconds refusals are counted together.
const WINDOW: u64 = 3_600;

/// How many addresses are told apart at once; of more, the newest share one count.
const MOST_CALLERS: usize = 20_000;

/// How often enrolments and recoveries may be refused within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalLimits {
    /// From one address; for IPv6, from one /64.
    pub of_one_caller: u32,
    /// In all.
    pub of_all: u32,
    /// Whether addresses say who calls. Behind a proxy they do not, and only the limit of all holds.
    pub callers_are_told_apart: bool,
}

impl Default for RefusalLimits {
    fn default() -> Self {
        Self {
            of_one_caller: 100,
            of_all: 10_000,
            callers_are_told_apart: true,
        }
    }
}

/// The meter.
pub(crate) struct Meter {
    limits: RefusalLimits,
    key: [u8; 32],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    window: u64,
    all: u32,
    callers: HashMap<[u8; 16], u32>,
    alarm: bool,
}

/// A try that is under way: it counts as refused until it has ended otherwise, so that tries that run together are each
/// counted.
pub(crate) struct Guess<'a> {
    meter: &'a Meter,
    caller: Option<[u8; 16]>,
    window: u64,
}

impl Meter {
    pub(crate) fn new(limits: RefusalLimits, rng: &dyn Rng) -> Self {
        Self {
            limits,
            key: random(rng),
            state: Mutex::default(),
        }
    }

    /// Begins a try of the caller at this address, or says when there may be one again.
    pub(crate) fn begin(&self, from: Option<IpAddr>, now: UnixTime) -> Result<Guess<'_>, OverQuota> {
        let mut state = self.state();
        state.turn_to(now);
        let caller = from.filter(|_| self.limits.callers_are_told_apart);
        let caller = caller.map(|address| self.name(address));
        let caller = caller.map(|name| state.place(name));
        let of_caller = caller.map_or(0, |name| state.callers.get(&name).copied().unwrap_or(0));
        if state.all >= self.limits.of_all || of_caller >= self.limits.of_one_caller {
            metrics::counter!("enrolments_metered_total").increment(1);
            let retry_after = WINDOW - now.0 % WINDOW;
            return Err(OverQuota { retry_after });
        }
        state.all += 1;
        if let Some(name) = caller {
            *state.callers.entry(name).or_default() += 1;
        }
        Ok(Guess {
            meter: self,
            caller,
            window: state.window,
        })
    }

    /// Ends an alarm that is over.
    pub(crate) fn rest(&self, now: UnixTime) {
        self.state().turn_to(now);
    }

    fn name(&self, address: IpAddr) -> [u8; 16] {
        let network = match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64),
        };
        let [name @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            digest::hmac_parts(&self.key, &[b"caller", &network.octets()]);
        name
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess<'_> {
    /// Ends the try: one that was not refused does not count.
    pub(crate) fn end(self, refused: bool) {
        let mut state = self.meter.state();
        if refused {
            metrics::counter!("enrolments_refused_total").increment(1);
            let of_caller = self.caller.and_then(|name| state.callers.get(&name)).copied();
            state.raise(self.meter.limits, of_caller.unwrap_or_default());
        } else if state.window == self.window {
            state.all = state.all.saturating_sub(1);
            if let Some(count) = self.caller.and_then(|name| state.callers.get_mut(&name)) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

impl State {
    /// Counts anew when an hour is over.
    fn turn_to(&mut self, now: UnixTime) {
        let window = now.0 / WINDOW;
        if window > self.window {
            if self.alarm {
                metrics::gauge!("enrolment_guess_alarm").set(0.0);
                tracing::warn!("enrolments are not refused unusually often any more");
            }
            *self = Self {
                window,
                ..Self::default()
            };
        }
    }

    /// Under which name a caller is counted: beyond what is told apart, all share one.
    fn place(&self, name: [u8; 16]) -> [u8; 16] {
        if self.callers.len() < MOST_CALLERS || self.callers.contains_key(&name) {
            name
        } else {
            [0; 16]
        }
    }

    fn raise(&mut self, limits: RefusalLimits, of_caller: u32) {
        let one = of_caller >= limits.of_one_caller;
        if !self.alarm && (one || self.all >= limits.of_all.div_ceil(10)) {
            self.alarm = true;
            metrics::gauge!("enrolment_guess_alarm").set(1.0);
            metrics::counter!("enrolment_guess_alarms_total").increment(1);
            tracing::warn!(
                refused = self.all,
                "somebody guesses documents: enrolments are refused unusually often"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn meter(of_one_caller: u32, of_all: u32) -> Meter {
        let limits = RefusalLimits {
            of_one_caller,
            of_all,
            callers_are_told_apart: true,
        };
        Meter::new(limits, &SystemRng)
    }

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    fn guesses(meter: &Meter, from: Option<IpAddr>, tries: u32) -> u32 {
        let begun = (0..tries).filter_map(|_| meter.begin(from, NOW).ok());
        begun.map(|guess| guess.end(true)).count().try_into().unwrap()
    }

    #[test]
    fn ten_thousand_guesses_are_stopped_at_the_hundredth() {
        let meter = Meter::new(RefusalLimits::default(), &SystemRng);
        assert_eq!(guesses(&meter, address("192.0.2.1"), 10_000), 100);
        assert!(meter.state().alarm);
        assert!(
            meter.begin(address("192.0.2.2"), NOW).is_ok(),
            "others are served"
        );
        let over = meter.begin(address("192.0.2.1"), NOW).err().unwrap();
        assert!(
            meter
                .begin(address("192.0.2.1"), NOW.plus(over.retry_after))
                .is_ok()
        );
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller_and_a_mapped_address_is_its_own() {
        let meter = meter(2, 1_000);
        assert_eq!(guesses(&meter, address("2001:db8::1"), 1), 1);
        assert_eq!(guesses(&meter, address("2001:db8::ffff:2"), 5), 1);
        assert_eq!(guesses(&meter, address("2001:db8:0:1::1"), 5), 2);
        assert_eq!(guesses(&meter, address("192.0.2.1"), 1), 1);
        assert_eq!(guesses(&meter, address("::ffff:192.0.2.1"), 5), 1);
    }

    #[test]
    fn what_succeeds_does_not_count_and_what_runs_together_does() {
        let meter = meter(3, 1_000);
        for _ in 0..10 {
            meter.begin(address("192.0.2.1"), NOW).unwrap().end(false);
        }
        let running: Vec<_> = (0..3)
            .map(|_| meter.begin(address("192.0.2.1"), NOW).unwrap())
            .collect();
        assert!(meter.begin(address("192.0.2.1"), NOW).is_err());
        running.into_iter().for_each(|guess| guess.end(false));
        assert!(meter.begin(address("192.0.2.1"), NOW).is_ok());
    }

    #[test]
    fn many_addresses_together_meet_the_limit_of_all_and_raise_the_alarm_before() {
        let meter = meter(100, 50);
        let from = |n: u32| address(&format!("10.0.{}.{}", n / 256, n % 256));
        let tried = (0..200).map(|n| guesses(&meter, from(n), 1)).sum::<u32>();
        assert_eq!(tried, 50);
        assert!(meter.state().alarm);
        meter.rest(NOW.plus(WINDOW));
        assert!(!meter.state().alarm && meter.begin(from(1), NOW.plus(WINDOW)).is_ok());
    }

    #[test]
    fn behind_a_proxy_the_limit_of_all_alone_holds() {
        let limits = RefusalLimits {
            of_one_caller: 2,
            of_all: 5,
            callers_are_told_apart: false,
        };
        let meter = Meter::new(limits, &SystemRng);
        assert_eq!(guesses(&meter, address("192.0.2.1"), 10), 5);
    }

    #[test]
    fn memory_is_bounded() {
        let meter = meter(100, u32::MAX);
        for n in 0..u32::try_from(MOST_CALLERS).unwrap() + 500 {
            guesses(&meter, Some(IpAddr::from(n.to_be_bytes())), 1);
        }
        assert!(meter.state().callers.len() <= MOST_CALLERS + 1);
    }
}
