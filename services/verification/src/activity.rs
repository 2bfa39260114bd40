//! What a holder reads of their own visits. Only their own handle derives the tags that are probed: nobody else's visits
//! can be found this way, nor can anybody find these.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_domain::calendar::{read_date, start_of};
use cyberid_domain::clock::DAY;
use cyberid_domain::id::{ClientId, SubjectId};
use cyberid_protocol::activity::{Activity, ActivityEvent, ActivityParty, ActivityVisit, MAX_DAYS};
use cyberid_protocol::visit::{self, VisitRecord};
use cyberid_storage::StorageError;

use crate::Verification;
use crate::happenings::happenings;
use crate::party;
use crate::refusal::Refusal;

/// How many days are read when the holder does not say which.
const DEFAULT_DAYS: u64 = 7;

/// Moments from a first one until before a last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    from: UnixTime,
    to: UnixTime,
}

impl Period {
    /// One day, or days from one to another, as `YYYY-MM-DD` in UTC+8; the last seven without either.
    pub(crate) fn named(
        day: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let (first, last) = match (day, from, to) {
            (Some(day), None, None) => (Some(date("day", day)?), Some(date("day", day)?)),
            (None, from, to) => (
                from.map(|from| date("from", from)).transpose()?,
                to.map(|to| date("to", to)).transpose()?,
            ),
            _ => return Err(Refusal::Member("day")),
        };
        let last = last.unwrap_or_else(|| start_of(now.date()));
        let first = first.unwrap_or_else(|| last.minus((DEFAULT_DAYS - 1) * DAY));
        let period = Self {
            from: first,
            to: last.plus(DAY),
        };
        let days = period.to.since(first) / DAY;
        let fits = first <= last && days <= u64::from(MAX_DAYS);
        fits.then_some(period).ok_or(Refusal::Member("from"))
    }

    /// From `from` until before `to`, however long.
    pub(crate) fn of(from: UnixTime, to: UnixTime) -> Self {
        Self { from, to }
    }

    fn has(&self, moment: UnixTime) -> bool {
        (self.from..self.to).contains(&moment)
    }

    /// The days of the journal, UTC, that it touches.
    fn days(&self) -> impl Iterator<Item = UnixTime> {
        let (first, to) = (self.from.day_start(), self.to);
        (0..)
            .map(move |day| first.plus(day * DAY))
            .take_while(move |day| *day < to)
    }
}

fn date(member: &'static str, text: &str) -> Result<UnixTime, Refusal> {
    read_date(text).map(start_of).ok_or(Refusal::Member(member))
}

impl Verification {
    /// What happened to the calling device's holder, the latest first.
    pub(crate) async fn activity(&self, device: &str, period: Period) -> Result<Activity, Refusal> {
        self.holders.spend(device, self.now())?;
        let holder = self.parts.subjects.holder(device).await?;
        let subject = holder.ok_or(Refusal::NotFound)?.subject;
        let visits = self.visits_in(&subject, period).await?;
        let events = self.events_in(&subject, period).await?;
        Ok(Activity { visits, events })
    }

    /// What happened beside visits, the latest first.
    async fn events_in(&self, subject: &SubjectId, period: Period) -> Result<Vec<ActivityEvent>, Refusal> {
        let held = self.parts.held.held_of(subject, self.now()).await?;
        let mut events = happenings(&held)?;
        events.retain(|event| period.has(event.time));
        events.sort_by_key(|event| std::cmp::Reverse(event.time));
        let mut names = BTreeMap::new();
        for party in events.iter_mut().filter_map(|event| event.rp.as_mut()) {
            party.name = self.name_of(&party.client_id, &mut names).await?;
        }
        Ok(events)
    }

    /// A person's visits, the latest first.
    pub(crate) async fn visits_in(
        &self,
        subject: &SubjectId,
        period: Period,
    ) -> Result<Vec<ActivityVisit>, Refusal> {
        let mut records = Vec::new();
        for day in period.days() {
            records.extend(self.visits_of(subject, day).await?);
        }
        records.retain(|record| period.has(record.time));
        records.sort_by_key(|record| std::cmp::Reverse(record.time));
        let mut names = BTreeMap::new();
        let mut visits = Vec::with_capacity(records.len());
        for record in records {
            let name = self.name_of(&record.rp, &mut names).await?;
            visits.push(shown(record, name));
        }
        Ok(visits)
    }

    /// A person's visits of a day, whichever journal key they were recorded under.
    async fn visits_of(&self, subject: &SubjectId, day: UnixTime) -> Result<Vec<VisitRecord>, Refusal> {
        let mut records = Vec::new();
        for key in self.parts.journal_key.all() {
            for tag in visit::tags(&*key, subject, day) {
                for sealed in self.parts.journal.visits(day, &tag).await? {
                    let record = visit::open(&*key, subject, day, &sealed);
                    records.push(record.map_err(|_| StorageError::Corrupt("visit"))?);
                }
            }
        }
        Ok(records)
    }

    /// The registered name, looked up once; nothing if no registration is kept.
    async fn name_of(
        &self,
        client_id: &ClientId,
        known: &mut BTreeMap<ClientId, Option<String>>,
    ) -> Result<Option<String>, Refusal> {
        if let Some(name) = known.get(client_id) {
            return Ok(name.clone());
        }
        let row = self
            .parts
            .relying_parties
            .relying_party(client_id, self.now())
            .await?;
        let registration = row.as_ref().map(party::read).transpose()?;
        let name = registration.map(|registration| registration.name);
        known.insert(client_id.clone(), name.clone());
        Ok(name)
    }
}

fn shown(record: VisitRecord, name: Option<String>) -> ActivityVisit {
    ActivityVisit {
        time: record.time,
        rp: ActivityParty {
            client_id: record.rp,
            name,
        },
        purpose: record.purpose,
        checks: record.checks,
        passed: record.passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T04:00:00Z.
    const NOW: UnixTime = UnixTime(1_795_406_400);
    /// 2026-11-23T00:00:00+08:00.
    const TODAY: UnixTime = UnixTime(1_795_363_200);

    #[test]
    fn a_period_is_a_day_or_some_and_the_last_seven_if_nobody_says() {
        let named = |day, from, to| Period::named(day, from, to, NOW).ok();
        let days = |first: u64, last: u64| {
            Some(Period {
                from: TODAY.minus(first * DAY),
                to: TODAY.minus(last * DAY).plus(DAY),
            })
        };
        assert_eq!(named(None, None, None), days(6, 0));
        assert_eq!(named(Some("2026-11-20"), None, None), days(3, 3));
        assert_eq!(named(None, Some("2026-11-20"), Some("2026-11-22")), days(3, 1));
        assert_eq!(named(None, None, Some("2026-11-22")), days(7, 1));
        assert_eq!(named(None, Some("2026-10-24"), None), days(30, 0));
        for (day, from, to) in [
            (None, Some("2026-10-23"), None),
            (None, Some("2026-11-22"), Some("2026-11-21")),
            (Some("2026-11-20"), Some("2026-11-20"), None),
            (Some("2026-11-31"), None, None),
            (Some("20261120"), None, None),
            (None, Some("x"), None),
            (None, None, Some("")),
        ] {
            assert_eq!(named(day, from, to), None);
        }
    }

    #[test]
    fn a_day_here_touches_two_of_the_journal() {
        let period = Period::named(Some("2026-11-23"), None, None, NOW);
        let days: Vec<UnixTime> = period.unwrap().days().collect();
        assert_eq!(days, [TODAY.day_start(), TODAY.day_start().plus(DAY)]);
    }
}
