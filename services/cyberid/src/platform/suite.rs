//! The suite of algorithms: said once, before the first key is made, and then every key around the platform is of it.

use cyberid_crypto::{PublicKey, Suite};
use cyberid_keystore::{Keystore, KeystoreError};
use serde::Deserialize;

use super::StartError;
use super::config::ConfigError;

/// What a platform is from its first start on.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlatformConfig {
    /// `nist` or `sm`; by default what the keys are of already, and `nist` where there are none.
    suite: Option<Suite>,
}

impl PlatformConfig {
    /// The suite that was asked for, at the command line or here.
    pub(crate) fn suite(self, said: Option<Suite>) -> Result<Option<Suite>, ConfigError> {
        if said.is_some() && self.suite.is_some() && said != self.suite {
            return Err(ConfigError::Unusable {
                member: "platform.suite",
                why: "`--suite` says another",
            });
        }
        Ok(said.or(self.suite))
    }
}

/// Accepts pinned keys of the suite that this process's own keys are of.
pub(crate) fn require<'a>(
    keystore: &Keystore,
    member: &'static str,
    keys: impl IntoIterator<Item = &'a PublicKey>,
) -> Result<(), StartError> {
    let own = suite_of(keystore)?;
    if keys.into_iter().all(|key| key.suite() == own) {
        return Ok(());
    }
    let why = "a key in it is of another suite than this platform runs";
    Err(ConfigError::Unusable { member, why }.into())
}

/// The suite that a keystore's keys are of.
pub(crate) fn suite_of(keystore: &Keystore) -> Result<Suite, KeystoreError> {
    keystore.settle_suite(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(text: &str) -> PlatformConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_suite_is_said_in_one_place_or_the_same_in_both() {
        let (silent, sm) = (configured(""), configured("suite = 'sm'"));
        assert_eq!(silent.suite(None), Ok(None));
        assert_eq!(silent.suite(Some(Suite::Sm)), Ok(Some(Suite::Sm)));
        assert_eq!(sm.suite(None), Ok(Some(Suite::Sm)));
        assert_eq!(sm.suite(Some(Suite::Sm)), Ok(Some(Suite::Sm)));
        assert!(sm.suite(Some(Suite::Nist)).is_err());
        assert!(toml::from_str::<PlatformConfig>("suite = 'SM2'").is_err());
    }
}
