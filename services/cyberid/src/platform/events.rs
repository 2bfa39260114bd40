//! Pushing events to relying parties: its configuration, and how verification tells of what is over.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::{ClientId, VerificationId};
use cyberid_domain::rng::SystemRng;
use cyberid_event_push::{FixedHosts, Parts, Push, Reach, Sender, Settings};
use cyberid_keystore::role;
use cyberid_protocol::event::Concluded;
use cyberid_verification::Announce;
use serde::Deserialize;

use super::StartError;
use super::config::ConfigError;
use super::start::Start;
use super::stores::PlatformStores;

/// Where calls to relying parties may go, and whom they trust.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsConfig {
    /// Calls may leave for private addresses, too: in a sandbox only.
    #[serde(default)]
    pub(crate) allow_private: bool,
    /// A certification authority (PEM) that is trusted beside those of the operating system.
    pub(crate) ca: Option<PathBuf>,
    /// Addresses of hosts that are not to be looked up: in a sandbox only.
    #[serde(default)]
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
}

impl EventsConfig {
    /// Where calls may go. A platform that calls private addresses could be made to call its neighbours.
    fn reach(&self, sandbox: bool) -> Result<Reach, ConfigError> {
        let unusable = |member, why| Err(ConfigError::Unusable { member, why });
        match (self.allow_private, sandbox) {
            (true, false) => unusable(
                "events.allow_private",
                "only a sandbox may call private addresses",
            ),
            (true, true) => Ok(Reach::Anywhere),
            (false, false) if !self.hosts.is_empty() => {
                unusable("events.hosts", "only a sandbox may make up addresses")
            }
            (false, _) => Ok(Reach::Public),
        }
    }
}

/// Pushing, on these stores.
pub(crate) fn push(start: &Start<'_>, stores: &PlatformStores) -> Result<Arc<Push>, StartError> {
    let config = &start.options.file.events;
    let reach = config.reach(start.options.sandbox.is_some())?;
    let ca = config.ca.as_ref().map(std::fs::read).transpose();
    let settings = Settings {
        reach,
        lookup: Arc::new(FixedHosts(config.hosts.clone())),
        ca: ca.map_err(|error| StartError::other("`events.ca` cannot be read")(error.into()))?,
        total: None,
    };
    let sender = Sender::new(settings);
    Ok(Push::new(Parts {
        issuer: start.door.issuer.clone(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        events: stores.registry.clone(),
        pushes: stores.registry.clone(),
        relying_parties: stores.registry.clone(),
        event_key: start.keystore.signer::<role::Event>()?,
        sender: sender.map_err(|error| StartError::other("events cannot be pushed")(error.into()))?,
    }))
}

/// Verification's word to those who push.
pub(crate) struct Teller(pub(crate) Arc<Push>);

impl Announce for Teller {
    fn asked(&self, client_id: &ClientId, id: &VerificationId, expires_at: UnixTime) {
        self.0.asked(client_id, id, expires_at);
    }

    fn concluded(&self, client_id: &ClientId, id: &VerificationId, how: Concluded) {
        self.0.concluded(client_id, id, how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sandbox_calls_private_addresses() {
        let reach = |text: &str, sandbox| toml::from_str::<EventsConfig>(text).unwrap().reach(sandbox).ok();
        assert_eq!(reach("", false), Some(Reach::Public));
        assert_eq!(
            reach("", true),
            Some(Reach::Public),
            "nor does one that does not say so"
        );
        assert_eq!(reach("allow_private = true", true), Some(Reach::Anywhere));
        assert_eq!(reach("allow_private = true", false), None);
        let hosts = "hosts = {'isp.example' = ['10.0.0.1']}";
        assert_eq!(reach(hosts, false), None);
        assert_eq!(
            reach(hosts, true),
            Some(Reach::Public),
            "they are checked as others are"
        );
        assert!(toml::from_str::<EventsConfig>("allow_privat = true").is_err());
    }
}
