//! What a platform does beside answering: tidying up, bringing promised leaves to the log, changing the keys whose day
//! is over.

use std::sync::Arc;
use std::time::Duration;

use cyberid_consent::PlatformKey;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_issuance::Issuance;
use cyberid_keystore::{Keystore, State};
use tokio::time::MissedTickBehavior;

use super::services::Services;
use super::{Stop, turning};

/// How often the services tidy up.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// Works until told to stop.
pub(crate) async fn keep(services: Services, keystore: Arc<Keystore>, stop: Stop) {
    let following = tokio::spawn(turning::follow(Keystore::clone(&keystore), stop.clone()));
    let pushing = tokio::spawn(Arc::clone(&services.push).run(stop.told()));
    let asking = tokio::spawn(ask_source(Arc::clone(&services.issuance), stop.clone()));
    let mut told = Box::pin(stop.told());
    let mut every = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            () = &mut told => break,
            () = services.consent.promised() => warn_of("consent", services.consent.pump().await.map(drop)),
            _ = every.tick() => {
                warn_of("consent", services.consent.housekeep().await);
                warn_of("issuance", services.issuance.housekeep().await);
                warn_of("verification", services.verification.housekeep().await);
                warn_of("audit", services.audit.housekeep().await);
                warn_of("keystore", turning::turn(&keystore, SystemClock.now()));
                warn_of("consent", services.consent.record_keys(&keys_in_use(&keystore)).await);
            }
        }
    }
    // What panicked has nothing left to keep.
    let _ = (pushing.await, following.await, asking.await);
}

/// Asks the identity source what it has to tell. A task of its own: a slow source keeps nothing else waiting.
async fn ask_source(issuance: Arc<Issuance>, stop: Stop) {
    let mut told = Box::pin(stop.told());
    let mut every = tokio::time::interval(HOUSEKEEPING);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut told => break,
            _ = every.tick() => warn_of("source notices", issuance.take_notices().await.map(drop)),
        }
    }
}

/// The keys with a public half that are or were in use; one that was only made ahead is not.
pub(crate) fn keys_in_use(keystore: &Keystore) -> Vec<PlatformKey> {
    let keys = keystore.list().into_iter();
    keys.filter(|key| key.state != State::Next && key.public.is_some())
        .map(|key| PlatformKey {
            role: key.role.as_str().to_owned(),
            kid: key.id,
        })
        .collect()
}

pub(crate) fn warn_of<E: std::error::Error>(part: &'static str, tidied: Result<(), E>) {
    if let Err(error) = tidied {
        let cause = error.source().map(ToString::to_string);
        tracing::warn!(part, %error, cause, "housekeeping failed; it is tried again");
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;
    use cyberid_domain::clock::ManualClock;
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_keystore::{KdfCost, RoleName};

    use super::*;

    fn keystore(roles: &[RoleName]) -> (tempfile::TempDir, Arc<ManualClock>, Keystore) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(UnixTime(1_800_000_000)));
        let passphrase = SecretBytes::from("correct horse battery".to_owned());
        let keystore = Keystore::create(
            folder.path(),
            &passphrase,
            KdfCost::INSECURE,
            clock.clone(),
            Arc::new(SystemRng),
        )
        .unwrap();
        keystore.ensure(roles).unwrap();
        (folder, clock, keystore)
    }

    #[test]
    fn the_keys_in_use_are_known_by_their_public_halves_and_stay_known() {
        let (_folder, _, keystore) = keystore(&[RoleName::Message, RoleName::Event, RoleName::Token]);
        let first = keys_in_use(&keystore);
        let roles: Vec<_> = first.iter().map(|key| key.role.as_str()).collect();
        assert_eq!(roles, ["message", "event"]);
        keystore.prepare(RoleName::Event).unwrap();
        assert_eq!(
            keys_in_use(&keystore),
            first,
            "a key that was made ahead is not in use"
        );
        keystore.rotate(RoleName::Event).unwrap();
        let after = keys_in_use(&keystore);
        assert_eq!(after.len(), 3);
        assert!(first.iter().all(|key| after.contains(key)));
    }
}
