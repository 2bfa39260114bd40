//! Keys in time: those that change daily by themselves, and those that an administrator changes under a running process.

use std::time::Duration;

use cyberid_domain::UnixTime;
use cyberid_domain::clock::DAY;
use cyberid_keystore::{KeyInfo, Keystore, KeystoreError, RoleName, State};
use cyberid_protocol::{consent, key_certificate};

use super::Stop;

/// How often a process looks whether its keys were changed.
const LOOK: Duration = Duration::from_secs(1);

/// For how many seconds a next key is published before it is used: twice as long as our libraries keep a key set.
pub(crate) const ANNOUNCED: u64 = 600;

/// For how many seconds a key that messages are sealed to is the current one.
const MESSAGE_KEY_LIFE: u64 = DAY;

/// For how many seconds after that its private half still opens: the longest life of a message, a consent's.
const MESSAGE_KEY_GRACE: u64 = consent::MAX_LIFE;

/// For how many seconds an attestation key signs.
const ATTESTATION_KEY_LIFE: u64 = DAY;

/// How many seconds before that the next one is made and published.
const ATTESTATION_KEY_AHEAD: u64 = 3_600;

/// For how many seconds after it was made an attestation key is published; attestations live for minutes.
const ATTESTATION_KEY_KEPT: u64 = 8 * DAY;

/// Takes over what an administrator changes, until told to stop.
pub(crate) async fn follow(keystore: Keystore, stop: Stop) {
    let mut told = Box::pin(stop.told());
    let mut every = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = &mut told => return,
            _ = every.tick() => match keystore.refresh() {
                Ok(true) => tracing::info!("keys were changed, and the change was taken over"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the list of keys cannot be read; it is tried again"),
            },
        }
    }
}

/// Changes the keys whose day is over, and destroys those that have no work left.
pub(crate) fn turn(keystore: &Keystore, now: UnixTime) -> Result<(), KeystoreError> {
    turn_message_key(keystore, now)?;
    turn_attestation_key(keystore, now)
}

fn turn_message_key(keystore: &Keystore, now: UnixTime) -> Result<(), KeystoreError> {
    let keys = Keys::of(keystore, RoleName::Message);
    if keys
        .age(State::Active, now)
        .is_some_and(|age| age >= MESSAGE_KEY_LIFE)
    {
        keystore.rotate(RoleName::Message)?;
        tracing::info!("the key that messages are sealed to was changed");
    }
    keys.destroy_older(keystore, MESSAGE_KEY_LIFE + MESSAGE_KEY_GRACE, now)
}

fn turn_attestation_key(keystore: &Keystore, now: UnixTime) -> Result<(), KeystoreError> {
    const ROLE: RoleName = RoleName::Attestation;
    let keys = Keys::of(keystore, ROLE);
    let Some(age) = keys.age(State::Active, now) else {
        return Ok(());
    };
    let announced = keys.age(State::Next, now).is_some_and(|age| age >= ANNOUNCED);
    // Whose certificate is about to end, for the platform was down, does not wait.
    let overdue = age >= key_certificate::LIFE - ATTESTATION_KEY_AHEAD;
    if overdue || (age >= ATTESTATION_KEY_LIFE && announced) {
        keystore.rotate(ROLE)?;
        tracing::info!("the key that signs attestations was changed");
    } else if age >= ATTESTATION_KEY_LIFE - ATTESTATION_KEY_AHEAD {
        keystore.prepare(ROLE)?;
    }
    keys.destroy_older(keystore, ATTESTATION_KEY_KEPT, now)
}

/// The keys of one role.
struct Keys(Vec<KeyInfo>);

impl Keys {
    fn of(keystore: &Keystore, role: RoleName) -> Self {
        let keys = keystore.list().into_iter();
        Self(keys.filter(|key| key.role == role).collect())
    }

    fn in_state(&self, state: State) -> impl Iterator<Item = &KeyInfo> {
        self.0.iter().filter(move |key| key.state == state)
    }

    /// How many seconds ago the key in this state was made.
    fn age(&self, state: State, now: UnixTime) -> Option<u64> {
        self.in_state(state).map(|key| now.since(key.created)).min()
    }

    /// Destroys the retained keys that were made so many seconds ago or more.
    fn destroy_older(&self, keystore: &Keystore, age: u64, now: UnixTime) -> Result<(), KeystoreError> {
        self.in_state(State::Retained)
            .filter(|key| now.since(key.created) >= age)
            .try_for_each(|key| keystore.destroy(&key.id))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cyberid_domain::clock::{Clock as _, ManualClock};
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_keystore::{KdfCost, role};

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
    fn a_message_key_lives_a_day_opens_another_and_is_gone() {
        let (_folder, clock, keystore) = keystore(&[RoleName::Message]);
        let opener = keystore.opener::<role::Message>().unwrap();
        let first = opener.current().kid().to_owned();
        let days = |days: u64, more: u64| {
            clock.advance(days * DAY + more);
            turn(&keystore, clock.now()).unwrap();
        };
        days(0, DAY - 1);
        assert_eq!(opener.current().kid(), first);
        days(0, 1);
        assert_ne!(opener.current().kid(), first);
        assert!(
            opener.find(&first).is_some(),
            "what was sealed a moment ago still opens"
        );
        days(1, 0);
        turn(&keystore, clock.now()).unwrap();
        assert!(opener.find(&first).is_none());
    }

    #[test]
    fn an_attestation_key_is_announced_signs_for_a_day_and_is_known_for_a_week() {
        let (_folder, clock, keystore) = keystore(&[RoleName::Attestation, RoleName::AttestationRoot]);
        let signer = keystore.signer::<role::Attestation>().unwrap();
        let first = signer.current().kid().to_owned();
        let after = |seconds: u64| {
            clock.advance(seconds);
            turn(&keystore, clock.now()).unwrap();
        };
        let published = |id: &str| {
            let keys = keystore.public_signing_keys();
            keys.iter().any(|key| key.key.thumbprint() == id)
        };
        after(DAY - ATTESTATION_KEY_AHEAD - 1);
        assert_eq!(keystore.public_signing_keys().len(), 2, "it and the root");
        after(1);
        assert_eq!(
            keystore.public_signing_keys().len(),
            3,
            "the next one is published"
        );
        assert_eq!(signer.current().kid(), first);
        after(ATTESTATION_KEY_AHEAD - 1);
        assert_eq!(signer.current().kid(), first);
        after(1);
        let second = signer.current().kid().to_owned();
        assert_ne!(second, first);
        assert!(published(&first), "what it signed is still verified");
        // Down for longer than a certificate lives.
        after(4 * DAY);
        assert_ne!(signer.current().kid(), second);
        after(4 * DAY);
        turn(&keystore, clock.now()).unwrap();
        assert!(!published(&first));
    }

    #[test]
    fn a_key_that_was_not_announced_for_long_enough_is_not_used_at_its_hour() {
        let (_folder, clock, keystore) = keystore(&[RoleName::Attestation, RoleName::AttestationRoot]);
        let signer = keystore.signer::<role::Attestation>().unwrap();
        let first = signer.current().kid().to_owned();
        // Nothing ran until now.
        clock.advance(DAY + 1);
        turn(&keystore, clock.now()).unwrap();
        clock.advance(ANNOUNCED - 1);
        turn(&keystore, clock.now()).unwrap();
        assert_eq!(signer.current().kid(), first);
        clock.advance(1);
        turn(&keystore, clock.now()).unwrap();
        assert_ne!(signer.current().kid(), first);
    }
}
