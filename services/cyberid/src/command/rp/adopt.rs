//! `cyberid rp adopt`

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use cyberid_domain::clock::SystemClock;
use cyberid_protocol::registration::Registered;
use cyberid_relying_party::{Platform, RpKeys};

use super::Common;
use super::party::Newcomer;
use crate::command::Outcome;
use crate::command::outside::{ClientKey, SandboxKeys, call_as};

const HELP: &str = "\
Examples:
  cyberid rp adopt --sandbox";

/// Take over the relying party that a sandbox has ready.
///
/// Fetches its keys from /sandbox/keys and its certificates from the platform, so that `cyberid rp verify` works at once.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Adopt {
    /// Take the keys from the server's sandbox; there is nothing else that they could be taken from.
    #[arg(long, required = true)]
    sandbox: bool,
    #[command(flatten)]
    common: Common,
}

impl Adopt {
    pub(super) async fn run(self) -> Outcome {
        let client = self.common.server.client(None)?;
        let party = SandboxKeys::fetch(&client).await?.relying_party;
        let platform = Platform::contact(client.clone(), Arc::new(SystemClock)).await?;
        let own = ClientKey {
            client_id: party.client_id,
            signing_jwk: party.signing_jwk.clone(),
        };
        let path = format!("/v1/relying-parties/{}", own.client_id);
        let registered: Registered = call_as(&own, client, platform.issuer())?.get(&path).await?;
        let newcomer = Newcomer::adopt(
            &self.common,
            RpKeys::new(party.signing_jwk, party.encryption_jwk)?,
        )?;
        newcomer.registered(&platform, &registered)?;
        self.common.show().result(&registered, |registered| {
            format!(
                "This directory is now the sandbox's relying party, {}.",
                registered.client_id
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}
