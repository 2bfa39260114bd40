//! Who reads as the regulator.

use std::path::PathBuf;

use clap::Args;
use cyberid_client::{Client, Session};

use crate::command::outside::{ClientKey, Failure, SandboxKeys, call_as};

/// The regulator's key.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Regulator {
    /// The regulator's `{"client_id", "signing_jwk"}`, in a file that its owner alone can read.
    #[arg(long, value_name = "FILE")]
    regulator_key: Option<PathBuf>,
    /// Take the regulator of the server's sandbox.
    #[arg(long)]
    sandbox: bool,
}

/// Nobody said who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only the regulator reads entries: say `--regulator-key FILE`, or `--sandbox` with a sandbox")]
pub(super) struct NoRegulator;

impl Regulator {
    /// Calls as the regulator of the platform `issuer`, reached by `client`.
    pub(super) async fn session(&self, client: &Client, issuer: &str) -> Result<Session, Failure> {
        let key = match &self.regulator_key {
            Some(path) => ClientKey::load(path)
                .map_err(|error| format!("the regulator's key {}: {error}", path.display()))?,
            None if self.sandbox => SandboxKeys::fetch(client).await?.regulator,
            None => return Err(NoRegulator.into()),
        };
        Ok(call_as(&key, client.clone(), issuer)?)
    }
}
