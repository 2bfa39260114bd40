//! The transparency report: what everybody may know of what the platform does, counted from the log itself.

use std::collections::BTreeMap;

use cyberid_domain::UnixTime;
use cyberid_protocol::audit::TransparencyReport;
use cyberid_protocol::leaf::Leaf;
use tokio::sync::Mutex;

use crate::{Audit, AuditError};

/// For how many seconds a report is given again: counting is not for the asking.
pub(crate) const KEPT: u64 = 60;

/// How many leaves are read at once.
const PAGE: u32 = 1024;

/// How many leaves are counted ahead at a time.
const AHEAD: u64 = 32 * 1024;

/// The report as it was made last, and the leaves counted so far: each is counted once.
#[derive(Default)]
pub(crate) struct Reporting(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    leaves: u64,
    months: BTreeMap<String, BTreeMap<String, u64>>,
    report: Option<TransparencyReport>,
}

impl Audit {
    /// The report, at most a minute old.
    pub(crate) async fn report(&self) -> Result<TransparencyReport, AuditError> {
        let now = self.clock.now();
        let mut counted = self.reporting.0.lock().await;
        let checkpoint = self.reader.published().await?;
        let report = counted.report.as_ref();
        // The first witnessed checkpoint may be smaller than one that was counted before there were witnesses.
        let stays = |report: &&TransparencyReport| {
            now.since(report.time) < KEPT || checkpoint.size() < counted.leaves
        };
        if let Some(report) = report.filter(stays) {
            return Ok(report.clone());
        }
        self.count(&mut counted, checkpoint.size()).await?;
        let report = TransparencyReport {
            checkpoint: checkpoint.note().to_string(),
            kinds: totals(&counted.months),
            months: counted.months.clone(),
            relying_parties: self.standings(now).await?,
            over_asking: self
                .oversight
                .over_asking()
                .await?
                .iter()
                .map(|(_, times)| times)
                .sum(),
            overdue_erasures: self.overdue(now).await?,
            time: now,
        };
        counted.report = Some(report.clone());
        Ok(report)
    }

    /// Counts some leaves ahead of the next report, so that nobody waits for it.
    pub async fn housekeep(&self) -> Result<(), AuditError> {
        let mut counted = self.reporting.0.lock().await;
        let published = self.reader.published().await?.size();
        let size = published.min(counted.leaves.saturating_add(AHEAD));
        self.count(&mut counted, size).await
    }

    async fn count(&self, counted: &mut Counted, size: u64) -> Result<(), AuditError> {
        while counted.leaves < size {
            let left = u32::try_from(size - counted.leaves).map_or(PAGE, |left| left.min(PAGE));
            let page = self.store.leaves(counted.leaves, left).await?;
            if page.is_empty() {
                return Err(AuditError::Corrupt("leaf index"));
            }
            for leaf in page {
                let said = Leaf::from_text(&leaf.body).map_err(|_| AuditError::Corrupt("leaf"))?;
                let kinds = counted.months.entry(month(said.time)).or_default();
                *kinds.entry(said.kind.as_str().to_owned()).or_default() += 1;
                counted.leaves = leaf.index + 1;
            }
        }
        Ok(())
    }

    async fn standings(&self, now: UnixTime) -> Result<BTreeMap<String, u64>, AuditError> {
        let mut standings = BTreeMap::<String, u64>::new();
        let mut after = None;
        loop {
            let page = self.oversight.parties(after.as_ref(), PAGE, now).await?;
            for party in &page {
                *standings.entry(party.status.as_str().to_owned()).or_default() += 1;
            }
            match page.into_iter().last() {
                Some(last) => after = Some(last.client_id),
                None => return Ok(standings),
            }
        }
    }

    async fn overdue(&self, now: UnixTime) -> Result<u64, AuditError> {
        let owed = self.oversight.outstanding_erasures().await?;
        Ok(owed.iter().filter(|owed| owed.erase_by <= now).count() as u64)
    }
}

/// The calendar month of a moment, by China's legal time.
fn month(moment: UnixTime) -> String {
    let date = moment.date();
    format!("{:04}-{:02}", date.year(), u8::from(date.month()))
}

fn totals(months: &BTreeMap<String, BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    let mut totals = BTreeMap::<String, u64>::new();
    for (kind, count) in months.values().flatten() {
        *totals.entry(kind.clone()).or_default() += count;
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_of_chinas_legal_time() {
        assert_eq!(month(UnixTime(1_793_462_399)), "2026-10");
        assert_eq!(month(UnixTime(1_793_462_400)), "2026-11");
    }
}
