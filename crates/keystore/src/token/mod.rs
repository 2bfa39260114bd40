//! The machine of a PKCS#11 token (OASIS, v2.40; Ed25519 by v3.0): private halves are made in the token and stay there.
//!
//! Two kinds of key do not fit: those that work on every call of the hot path, which no token answers fast enough, and
//! those of a kind that the token does not know. They are drawn here, sealed by a key of the token (AES-256-GCM, bound
//! to role, id, state and time), and are in memory while the keystore is open. The list of keys is authenticated by
//! another key of the token, so that no state is changed without it.

mod error;
mod keys;
mod module;
mod operations;
mod sessions;

use std::collections::BTreeSet;
use std::sync::Arc;

use cyberid_crypto::aead::NONCE;
use cyberid_crypto::{Agree, PublicKey, Sign, base64url, digest, key::KeyFailure};
use cyberid_domain::Rng;
use cyberid_domain::rng::{SystemRng, random};
use zeroize::Zeroizing;

pub use error::TokenError;

use crate::entry::Inside;
use crate::error::KeystoreError;
use crate::machine::{Custody, Machine};
use crate::note::Ed25519Key;
use crate::public::PublicHalf;
use crate::role::{Kind, RoleName};
use crate::unlock::TokenAccess;
use keys::TokenKey;
use module::Place;
use operations::Pair;
use sessions::Sessions;

/// The key that authenticates the list of keys.
const LIST: &str = "list";
/// The key that seals private halves.
const SEAL: &str = "seal";

/// One keystore's part of a token.
pub(crate) struct TokenMachine {
    custody: Custody,
    sessions: Arc<Sessions>,
    knows_ed25519: bool,
}

impl TokenMachine {
    /// A new keystore's part: a label of its own, and the two keys that serve the list.
    pub(crate) fn begin(access: &TokenAccess, rng: &dyn Rng) -> Result<Arc<dyn Machine>, KeystoreError> {
        let machine = Self::reach(
            access,
            &format!("cyberid-{}", base64url::encode(&random::<9>(rng))),
        )?;
        machine.sessions.ask(|desk| {
            operations::make_secret(desk, LIST, false)?;
            operations::make_secret(desk, SEAL, true)
        })?;
        Ok(Arc::new(machine))
    }

    /// The part whose objects carry this label.
    pub(crate) fn of(access: &TokenAccess, objects: &str) -> Result<Arc<dyn Machine>, KeystoreError> {
        Ok(Arc::new(Self::reach(access, objects)?))
    }

    fn reach(access: &TokenAccess, objects: &str) -> Result<Self, TokenError> {
        let place = Place::find(&access.module, &access.label)?;
        Ok(Self {
            custody: Custody::Pkcs11 {
                objects: objects.to_owned(),
            },
            sessions: Arc::new(Sessions::start(&place, &access.pin, objects)?),
            knows_ed25519: place.knows_ed25519()?,
        })
    }

    fn mac(&self, purpose: &'static str, message: &[u8]) -> Result<[u8; 32], KeystoreError> {
        let message = [purpose.as_bytes(), &[0], &digest::sha256(message)].concat();
        Ok(self
            .sessions
            .ask(move |desk| operations::mac(desk, LIST, &message))?)
    }

    /// What a key of this role is in the token; nothing if it is in memory.
    fn pair(&self, role: RoleName) -> Option<Pair> {
        match role.kind() {
            Kind::Signing if !role.is_hot() => Some(Pair::Signing),
            Kind::Agreement if !role.is_hot() => Some(Pair::Agreement),
            Kind::Note if self.knows_ed25519 => Some(Pair::Note),
            _ => None,
        }
    }
}

impl Machine for TokenMachine {
    fn custody(&self) -> &Custody {
        &self.custody
    }

    fn verifier(&self) -> Result<[u8; 32], KeystoreError> {
        self.mac("cyberid-keystore/1 verifier", &[])
    }

    fn authenticate(&self, list: &[u8]) -> Result<[u8; 32], KeystoreError> {
        self.mac("cyberid-keystore/1 whole file", list)
    }

    fn seal(&self, nonce: [u8; NONCE], context: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, KeystoreError> {
        let (context, secret) = (context.to_vec(), Zeroizing::new(*secret));
        Ok(self
            .sessions
            .ask(move |desk| operations::seal(desk, SEAL, nonce, &context, secret.as_ref()))?)
    }

    fn unseal(
        &self,
        nonce: [u8; NONCE],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let (context, sealed) = (context.to_vec(), sealed.to_vec());
        let opened = self
            .sessions
            .ask(move |desk| operations::unseal(desk, SEAL, nonce, &context, &sealed))?;
        let secret = opened.as_slice().try_into().map_err(|_| KeystoreError::Corrupt)?;
        Ok(Zeroizing::new(secret))
    }

    fn make_inside(&self, role: RoleName) -> Result<Option<(Inside, PublicHalf)>, KeystoreError> {
        let Some(pair) = self.pair(role) else {
            return Ok(None);
        };
        // A name is no secret: it only has to be another one each time.
        let object = format!("{role}-{}", base64url::encode(&random::<12>(&SystemRng)));
        let id = object.clone();
        let public = self
            .sessions
            .ask(move |desk| operations::make_pair(desk, pair, &id))?;
        Ok(Some((Inside { object }, public_half(pair, &public)?)))
    }

    fn signing(&self, key: &Inside, public: PublicKey) -> Result<Arc<dyn Sign>, KeystoreError> {
        Ok(Arc::new(TokenKey::new(&self.sessions, &key.object, public)))
    }

    fn agreement(&self, key: &Inside, public: PublicKey) -> Result<Arc<dyn Agree>, KeystoreError> {
        Ok(Arc::new(TokenKey::new(&self.sessions, &key.object, public)))
    }

    fn note(&self, key: &Inside, public: [u8; 32]) -> Result<Arc<Ed25519Key>, KeystoreError> {
        let (sessions, object) = (Arc::clone(&self.sessions), key.object.clone());
        let sign = move |message: &[u8]| {
            let (object, message) = (object.clone(), message.to_vec());
            sessions
                .ask(move |desk| operations::sign_note(desk, &object, &message))
                .map_err(|_| KeyFailure)
        };
        Ok(Arc::new(Ed25519Key::elsewhere(public, Box::new(sign))))
    }

    fn sweep(&self, kept: &BTreeSet<&str>) -> Result<(), KeystoreError> {
        let kept: Vec<String> = kept.iter().map(|&id| id.to_owned()).collect();
        Ok(self.sessions.ask(move |desk| operations::sweep(desk, &kept))?)
    }
}

fn public_half(pair: Pair, public: &[u8]) -> Result<PublicHalf, TokenError> {
    let unfit = TokenError::Unfit("public key");
    match pair {
        Pair::Signing | Pair::Agreement => PublicKey::from_sec1(public)
            .map(PublicHalf::Point)
            .map_err(|_| unfit),
        Pair::Note => public.try_into().map(PublicHalf::Ed25519).map_err(|_| unfit),
    }
}
