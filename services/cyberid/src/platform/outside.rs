//! The other side of a real connection: a synthetic identity source behind its own door.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use cyberid_client::key_file;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::rng::{self, SystemRng};
use cyberid_domain::secret::Secret;
use cyberid_identity_source::{IdentitySource, Life, Population};
use cyberid_keystore::{Unlock, role};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::source::SourceKeys;
use cyberid_web::Failure;
use cyberid_web::server::PeerCertificate;
use cyberid_web::telemetry::tell_route;

use super::compose::standalone;
use super::{DataDirectory, Door, Serving, StartError, Stop, roles};

/// A synthetic identity source at work.
pub(crate) struct SourceAtWork {
    pub(crate) serving: Serving,
    pub(crate) keys: SourceKeys,
}

/// What a synthetic identity source is started with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceOptions {
    /// How many people there are.
    pub(crate) people: u64,
    /// Whether it misbehaves when it is told to.
    pub(crate) faults: bool,
}

/// Starts a synthetic identity source. Its population, and what happened to it, are the same at every start on the same
/// data.
pub(crate) fn start_identity_source(
    door: Door,
    data: &DataDirectory,
    unlock: &Unlock,
    options: SourceOptions,
    stop: &Stop,
) -> Result<SourceAtWork, StartError> {
    let keystore = data.keystore(unlock, roles::IDENTITY_SOURCE)?;
    let signing_key = keystore.signer::<role::Source>()?;
    let opening_key = keystore.opener::<role::Message>()?;
    let keys = SourceKeys {
        signing_jwk: signing_key.public_key(),
        encryption_jwk: opening_key.public_key(),
    };
    let population = Population::new(seed(data)?, options.people);
    let life = Life::open(&data.file("life"), &population)
        .map_err(|error| StartError::other("what happened to the population")(error.into()))?;
    let clock = Arc::new(SystemClock);
    let source = IdentitySource::new(cyberid_identity_source::Parts {
        clock,
        population,
        life,
        signing_key,
        opening_key,
        person_key: keystore.mac::<role::Pairwise>()?,
    });
    let platforms = standalone(cyberid_identity_source::platform_routes(), Arc::clone(&source));
    let mut router = standalone(cyberid_identity_source::routes(), Arc::clone(&source));
    router = router.merge(if door.takes_client_certificates() {
        platforms.layer(from_fn(require_certificate))
    } else {
        platforms
    });
    router = router.merge(standalone(
        cyberid_identity_source::sandbox_routes(),
        Arc::clone(&source),
    ));
    if options.faults {
        router = router.merge(standalone(cyberid_identity_source::fault_routes(), source));
    }
    let serving = door.answer(router, stop)?;
    Ok(SourceAtWork { serving, keys })
}

/// Where certificates are asked for, only who shows one is a platform; people's phones have none.
async fn require_certificate(request: Request, next: Next) -> Response {
    if request.extensions().get::<PeerCertificate>().is_some() {
        next.run(request).await
    } else {
        tell_route(&request);
        Failure::from(ProblemType::Unauthenticated).into_response()
    }
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
