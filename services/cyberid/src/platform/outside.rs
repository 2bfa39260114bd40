//! The other side of a real connection: a synthetic identity source behind its own door.

use std::sync::Arc;

use cyberid_client::key_file;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::{self, SystemRng};
use cyberid_domain::secret::{Secret, SecretBytes};
use cyberid_identity_source::{IdentitySource, Population};
use cyberid_keystore::role;
use cyberid_protocol::source::SourceKeys;

use super::compose::standalone;
use super::{DataDirectory, Door, Serving, StartError, Stop, roles};

/// A synthetic identity source at work.
pub(crate) struct SourceAtWork {
    pub(crate) serving: Serving,
    pub(crate) keys: SourceKeys,
}

/// Starts a synthetic identity source. Its population is the same at every start on the same data.
pub(crate) fn start_identity_source(
    door: Door,
    data: &DataDirectory,
    passphrase: &SecretBytes,
    people: usize,
    faults: bool,
    stop: &Stop,
) -> Result<SourceAtWork, StartError> {
    let keystore = data.keystore(passphrase, roles::IDENTITY_SOURCE)?;
    let signing_key = keystore.signer::<role::Source>()?;
    let opening_key = keystore.opener::<role::Message>()?;
    let keys = SourceKeys {
        signing_jwk: signing_key.public_key(),
        encryption_jwk: opening_key.public_key(),
    };
    let population = Population::new(seed(data)?, people);
    let clock = Arc::new(SystemClock);
    let source = IdentitySource::new(cyberid_identity_source::Parts {
        clock,
        population,
        signing_key,
        opening_key,
        person_key: keystore.mac::<role::Pairwise>()?,
    });
    let mut router = standalone(cyberid_identity_source::routes(), Arc::clone(&source));
    router = router.merge(standalone(
        cyberid_identity_source::sandbox_routes(),
        Arc::clone(&source),
    ));
    if faults {
        router = router.merge(standalone(cyberid_identity_source::fault_routes(), source));
    }
    let serving = door.answer(router, stop)?;
    Ok(SourceAtWork { serving, keys })
}

/// The seed of the population, drawn at the first start.
fn seed(data: &DataDirectory) -> Result<Secret<32>, StartError> {
    let failed = |error: key_file::KeyFileError| StartError::other("the population's seed")(error.into());
    let path = data.file("seed");
    if !path.exists() {
        key_file::write_private(&path, &rng::random::<32>(&SystemRng)).map_err(failed)?;
    }
    let bytes = key_file::read_private(&path).map_err(failed)?;
    let seed: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|error: std::array::TryFromSliceError| {
            StartError::other("the population's seed is not of its length")(error.into())
        })?;
    Ok(Secret::from(seed))
}
