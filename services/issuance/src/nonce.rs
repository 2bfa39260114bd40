//! Key-proof nonces: given out without keeping anything, taken once.
//!
//! A nonce is `time || chance || MAC`, so that giving one out costs no store, and a flood of requests fills none (T10).
//! What was used is in memory for as long as it could be used again; of what an earlier process gave out nothing is taken,
//! because nobody knows any more what of it was used (T14). Whoever has such a one asks for another.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use cyberid_crypto::{Mac as _, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::id::{InvalidId, Nonce};
use cyberid_domain::rng::{Rng, random};

use crate::{EnrolmentError, Issuance};

/// The life of a nonce in seconds.
pub(crate) const LIFE: u64 = 300;

const LABEL: &[u8] = b"cyberid/v1/key-proof-nonce";
const CHANCE: usize = 16;
const TAG: usize = 24;

/// How many used nonces are remembered at once: beyond that none is taken until the oldest have ended.
const MOST: usize = 1_000_000;

/// When it was made, and its chance.
type Made = (UnixTime, [u8; CHANCE]);

/// The nonces of this process.
pub(crate) struct Nonces {
    /// In the MAC of each: another process gives out others.
    process: [u8; 32],
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    nonces: BTreeSet<Made>,
    /// Those made up to here are forgotten, and taken no more if the clock is set back.
    forgotten: Option<UnixTime>,
}

impl Nonces {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        Self {
            process: random(rng),
            used: Mutex::default(),
        }
    }

    /// Uses a nonce up, if nobody has.
    fn use_up(&self, nonce: Made, now: UnixTime) -> Result<(), EnrolmentError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.take(nonce, now, MOST)
    }

    /// How many are remembered as used.
    #[cfg(test)]
    pub(crate) fn used(&self) -> usize {
        self.used.lock().unwrap().nonces.len()
    }
}

impl Used {
    fn take(&mut self, nonce: Made, now: UnixTime, most: usize) -> Result<(), EnrolmentError> {
        while let Some((made, _)) = self.nonces.first().filter(|(made, _)| made.plus(LIFE) <= now) {
            self.forgotten = Some(*made);
            self.nonces.pop_first();
        }
        if Some(nonce.0) <= self.forgotten || self.nonces.contains(&nonce) {
            return Err(EnrolmentError::UnknownNonce);
        }
        if self.nonces.len() >= most {
            return Err(EnrolmentError::NoncesFull);
        }
        self.nonces.insert(nonce);
        Ok(())
    }
}

impl Issuance {
    /// A fresh nonce.
    pub(crate) fn make_nonce(&self) -> Result<Nonce, InvalidId> {
        let time = self.now().0.to_be_bytes();
        let chance: [u8; CHANCE] = random(&*self.parts.rng);
        let tag = self.nonce_tag(time, chance);
        base64url::encode(&[time.as_slice(), &chance, &tag].concat()).parse()
    }

    /// Takes a nonce that this process gave out at most [`LIFE`] seconds ago and that nobody has used.
    pub(crate) fn take_nonce(&self, nonce: &Nonce) -> Result<(), EnrolmentError> {
        let now = self.now();
        let made = self.made(nonce).ok_or(EnrolmentError::UnknownNonce)?;
        let lives = made.0 <= now && now < made.0.plus(LIFE);
        if !lives {
            return Err(EnrolmentError::UnknownNonce);
        }
        self.nonces.use_up(made, now)
    }

    /// When a nonce was made here, with its chance.
    fn made(&self, nonce: &Nonce) -> Option<Made> {
        let bytes: [u8; 8 + CHANCE + TAG] = base64url::decode_array(nonce.as_str())?;
        let (time, rest) = bytes.split_first_chunk()?;
        let (chance, tag) = rest.split_first_chunk()?;
        let is_ours = digest::equal(tag, &self.nonce_tag(*time, *chance));
        is_ours.then_some((UnixTime(u64::from_be_bytes(*time)), *chance))
    }

    fn nonce_tag(&self, time: [u8; 8], chance: [u8; CHANCE]) -> [u8; TAG] {
        let parts: [&[u8]; 4] = [LABEL, &self.nonces.process, &time, &chance];
        let [tag @ .., _, _, _, _, _, _, _, _] = self.parts.token_key.mac(&parts);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(used: &mut Used, nonce: Made, now: u64) -> bool {
        used.take(nonce, UnixTime(now), 2).is_ok()
    }

    #[test]
    fn what_was_forgotten_is_taken_no_more_by_a_clock_that_is_set_back() {
        let mut used = Used::default();
        let (early, late) = ((UnixTime(1_000), [1; CHANCE]), (UnixTime(1_300), [2; CHANCE]));
        assert!(take(&mut used, early, 1_000));
        assert!(!take(&mut used, early, 1_000));
        assert!(take(&mut used, late, 1_300));
        assert_eq!(used.nonces.len(), 1);
        assert!(!take(&mut used, early, 1_000));
        assert!(take(&mut used, (UnixTime(1_001), [3; CHANCE]), 1_001));
    }

    #[test]
    fn a_full_memory_is_no_fault_of_the_nonces() {
        let mut used = Used::default();
        let nonces = [1, 2, 3].map(|byte| (UnixTime(1_000), [byte; CHANCE]));
        assert!(take(&mut used, nonces[0], 1_000) && take(&mut used, nonces[1], 1_000));
        let full = used.take(nonces[2], UnixTime(1_000), 2);
        assert!(matches!(full, Err(EnrolmentError::NoncesFull)));
        let known = used.take(nonces[1], UnixTime(1_000), 2);
        assert!(matches!(known, Err(EnrolmentError::UnknownNonce)));
        let later = (UnixTime(1_300), [4; CHANCE]);
        assert!(take(&mut used, later, 1_300), "there is room again");
    }
}
