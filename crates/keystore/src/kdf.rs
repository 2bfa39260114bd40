//! From the passphrase to the file's keys: Argon2id (RFC 9106) once, then HKDF (RFC 5869) per purpose.

use argon2::{Algorithm, Argon2, Params, Version};
use cyberid_crypto::digest;
use cyberid_domain::secret::{Secret, SecretBytes};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The length of the salt in bytes (RFC 9106, section 3.1).
pub(crate) const SALT: usize = 16;

/// The most memory that a file may ask for, in KiB, so that an altered file cannot exhaust the machine.
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// The most passes that a file may ask for.
const MAX_ITERATIONS: u32 = 16;
/// The most lanes that a file may ask for.
const MAX_LANES: u32 = 16;

/// What one guess at the passphrase costs; it stands in the file, and can be raised later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedCost")]
pub struct KdfCost {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

/// A cost is below what Argon2 allows or above what we allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cost of the key derivation is out of bounds")]
pub struct InvalidCost;

impl KdfCost {
    /// The second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes.
    pub const RECOMMENDED: Self = Self {
        memory_kib: 65_536,
        iterations: 3,
        lanes: 4,
    };

    /// The least that Argon2 takes: for tests, where the passphrase protects nothing.
    pub const INSECURE: Self = Self {
        memory_kib: 8,
        iterations: 1,
        lanes: 1,
    };

    /// A cost of so much memory (KiB), so many passes over it, and so many lanes.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, InvalidCost> {
        let bounded = memory_kib <= MAX_MEMORY_KIB && iterations <= MAX_ITERATIONS && lanes <= MAX_LANES;
        let cost = Self {
            memory_kib,
            iterations,
            lanes,
        };
        if bounded {
            cost.params().map(|_| cost)
        } else {
            Err(InvalidCost)
        }
    }

    fn params(self) -> Result<Params, InvalidCost> {
        Params::new(self.memory_kib, self.iterations, self.lanes, Some(32)).map_err(|_| InvalidCost)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedCost {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl TryFrom<UncheckedCost> for KdfCost {
    type Error = InvalidCost;

    fn try_from(cost: UncheckedCost) -> Result<Self, InvalidCost> {
        Self::new(cost.memory_kib, cost.iterations, cost.lanes)
    }
}

/// The keys of one file.
pub(crate) struct FileKeys {
    /// Seals private halves.
    pub(crate) wrap: Secret<32>,
    /// Authenticates the file.
    pub(crate) seal: Secret<32>,
    /// Shows that the passphrase is right; opens nothing.
    pub(crate) verifier: Secret<32>,
}

impl FileKeys {
    /// The keys of a passphrase under the cost and salt of a file.
    pub(crate) fn derive(
        passphrase: &SecretBytes,
        cost: KdfCost,
        salt: &[u8; SALT],
    ) -> Result<Self, InvalidCost> {
        let root = root(passphrase, cost, salt)?;
        let purpose = |info: &str| Secret::take(&mut digest::hkdf(salt, root.as_ref(), info.as_bytes()));
        Ok(Self {
            wrap: purpose("cyberid-keystore/1 private halves"),
            seal: purpose("cyberid-keystore/1 whole file"),
            verifier: purpose("cyberid-keystore/1 verifier"),
        })
    }
}

fn root(
    passphrase: &SecretBytes,
    cost: KdfCost,
    salt: &[u8; SALT],
) -> Result<Zeroizing<[u8; 32]>, InvalidCost> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    let mut root = Zeroizing::new([0; 32]);
    argon2
        .hash_password_into(passphrase.expose(), salt, root.as_mut())
        .map_err(|_| InvalidCost)?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use argon2::{AssociatedData, ParamsBuilder};

    use super::*;

    /// RFC 9106, section 5.3.
    #[test]
    fn argon2id_of_rfc_9106() {
        let params = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap())
            .output_len(32)
            .build()
            .unwrap();
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        assert_eq!(
            hex::encode(tag),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        );
    }

    #[test]
    fn passphrase_salt_and_each_part_of_the_cost_count() {
        let derive = |passphrase: &str, cost: (u32, u32, u32), salt| {
            let cost = KdfCost::new(cost.0, cost.1, cost.2).unwrap();
            *root(&SecretBytes::from(passphrase.to_owned()), cost, &salt).unwrap()
        };
        let base = derive("a", (16, 1, 1), [0; SALT]);
        assert_eq!(base, derive("a", (16, 1, 1), [0; SALT]));
        assert_ne!(base, derive("b", (16, 1, 1), [0; SALT]));
        assert_ne!(base, derive("a", (16, 1, 1), [1; SALT]));
        assert_ne!(base, derive("a", (24, 1, 1), [0; SALT]));
        assert_ne!(base, derive("a", (16, 2, 1), [0; SALT]));
        assert_ne!(base, derive("a", (16, 1, 2), [0; SALT]));
    }

    #[test]
    fn the_purposes_have_keys_of_their_own() {
        let keys = FileKeys::derive(&SecretBytes::default(), KdfCost::INSECURE, &[0; SALT]).unwrap();
        assert!(keys.wrap != keys.seal && keys.seal != keys.verifier && keys.wrap != keys.verifier);
    }

    #[test]
    fn a_cost_out_of_bounds_is_refused() {
        for (memory_kib, iterations, lanes) in [(7, 1, 1), (8, 0, 1), (8, 1, 0), (8, 1, 2)] {
            assert_eq!(KdfCost::new(memory_kib, iterations, lanes), Err(InvalidCost));
        }
        assert_eq!(KdfCost::new(MAX_MEMORY_KIB + 1, 1, 1), Err(InvalidCost));
        assert_eq!(KdfCost::new(4096, MAX_ITERATIONS + 1, 1), Err(InvalidCost));
        assert_eq!(KdfCost::new(4096, 1, MAX_LANES + 1), Err(InvalidCost));
        let KdfCost {
            memory_kib,
            iterations,
            lanes,
        } = KdfCost::RECOMMENDED;
        assert_eq!(
            KdfCost::new(memory_kib, iterations, lanes),
            Ok(KdfCost::RECOMMENDED)
        );
    }
}
