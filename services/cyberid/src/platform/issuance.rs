//! How issuance treats new devices, and those who guess.

use cyberid_domain::age::Threshold;
use cyberid_issuance::RefusalLimits;
use serde::Deserialize;

use super::config::ConfigError;

/// For how many hours a new device waits when nobody says otherwise.
const COOLING_OFF_HOURS: u64 = 72;

/// The longest that a new device may wait.
const MAX_COOLING_OFF_HOURS: u64 = 30 * 24;

/// How issuance treats new devices, and those who guess.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuanceConfig {
    /// For how many hours a device beside the first releases no plaintext; 72 by default. Vault and custodian each follow
    /// their own configuration.
    pub(crate) device_cooling_off_hours: Option<u64>,
    /// How many enrolments from one address may be refused within an hour; 100 by default.
    pub(crate) refusals_of_one_caller: Option<u32>,
    /// How many may be refused within an hour in all; 10,000 by default.
    pub(crate) refusals_of_all: Option<u32>,
    /// Up to which age nobody enrols without a guardian; 18 by default, 14 at least, as law asks.
    pub(crate) guardian_until: Option<u8>,
}

impl IssuanceConfig {
    /// For how many seconds a new device waits. Only in a sandbox that nobody else reaches does it not wait at all.
    pub(crate) fn device_cooling_off(self, lone_sandbox: bool) -> Result<u64, ConfigError> {
        let unusable = |why| {
            Err(ConfigError::Unusable {
                member: "issuance.device_cooling_off_hours",
                why,
            })
        };
        match self.device_cooling_off_hours.unwrap_or(COOLING_OFF_HOURS) {
            0 if !lone_sandbox => unusable(
                "only in a sandbox on loopback may a new device release at once: a thief's would, too",
            ),
            hours @ ..=MAX_COOLING_OFF_HOURS => Ok(hours * 3_600),
            _ => unusable("a new device does not wait for longer than 30 days"),
        }
    }

    /// Up to which age nobody enrols without a guardian.
    pub(crate) fn guardian_until(self) -> Result<Threshold, ConfigError> {
        match self.guardian_until.unwrap_or(18) {
            14 => Ok(Threshold::Fourteen),
            18 => Ok(Threshold::Eighteen),
            _ => Err(ConfigError::Unusable {
                member: "issuance.guardian_until",
                why: "law asks for a guardian under 14, and for their care up to 18",
            }),
        }
    }

    /// How often enrolments may be refused. Behind a proxy everybody comes from where the proxy is, so that callers are not
    /// told apart.
    pub(crate) fn refusal_limits(self, behind_proxy: bool) -> RefusalLimits {
        let default = RefusalLimits::default();
        RefusalLimits {
            of_one_caller: self.refusals_of_one_caller.unwrap_or(default.of_one_caller),
            of_all: self.refusals_of_all.unwrap_or(default.of_all),
            callers_are_told_apart: !behind_proxy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guardian_is_needed_until_18_or_14_and_never_less() {
        let until = |guardian_until| IssuanceConfig {
            guardian_until,
            ..IssuanceConfig::default()
        };
        assert_eq!(until(None).guardian_until(), Ok(Threshold::Eighteen));
        assert_eq!(until(Some(14)).guardian_until(), Ok(Threshold::Fourteen));
        for other in [0, 13, 16, 21] {
            assert!(until(Some(other)).guardian_until().is_err(), "{other}");
        }
    }

    #[test]
    fn a_new_device_waits_everywhere_but_in_a_sandbox_on_loopback_that_says_so() {
        let hours = |device_cooling_off_hours| IssuanceConfig {
            device_cooling_off_hours,
            ..IssuanceConfig::default()
        };
        assert_eq!(hours(None).device_cooling_off(true), Ok(72 * 3_600));
        assert_eq!(hours(None).device_cooling_off(false), Ok(72 * 3_600));
        assert_eq!(hours(Some(0)).device_cooling_off(true), Ok(0));
        assert!(hours(Some(0)).device_cooling_off(false).is_err());
        assert_eq!(hours(Some(1)).device_cooling_off(false), Ok(3_600));
        assert!(hours(Some(721)).device_cooling_off(true).is_err());
    }
}
