//! Through whom a registration goes: no single person lets a service in.

use std::path::PathBuf;

use clap::Args;
use cyberid_client::{Client, Session};
use cyberid_relying_party::Platform;

use crate::command::outside::{ClientKey, Failure, SandboxKeys, call_as};

/// Through whom it goes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Operators {
    /// An operator's `{"client_id", "signing_jwk"}`; the first applies, a second approves.
    #[arg(long = "operator-key", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take both operators of the server's sandbox.
    #[arg(long)]
    sandbox: bool,
}

impl Operators {
    pub(super) async fn read(&self, client: &Client) -> Result<Vec<ClientKey>, Failure> {
        if self.sandbox {
            return Ok(SandboxKeys::fetch(client).await?.operators);
        }
        let keys = self.files.iter().map(|file| {
            let key = ClientKey::load(file);
            key.map_err(|error| format!("the operator's key {}: {error}", file.display()).into())
        });
        keys.collect()
    }
}

/// The calls of who applies and, if there is a second operator, of who approves.
pub(super) fn sessions(
    platform: &Platform,
    operators: &[ClientKey],
) -> Result<(Session, Option<Session>), Failure> {
    let session = |operator| call_as(operator, platform.client().clone(), platform.issuer());
    let [applicant, rest @ ..] = operators else {
        return Err("an operator is needed".into());
    };
    let approver = rest.first().map(session).transpose()?;
    Ok((session(applicant)?, approver))
}
