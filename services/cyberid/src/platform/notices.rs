//! What an operator is told at the start.

use cyberid_web::server::Limits;

/// The two key holders run in one process.
pub(crate) const ONE_PROCESS: &str = "vault and custodian run in this one process: whoever owns it and its passphrase can open \
     identity records without a ledger entry. Run `cyberid serve custodian` elsewhere to have the split mean something.";

/// The sandbox is on.
pub(crate) const SANDBOX: &str = "sandbox: the people are synthetic, the private keys of every party are public at /sandbox/keys, and bearer \
     tokens are accepted on loopback. Nothing here is to be trusted with a real identity.";

/// Says how long a shutdown may take.
pub(crate) fn shutdown() -> String {
    format!(
        "stopping takes at most {} s: requests in work are finished",
        Limits::default().shutdown_time.as_secs()
    )
}
