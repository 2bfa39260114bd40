//! For how long the journal of visits is kept.

use cyberid_domain::UnixTime;
use cyberid_domain::calendar::{months_before, start_of};
use cyberid_domain::clock::DAY;

/// How many calendar months the journal of visits is kept, and a day more: at least six (Cybersecurity Law, article 21,
/// item 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitsKept {
    months: u32,
}

impl Default for VisitsKept {
    fn default() -> Self {
        Self { months: Self::LEAST }
    }
}

impl VisitsKept {
    /// What law asks for.
    pub const LEAST: u32 = 6;

    /// So many calendar months and a day, if that is enough.
    pub fn months(months: u32) -> Option<Self> {
        (months >= Self::LEAST).then_some(Self { months })
    }

    /// The start of the first day, UTC, whose visits are kept at `now`: months are counted in UTC+8, and a day of the
    /// journal goes once all of it is old enough.
    pub(crate) fn since(self, now: UnixTime) -> UnixTime {
        let yesterday = now.minus(DAY).date();
        start_of(months_before(yesterday, self.months)).day_start()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T04:00:00Z.
    const NOW: UnixTime = UnixTime(1_795_406_400);
    /// 2026-05-22T00:00:00+08:00.
    const FIRST: UnixTime = UnixTime(1_779_379_200);

    #[test]
    fn six_calendar_months_and_a_day_are_kept_and_no_less_is_possible() {
        assert_eq!(NOW.date().to_string(), "2026-11-23");
        assert_eq!(FIRST.date().to_string(), "2026-05-22");
        let since = VisitsKept::default().since(NOW);
        assert!(since <= FIRST && FIRST.since(since) < DAY);
        assert_eq!(VisitsKept::months(5), None);
        assert_eq!(VisitsKept::months(6), Some(VisitsKept::default()));
        let longer = VisitsKept::months(12).unwrap().since(NOW);
        assert_eq!(longer.plus(DAY).date().to_string(), "2025-11-22");
    }

    #[test]
    fn a_visit_is_kept_for_its_months_whatever_day_it_is_of() {
        for days in 0..1_000 {
            let visit = NOW.plus(days * DAY);
            let kept_until = months_after(visit);
            assert!(
                VisitsKept::default().since(kept_until) <= visit.day_start(),
                "{}",
                visit.date()
            );
        }
    }

    /// The last moment of the six months and a day after a visit.
    fn months_after(visit: UnixTime) -> UnixTime {
        let mut until = visit;
        while months_before(until.date(), 6) <= visit.date() {
            until = until.plus(DAY);
        }
        until
    }
}
