//! Age tags: for each age not yet reached, a keyed tag of the day it is reached; and the daily matching of the days
//! since the last run. So the registry answers "over 18" without holding a birth date.

use cyberid_crypto::Mac as _;
use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::DAY;
use time::Date;

use crate::{EnrolmentError, Issuance, calendar};

/// A threshold and the tag of a day on which it is reached.
pub(crate) type AgeTag = (Threshold, [u8; 32]);

impl Issuance {
    /// The tags of the ages that a person born on `birth` reaches after `today`.
    pub(crate) fn age_tags(&self, birth: Date, today: Date) -> Vec<AgeTag> {
        Threshold::ALL
            .into_iter()
            .map(|threshold| (threshold, threshold.reached_on(birth)))
            .filter(|(_, reached)| *reached > today)
            .map(|(threshold, reached)| (threshold, self.age_tag(threshold, reached)))
            .collect()
    }

    /// Matches the tags of every day since the last matched one, each day in its own transaction: stopped half-way,
    /// it goes on where it stopped.
    pub(crate) async fn reach_ages(&self) -> Result<(), EnrolmentError> {
        let today = calendar::day_of(self.now());
        let last = self.parts.subjects.last_age_day().await?;
        let mut day = last.map_or(today, |last| last.plus(DAY));
        while day <= today {
            let reached = self.parts.subjects.reach_ages(&self.tags_of(day), day).await?;
            tracing::info!(reached, "matched the age tags of a day");
            day = day.plus(DAY);
        }
        Ok(())
    }

    /// The tags of a day, and of the day before once more, for those whose enrolment was committed just after
    /// midnight with the tags of just before.
    fn tags_of(&self, day: UnixTime) -> Vec<AgeTag> {
        [day.minus(DAY), day]
            .into_iter()
            .flat_map(|day| {
                let date = day.date();
                Threshold::ALL.map(|threshold| (threshold, self.age_tag(threshold, date)))
            })
            .collect()
    }

    fn age_tag(&self, threshold: Threshold, reached: Date) -> [u8; 32] {
        let date = calendar::write(reached);
        self.parts.age_key.mac(&[&[threshold.years()], date.as_bytes()])
    }
}
