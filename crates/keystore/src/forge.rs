//! Where keys are made, sealed and opened.

use cyberid_crypto::key::random_scalar_of;
use cyberid_crypto::{Agree, Sign, Suite, aead, base64url};
use cyberid_domain::rng::random;
use cyberid_domain::{Rng, UnixTime};
use zeroize::Zeroizing;

use crate::entry::{Entry, PrivateHalf, SealedHalf, State};
use crate::error::KeystoreError;
use crate::machine::Machine;
use crate::material::Material;
use crate::note::Ed25519Key;
use crate::public::PublicHalf;
use crate::role::{Kind, RoleName};

/// What it takes to make, seal and open the keys of one list.
pub(crate) struct Forge<'a> {
    pub(crate) machine: &'a dyn Machine,
    pub(crate) suite: Suite,
    pub(crate) rng: &'a dyn Rng,
    pub(crate) now: UnixTime,
}

impl Forge<'_> {
    /// A new key of a role: inside the machine where it takes keys of the role, else drawn here and sealed by it. No
    /// machine has keys of the SM suite inside.
    pub(crate) fn make(&self, role: RoleName, state: State) -> Result<Entry, KeystoreError> {
        let takes = self.suite == Suite::Nist || role.kind() == Kind::Note;
        if takes && let Some((inside, public)) = self.machine.make_inside(role)? {
            let private = Some(PrivateHalf::Inside(inside));
            return Ok(self.entry(role, state, Some(public), private));
        }
        let secret = self.secret(role.kind())?;
        let public = public_half(self.suite, role.kind(), &secret)?;
        self.seal(self.entry(role, state, public, None), &secret)
    }

    fn entry(
        &self,
        role: RoleName,
        state: State,
        public: Option<PublicHalf>,
        private: Option<PrivateHalf>,
    ) -> Entry {
        let id = public.map_or_else(
            || base64url::encode(&random::<16>(self.rng)),
            |public| public.thumbprint(),
        );
        Entry {
            role,
            id,
            state,
            created: self.now,
            suite: self.suite,
            public,
            certificate: None,
            private,
        }
    }

    /// The same key in another state, a sealed private half bound to it.
    pub(crate) fn restate(&self, entry: Entry, state: State) -> Result<Entry, KeystoreError> {
        if entry.object().is_some() {
            return Ok(Entry { state, ..entry });
        }
        let secret = open(&entry, self.machine)?;
        self.seal(Entry { state, ..entry }, &secret)
    }

    /// The same key, sealed by this machine instead of `old`.
    pub(crate) fn reseal(&self, entry: Entry, old: &dyn Machine) -> Result<Entry, KeystoreError> {
        if entry.private.is_none() {
            return Ok(entry);
        }
        let secret = open(&entry, old)?;
        self.seal(entry, &secret)
    }

    fn seal(&self, entry: Entry, secret: &Zeroizing<[u8; 32]>) -> Result<Entry, KeystoreError> {
        let nonce: [u8; aead::NONCE] = random(self.rng);
        let sealed = self.machine.seal(nonce, &entry.associated_data(), secret)?;
        let private = Some(PrivateHalf::Sealed(SealedHalf {
            nonce: base64url::encode(&nonce),
            ciphertext: base64url::encode(&sealed),
        }));
        Ok(Entry { private, ..entry })
    }

    fn secret(&self, kind: Kind) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        if matches!(kind, Kind::Signing | Kind::Agreement) {
            return Ok(random_scalar_of(self.suite, |out| self.rng.fill(out))?);
        }
        let mut secret = Zeroizing::new([0; 32]);
        self.rng.fill(secret.as_mut());
        Ok(secret)
    }
}

/// Opens the sealed private half of an entry.
pub(crate) fn open(entry: &Entry, machine: &dyn Machine) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let Some(PrivateHalf::Sealed(private)) = &entry.private else {
        return Err(KeystoreError::Corrupt);
    };
    let nonce = base64url::decode_array(&private.nonce).ok_or(KeystoreError::Corrupt)?;
    let ciphertext = base64url::decode(&private.ciphertext).ok_or(KeystoreError::Corrupt)?;
    machine.unseal(nonce, &entry.associated_data(), &ciphertext)
}

fn public_half(
    suite: Suite,
    kind: Kind,
    secret: &Zeroizing<[u8; 32]>,
) -> Result<Option<PublicHalf>, KeystoreError> {
    Ok(match kind {
        Kind::Signing => <dyn Sign>::in_memory(suite, secret)?.public_half(),
        Kind::Agreement => <dyn Agree>::in_memory(suite, secret)?.public_half(),
        Kind::Mac => None,
        Kind::Note => Ed25519Key::in_memory(suite, secret)?.public_half(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;

    use super::*;
    use crate::kdf::{KdfCost, SALT};
    use crate::sealed::SealedMachine;

    fn keys() -> Arc<dyn Machine> {
        SealedMachine::derive(&SecretBytes::default(), KdfCost::INSECURE, [0; SALT]).unwrap()
    }

    fn forge(machine: &Arc<dyn Machine>) -> Forge<'_> {
        Forge {
            suite: Suite::Nist,
            machine: &**machine,
            rng: &SystemRng,
            now: UnixTime(9),
        }
    }

    #[test]
    fn a_private_half_opens_as_its_own_key_in_its_own_state_only() {
        let keys = keys();
        let entry = forge(&keys).make(RoleName::Token, State::Retained).unwrap();
        assert!(open(&entry, &*keys).is_ok());
        let altered: [fn(&mut Entry); 4] = [
            |entry| entry.role = RoleName::Pin,
            |entry| entry.id.push('A'),
            |entry| entry.state = State::Active,
            |entry| entry.created = UnixTime(10),
        ];
        for alter in altered {
            let mut altered = entry.clone();
            alter(&mut altered);
            assert_eq!(open(&altered, &*keys).err(), Some(KeystoreError::Corrupt));
        }
    }

    #[test]
    fn swapped_private_halves_do_not_open() {
        let keys = keys();
        let mut one = forge(&keys).make(RoleName::Token, State::Active).unwrap();
        let mut two = forge(&keys).make(RoleName::Token, State::Active).unwrap();
        std::mem::swap(&mut one.private, &mut two.private);
        assert!(open(&one, &*keys).is_err() && open(&two, &*keys).is_err());
    }

    #[test]
    fn the_secret_stays_the_same_through_every_state() {
        let keys = keys();
        let forge = forge(&keys);
        let next = forge.make(RoleName::Message, State::Next).unwrap();
        let secret = open(&next, &*keys).unwrap();
        let active = forge.restate(next.clone(), State::Active).unwrap();
        assert_eq!(open(&active, &*keys).unwrap(), secret);
        assert!(active.private != next.private, "sealed anew, under a new nonce");
    }
}
