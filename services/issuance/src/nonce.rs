//! Key-proof nonces: given out without keeping anything, taken once.
//!
//! A nonce is `time || chance || MAC`, so that giving one out costs no store, and a flood of requests fills none (T10);
//! what was used is kept for as long as it could be used again (T14).

use cyberid_crypto::{Mac as _, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::id::{InvalidId, Nonce};
use cyberid_domain::rng::random;
use cyberid_storage::single_use::SingleUse;

use crate::{EnrolmentError, Issuance};

/// The life of a nonce in seconds.
pub(crate) const LIFE: u64 = 300;

const LABEL: &[u8] = b"cyberid/v1/key-proof-nonce";
const CHANCE: usize = 16;
const TAG: usize = 24;

impl Issuance {
    /// A fresh nonce.
    pub(crate) fn make_nonce(&self) -> Result<Nonce, InvalidId> {
        let time = self.now().0.to_be_bytes();
        let chance: [u8; CHANCE] = random(&*self.parts.rng);
        let tag = self.nonce_tag(time, chance);
        base64url::encode(&[time.as_slice(), &chance, &tag].concat()).parse()
    }

    /// Takes a nonce that this platform gave out at most [`LIFE`] seconds ago and that nobody has used.
    pub(crate) async fn take_nonce(&self, nonce: &Nonce) -> Result<(), EnrolmentError> {
        let forget_at = self.nonce_end(nonce).ok_or(EnrolmentError::UnknownNonce)?;
        let digest = digest::sha256(&[LABEL, nonce.as_str().as_bytes()].concat());
        let thing = SingleUse { digest, forget_at };
        if self.parts.single_uses.use_once(&thing).await? {
            Ok(())
        } else {
            Err(EnrolmentError::UnknownNonce)
        }
    }

    /// When a nonce ends that can be used now.
    fn nonce_end(&self, nonce: &Nonce) -> Option<UnixTime> {
        let bytes: [u8; 8 + CHANCE + TAG] = base64url::decode_array(nonce.as_str())?;
        let (time, rest) = bytes.split_first_chunk()?;
        let (chance, tag) = rest.split_first_chunk()?;
        if !digest::equal(tag, &self.nonce_tag(*time, *chance)) {
            return None;
        }
        let (made, now) = (UnixTime(u64::from_be_bytes(*time)), self.now());
        (made <= now && now < made.plus(LIFE)).then(|| made.plus(LIFE))
    }

    fn nonce_tag(&self, time: [u8; 8], chance: [u8; CHANCE]) -> [u8; TAG] {
        let [tag @ .., _, _, _, _, _, _, _, _] = self.parts.token_key.mac(&[LABEL, &time, &chance]);
        tag
    }
}
