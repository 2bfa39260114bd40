//! Where keys are made, sealed and opened.

use cyberid_crypto::key::random_scalar;
use cyberid_crypto::{AgreementKey, SigningKey, aead, base64url};
use cyberid_domain::rng::random;
use cyberid_domain::{Rng, UnixTime};
use zeroize::Zeroizing;

use crate::entry::{Entry, SealedHalf, State};
use crate::error::KeystoreError;
use crate::kdf::FileKeys;
use crate::material::Material;
use crate::note::Ed25519Key;
use crate::public::PublicHalf;
use crate::role::{Kind, RoleName};

/// What it takes to make, seal and open the keys of one file.
pub(crate) struct Forge<'a> {
    pub(crate) keys: &'a FileKeys,
    pub(crate) rng: &'a dyn Rng,
    pub(crate) now: UnixTime,
}

impl Forge<'_> {
    /// A new key of a role.
    pub(crate) fn make(&self, role: RoleName, state: State) -> Result<Entry, KeystoreError> {
        let secret = self.secret(role.kind());
        let public = public_half(role.kind(), &secret)?;
        let id = public.map_or_else(
            || base64url::encode(&random::<16>(self.rng)),
            |public| public.thumbprint(),
        );
        let entry = Entry {
            role,
            id,
            state,
            created: self.now,
            public,
            private: None,
        };
        Ok(self.seal(entry, &secret))
    }

    /// The same key in another state, its private half bound to it.
    pub(crate) fn restate(&self, entry: Entry, state: State) -> Result<Entry, KeystoreError> {
        let secret = open(&entry, self.keys)?;
        Ok(self.seal(Entry { state, ..entry }, &secret))
    }

    /// The same key, sealed under these keys instead of `old`.
    pub(crate) fn reseal(&self, entry: Entry, old: &FileKeys) -> Result<Entry, KeystoreError> {
        if entry.private.is_none() {
            return Ok(entry);
        }
        let secret = open(&entry, old)?;
        Ok(self.seal(entry, &secret))
    }

    fn seal(&self, entry: Entry, secret: &Zeroizing<[u8; 32]>) -> Entry {
        let nonce: [u8; aead::NONCE] = random(self.rng);
        let sealed = aead::encrypt(
            self.keys.wrap.expose(),
            nonce,
            &entry.associated_data(),
            secret.as_ref(),
        );
        let private = Some(SealedHalf {
            nonce: base64url::encode(&nonce),
            ciphertext: base64url::encode(&sealed),
        });
        Entry { private, ..entry }
    }

    fn secret(&self, kind: Kind) -> Zeroizing<[u8; 32]> {
        if matches!(kind, Kind::Signing | Kind::Agreement) {
            return random_scalar(|out| self.rng.fill(out));
        }
        let mut secret = Zeroizing::new([0; 32]);
        self.rng.fill(secret.as_mut());
        secret
    }
}

/// Opens the private half of an entry.
pub(crate) fn open(entry: &Entry, keys: &FileKeys) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let private = entry.private.as_ref().ok_or(KeystoreError::Corrupt)?;
    let nonce = base64url::decode_array(&private.nonce).ok_or(KeystoreError::Corrupt)?;
    let ciphertext = base64url::decode(&private.ciphertext).ok_or(KeystoreError::Corrupt)?;
    let opened = aead::decrypt(keys.wrap.expose(), nonce, &entry.associated_data(), &ciphertext)
        .map_err(|_| KeystoreError::Corrupt)?;
    let secret = opened.as_slice().try_into().map_err(|_| KeystoreError::Corrupt)?;
    Ok(Zeroizing::new(secret))
}

fn public_half(kind: Kind, secret: &Zeroizing<[u8; 32]>) -> Result<Option<PublicHalf>, KeystoreError> {
    Ok(match kind {
        Kind::Signing => SigningKey::load(secret)?.public_half(),
        Kind::Agreement => AgreementKey::load(secret)?.public_half(),
        Kind::Mac => None,
        Kind::Note => Ed25519Key::load(secret)?.public_half(),
    })
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;

    use super::*;
    use crate::kdf::{KdfCost, SALT};

    fn keys() -> FileKeys {
        FileKeys::derive(&SecretBytes::default(), KdfCost::INSECURE, &[0; SALT]).unwrap()
    }

    fn forge(keys: &FileKeys) -> Forge<'_> {
        Forge {
            keys,
            rng: &SystemRng,
            now: UnixTime(9),
        }
    }

    #[test]
    fn a_private_half_opens_as_its_own_key_in_its_own_state_only() {
        let keys = keys();
        let entry = forge(&keys).make(RoleName::Token, State::Retained).unwrap();
        assert!(open(&entry, &keys).is_ok());
        let altered: [fn(&mut Entry); 4] = [
            |entry| entry.role = RoleName::Pin,
            |entry| entry.id.push('A'),
            |entry| entry.state = State::Active,
            |entry| entry.created = UnixTime(10),
        ];
        for alter in altered {
            let mut altered = entry.clone();
            alter(&mut altered);
            assert_eq!(open(&altered, &keys).err(), Some(KeystoreError::Corrupt));
        }
    }

    #[test]
    fn swapped_private_halves_do_not_open() {
        let keys = keys();
        let mut one = forge(&keys).make(RoleName::Token, State::Active).unwrap();
        let mut two = forge(&keys).make(RoleName::Token, State::Active).unwrap();
        std::mem::swap(&mut one.private, &mut two.private);
        assert!(open(&one, &keys).is_err() && open(&two, &keys).is_err());
    }

    #[test]
    fn the_secret_stays_the_same_through_every_state() {
        let keys = keys();
        let forge = forge(&keys);
        let next = forge.make(RoleName::Message, State::Next).unwrap();
        let secret = open(&next, &keys).unwrap();
        let active = forge.restate(next.clone(), State::Active).unwrap();
        assert_eq!(open(&active, &keys).unwrap(), secret);
        assert!(active.private != next.private, "sealed anew, under a new nonce");
    }
}
