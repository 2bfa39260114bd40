//! The miss alarm: a relying party whose verifications fail more often than people's mistakes explain is guessing, or is
//! being used to (T1, T11). It is counted what failed and not why, so that the counts tell nothing of anybody.
//!
//! Counts are in memory, for about an hour: an alarm, and no record.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_protocol::event::Concluded;
use cyberid_protocol::registration::OutcomeCounts;

use crate::Verification;

/// The length of a slice of the window in seconds.
const SLICE: u64 = 600;
/// The slices that are looked at, the present one included.
const SLICES: usize = 6;
/// The fewest outcomes that say anything.
const ENOUGH: u32 = 50;
/// The share of misses, in percent, above which the alarm is raised.
const SHARE: u64 = 50;

/// What each relying party's verifications came to of late.
#[derive(Default)]
pub(crate) struct Misses(Mutex<HashMap<ClientId, Window>>);

/// One relying party's last hour.
#[derive(Default)]
struct Window {
    slices: [Slice; SLICES],
    alarm: bool,
}

#[derive(Default, Clone, Copy)]
struct Slice {
    /// Which slice of time this is.
    number: u64,
    outcomes: u32,
    misses: u32,
}

impl Verification {
    /// Counts an answer that stands. What was sent again, or to a request that is not the sender's, moves no count:
    /// whoever has one good proof could otherwise hide misses behind it, and whoever knows a request's id could make some.
    pub(crate) fn count(&self, client_id: &ClientId, how: Concluded) {
        match how {
            Concluded::Passed => self.misses.count(client_id, true, self.now()),
            Concluded::Failed => self.misses.count(client_id, false, self.now()),
            Concluded::Declined | Concluded::Expired => {}
        }
    }

    /// What a relying party's verifications came to of late.
    pub(crate) fn outcomes(&self, client_id: &ClientId) -> OutcomeCounts {
        self.misses.of(client_id, self.now())
    }
}

impl Misses {
    /// Counts one outcome. Both outcomes take the same steps.
    pub(crate) fn count(&self, client_id: &ClientId, passed: bool, now: UnixTime) {
        let mut parties = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who is known is found without a copy of its name.
        let changed = match parties.get_mut(client_id) {
            Some(window) => window.count(passed, now),
            None => parties.entry(client_id.clone()).or_default().count(passed, now),
        };
        drop(parties);
        if let Some(alarm) = changed {
            announce(client_id, alarm);
        }
    }

    /// The counts of one relying party.
    pub(crate) fn of(&self, client_id: &ClientId, now: UnixTime) -> OutcomeCounts {
        let parties = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parties
            .get(client_id)
            .map_or_else(|| counts((0, 0)), |window| counts(window.sum(now)))
    }

    /// Ends the alarms that nothing raises any more, and forgets who asked nothing of late.
    pub(crate) fn forget_rested(&self, now: UnixTime) {
        let mut ended = Vec::new();
        let mut parties = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parties.retain(|client_id, window| {
            if window.settle(now) == Some(false) {
                ended.push(client_id.clone());
            }
            window.sum(now).0 > 0
        });
        drop(parties);
        for client_id in ended {
            announce(&client_id, false);
        }
    }
}

impl Window {
    /// Counts one outcome, and says if the alarm is raised or ended by it.
    fn count(&mut self, passed: bool, now: UnixTime) -> Option<bool> {
        let number = now.0 / SLICE;
        if let Some(slice) = usize::try_from(number)
            .ok()
            .and_then(|number| self.slices.get_mut(number % SLICES))
        {
            if slice.number != number {
                *slice = Slice {
                    number,
                    ..Slice::default()
                };
            }
            slice.outcomes = slice.outcomes.saturating_add(1);
            slice.misses = slice.misses.saturating_add(u32::from(!passed));
        }
        self.settle(now)
    }

    /// Raises or ends the alarm; says which, if it was otherwise before.
    fn settle(&mut self, now: UnixTime) -> Option<bool> {
        let alarm = counts(self.sum(now)).miss_alarm;
        let before = std::mem::replace(&mut self.alarm, alarm);
        (before != alarm).then_some(alarm)
    }

    /// Outcomes and misses in the window that ends now.
    fn sum(&self, now: UnixTime) -> (u32, u32) {
        let present = now.0 / SLICE;
        let oldest = present.saturating_sub(SLICES as u64 - 1);
        let slices = self.slices.iter();
        slices
            .filter(|slice| (oldest..=present).contains(&slice.number))
            .fold((0, 0), |(outcomes, misses), slice| {
                (
                    slice.outcomes.saturating_add(outcomes),
                    slice.misses.saturating_add(misses),
                )
            })
    }
}

fn counts((outcomes, misses): (u32, u32)) -> OutcomeCounts {
    let many = u64::from(misses) * 100 > u64::from(outcomes) * SHARE;
    OutcomeCounts {
        outcomes,
        misses,
        miss_alarm: outcomes >= ENOUGH && many,
    }
}

/// The log names the relying party; the metric counts them, for metrics are public and name nobody.
fn announce(client_id: &ClientId, alarm: bool) {
    let raised = metrics::gauge!("relying_party_miss_alarm");
    if alarm {
        raised.increment(1.0);
        tracing::warn!(%client_id, "the verifications of a relying party fail unusually often");
    } else {
        raised.decrement(1.0);
        tracing::info!(%client_id, "the verifications of a relying party fail as usual again");
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const NOW: UnixTime = UnixTime(1_795_400_000);

    fn party() -> ClientId {
        ClientId::random(&SystemRng)
    }

    fn count(misses: &Misses, party: &ClientId, passed: bool, times: u32, now: UnixTime) {
        for _ in 0..times {
            misses.count(party, passed, now);
        }
    }

    #[test]
    fn an_alarm_needs_enough_outcomes_and_more_misses_than_hits() {
        let (misses, party, other) = (Misses::default(), party(), party());
        count(&misses, &party, false, ENOUGH - 1, NOW);
        assert!(!misses.of(&party, NOW).miss_alarm, "too few to say");
        misses.count(&party, false, NOW);
        let raised = OutcomeCounts {
            outcomes: ENOUGH,
            misses: ENOUGH,
            miss_alarm: true,
        };
        assert_eq!(misses.of(&party, NOW), raised);
        assert_eq!(misses.of(&other, NOW), counts((0, 0)));
        count(&misses, &party, true, ENOUGH, NOW);
        assert!(!misses.of(&party, NOW).miss_alarm, "half is not more than half");
        misses.count(&party, false, NOW);
        assert!(misses.of(&party, NOW).miss_alarm);
    }

    #[test]
    fn the_window_slides() {
        let (misses, party) = (Misses::default(), party());
        count(&misses, &party, false, ENOUGH, NOW);
        let last = NOW.plus(SLICE * (SLICES as u64 - 1));
        assert!(misses.of(&party, last).miss_alarm);
        let over = NOW.plus(SLICE * SLICES as u64);
        assert_eq!(misses.of(&party, over), counts((0, 0)));
        count(&misses, &party, true, 1, over);
        assert_eq!(
            misses.of(&party, over),
            counts((1, 0)),
            "an old slice is begun anew"
        );
    }

    #[test]
    fn an_alarm_is_told_once_and_its_end_too() {
        let mut window = Window::default();
        let told: Vec<_> = (0..ENOUGH + 10)
            .filter_map(|_| window.count(false, NOW))
            .collect();
        assert_eq!(told, [true]);
        let over = NOW.plus(SLICE * SLICES as u64);
        assert_eq!(window.settle(over), Some(false));
        assert_eq!(window.settle(over), None);
    }

    #[test]
    fn who_asks_nothing_is_forgotten() {
        let (misses, party) = (Misses::default(), party());
        misses.count(&party, true, NOW);
        misses.forget_rested(NOW);
        assert_eq!(misses.0.lock().unwrap().len(), 1);
        misses.forget_rested(NOW.plus(SLICE * SLICES as u64));
        assert!(misses.0.lock().unwrap().is_empty());
    }
}
