//! Argon2id (RFC 9106), then HMAC under the pepper.

use std::sync::Arc;

use argon2::Params;
use cyberid_crypto::{Mac, digest};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::{Rng, random};
use cyberid_storage::subject::HashedPin;

use crate::work::{Job, Work};

/// What the pepper's HMAC over an Argon2id output is for.
const LABEL: &[u8] = b"cyberid/v1/pin";

/// What the pepper's HMAC in the decoy is for: no PIN hashes to it.
const DECOY_LABEL: &[u8] = b"cyberid/v1/pin-decoy";

/// The most memory in KiB that a stored hash may ask for, so that an edited table cannot exhaust a node.
const MOST_MEMORY_KIB: u32 = 256 * 1024;

/// The most passes that a stored hash may ask for.
const MOST_PASSES: u32 = 16;

/// How much work one hash is; one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Default for PinCost {
    /// RFC 9106, section 4, the second recommended option: 64 MiB, three passes; in one lane, because a core does one hash.
    fn default() -> Self {
        Self {
            memory_kib: 65_536,
            passes: 3,
        }
    }
}

impl PinCost {
    fn of(hashed: &HashedPin) -> Self {
        Self {
            memory_kib: hashed.memory_kib,
            passes: hashed.passes,
        }
    }

    fn params(self) -> Result<Params, HashingFailed> {
        if self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES {
            return Err(HashingFailed);
        }
        Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|_| HashingFailed)
    }
}

/// A hash could not be computed: a cost that Argon2id or this crate does not take, or the process is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the PIN could not be hashed")]
pub struct HashingFailed;

/// Hashes and checks PINs. At most a set number of hashes run at once; the others wait.
#[derive(Clone)]
pub struct PinHasher {
    pepper: Arc<dyn Mac>,
    cost: PinCost,
    work: Arc<Work>,
}

impl PinHasher {
    /// A hasher under `pepper`. `at_once` is how many hashes run at once: the number of cores.
    pub fn new(pepper: Arc<dyn Mac>, cost: PinCost, at_once: usize) -> Self {
        Self {
            pepper,
            cost,
            work: Work::of(at_once),
        }
    }

    /// The hash of a PIN under a fresh salt.
    pub async fn hash(&self, pin: &Pin, rng: &dyn Rng) -> Result<HashedPin, HashingFailed> {
        let salt = random(rng);
        let tag = self.tag(pin, salt, self.cost).await?;
        Ok(self.hashed(salt, tag))
    }

    /// Whether `pin` is the hashed one. A hash that cannot be computed is no match.
    pub async fn check(&self, pin: &Pin, hashed: &HashedPin) -> bool {
        self.tag(pin, hashed.salt, PinCost::of(hashed))
            .await
            .is_ok_and(|tag| digest::equal(&tag, &hashed.tag))
    }

    /// A hash that no PIN matches: to check where there is no person, with the same work (T16).
    pub fn decoy(&self) -> HashedPin {
        self.hashed([0; 16], self.pepper.mac(&[DECOY_LABEL]))
    }

    fn hashed(&self, salt: [u8; 16], tag: [u8; 32]) -> HashedPin {
        HashedPin {
            salt,
            memory_kib: self.cost.memory_kib,
            passes: self.cost.passes,
            tag,
        }
    }

    async fn tag(&self, pin: &Pin, salt: [u8; 16], cost: PinCost) -> Result<[u8; 32], HashingFailed> {
        let job = Job {
            pin: pin.clone(),
            salt,
            params: cost.params()?,
        };
        let output = self.work.hash(job).await?;
        let (memory, passes) = (cost.memory_kib.to_be_bytes(), cost.passes.to_be_bytes());
        Ok(self
            .pepper
            .mac(&[LABEL, &salt, &memory, &passes, output.as_ref()]))
    }
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::MacKey;
    use cyberid_domain::rng::SystemRng;
    use zeroize::Zeroizing;

    use super::*;
    use crate::work::Memory;

    const QUICK: PinCost = PinCost {
        memory_kib: 64,
        passes: 1,
    };

    fn pepper(byte: u8) -> Arc<dyn Mac> {
        Arc::new(MacKey::new(Zeroizing::new([byte; 32])))
    }

    fn hasher() -> PinHasher {
        PinHasher::new(pepper(1), QUICK, 2)
    }

    fn pin(text: &str) -> Pin {
        Pin::entered(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn the_pin_matches_and_no_other_does() {
        let hashed = hasher().hash(&pin("31415926"), &SystemRng).await.unwrap();
        assert!(hasher().check(&pin("31415926"), &hashed).await);
        assert!(!hasher().check(&pin("31415927"), &hashed).await);
    }

    #[tokio::test]
    async fn the_default_cost_is_that_of_rfc_9106() {
        let usual = PinHasher::new(pepper(1), PinCost::default(), 1);
        let hashed = usual.hash(&pin("31415926"), &SystemRng).await.unwrap();
        assert_eq!((hashed.memory_kib, hashed.passes), (65_536, 3));
        assert!(usual.check(&pin("31415926"), &hashed).await);
    }

    /// T4: the thief of the table, who knows the PIN and all of our code, but not the pepper.
    #[tokio::test]
    async fn a_stolen_table_without_the_pepper_verifies_nothing() {
        let hashed = hasher().hash(&pin("31415926"), &SystemRng).await.unwrap();
        let thief = PinHasher::new(pepper(2), QUICK, 2);
        assert!(!thief.check(&pin("31415926"), &hashed).await);
        let output = argon2id(hashed.salt, QUICK);
        assert_ne!(*output, hashed.tag);
    }

    #[tokio::test]
    async fn equal_pins_have_unequal_hashes() {
        let first = hasher().hash(&pin("31415926"), &SystemRng).await.unwrap();
        let second = hasher().hash(&pin("31415926"), &SystemRng).await.unwrap();
        assert_ne!(first.salt, second.salt);
        assert_ne!(first.tag, second.tag);
    }

    #[tokio::test]
    async fn the_decoy_costs_the_same_and_matches_nothing() {
        let decoy = hasher().decoy();
        assert_eq!(PinCost::of(&decoy), QUICK);
        assert!(!hasher().check(&pin("00000000"), &decoy).await);
        assert!(!hasher().check(&pin("31415926"), &decoy).await);
    }

    #[tokio::test]
    async fn an_edited_cost_matches_nothing_and_exhausts_nothing() {
        let hashed = hasher().hash(&pin("31415926"), &SystemRng).await.unwrap();
        for (memory_kib, passes) in [(u32::MAX, 1), (0, 1), (64, 0), (64, u32::MAX), (64, 2), (128, 1)] {
            let edited = HashedPin {
                memory_kib,
                passes,
                ..hashed.clone()
            };
            assert!(!hasher().check(&pin("31415926"), &edited).await);
        }
    }

    /// RFC 9106: against what another implementation (OpenSSL, by Python's `cryptography`) makes of the same input.
    #[test]
    fn the_hash_is_argon2id() {
        let cost = PinCost {
            memory_kib: 64,
            passes: 2,
        };
        let output = argon2id(*b"somesaltsomesalt", cost);
        assert_eq!(cyberid_crypto::base64url::encode(output.as_ref()), REFERENCE);
    }

    fn argon2id(salt: [u8; 16], cost: PinCost) -> Zeroizing<[u8; 32]> {
        let job = Job {
            pin: pin("31415926"),
            salt,
            params: cost.params().unwrap(),
        };
        job.run(&mut Memory::default()).unwrap()
    }

    const REFERENCE: &str = "M3-UU4Ktv9hHTY9hYh-AkkScnTMAT1V5doSnqX6z6Xk";
}
