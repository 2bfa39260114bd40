//! How the blind index treats people whose identifier ended.

use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::clock::DAY;
use cyberid_vault::Vault;
use serde::Deserialize;

use super::config::ConfigError;
use super::{Stop, upkeep};

/// For how many days nobody is enrolled anew when nobody says otherwise.
const COOLING_OFF_DAYS: u64 = 180;
/// The fewest and the most that may be said.
const LEAST_DAYS: u64 = 30;
const MOST_DAYS: u64 = 730;

/// How often the vault tidies up.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// How the blind index treats people whose identifier ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndexConfig {
    /// For how many days the person is not enrolled anew; 180 by default.
    cooling_off_days: Option<u64>,
}

impl IndexConfig {
    /// For how many seconds the person is not enrolled anew. Only in a sandbox may it be at once.
    pub(crate) fn cooling_off(self, sandbox: bool) -> Result<u64, ConfigError> {
        match self.cooling_off_days.unwrap_or(COOLING_OFF_DAYS) {
            0 if sandbox => Ok(0),
            days @ LEAST_DAYS..=MOST_DAYS => Ok(days * DAY),
            _ => Err(ConfigError::Unusable {
                member: "index.cooling_off_days",
                why: "between 30 and 730 days pass before a person whose identifier ended may have another",
            }),
        }
    }
}

/// Has the vault tidy up until it is told to stop.
pub(crate) async fn keep(vault: Arc<Vault>, stop: Stop) {
    let mut told = Box::pin(stop.told());
    let mut every = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            () = &mut told => return,
            _ = every.tick() => upkeep::warn_of("vault", vault.housekeep().await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_identifier_waits_for_a_month_at_least_and_for_two_years_at_most() {
        let days = |text: &str, sandbox| toml::from_str::<IndexConfig>(text).unwrap().cooling_off(sandbox);
        assert_eq!(days("", false), Ok(180 * DAY));
        assert_eq!(days("cooling_off_days = 30", false), Ok(30 * DAY));
        assert_eq!(days("cooling_off_days = 0", true), Ok(0));
        for wrong in [0, 29, 731] {
            assert!(
                days(&format!("cooling_off_days = {wrong}"), false).is_err(),
                "{wrong}"
            );
        }
    }
}
