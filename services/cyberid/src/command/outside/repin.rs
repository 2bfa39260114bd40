//! `cyberid holder repin` and `cyberid rp repin`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use cyberid_client::ledger::{LedgerReader, Tree};
use cyberid_client::{Pins, Platform};
use cyberid_domain::clock::SystemClock;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use serde_json::json;

use super::{Failure, Home, Server};
use crate::command::Outcome;
use crate::terminal::Show;

const PLATFORM: &str = "platform.json";
const LEDGER: &str = "ledger.json";

const HELP: &str = "\
Examples:
  cyberid holder repin --vkey 'id.example/ledger-2+1f0e...' --policy-file policy.txt
  cyberid rp repin --vkey 'id.example/ledger+1f0e...' --policy-file policy.txt

Exit codes:
  0  the new key and policy are pinned
  1  an error, and what was pinned stays
  2  the command line is wrong";

/// Trust another ledger key or another witness policy from now on.
///
/// Take both from a source that you trust and that is not the platform: the regulator's notice, a printed bulletin. They
/// are pinned only if the platform says the same, and if its ledger continues everything that was seen of it before.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Repin {
    #[command(flatten)]
    server: Server,
    /// The directory whose pins are changed [default: the usual one].
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The ledger's verifier key (C2SP signed-note).
    #[arg(long, value_name = "KEY")]
    vkey: VerifierKey,
    /// The witness policy (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy_file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why nothing was pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum RepinError {
    /// There are no pins to change.
    #[error("no platform was met in {}", home.display())]
    NeverMet {
        /// The directory.
        home: PathBuf,
    },
    /// The platform names something else than what was given.
    #[error("the platform names another {0} than the one you were given: do not go on before you know why")]
    Differs(&'static str),
}

impl Repin {
    /// Changes the pins of this party's directory.
    pub(crate) async fn run(self, party: &str) -> Outcome {
        // The same variable as for this party's other commands.
        let named = std::env::var_os(format!("CYBERID_{}_HOME", party.to_uppercase())).map(PathBuf::from);
        let home = Home::open(self.home.as_ref().or(named.as_ref()).map(PathBuf::as_path), party)?;
        let never_met = || RepinError::NeverMet {
            home: home.folder().to_owned(),
        };
        let pins: Pins = home.load(PLATFORM)?.ok_or_else(never_met)?;
        let seen: Tree = home.load(LEDGER)?.unwrap_or_default();
        let client = self.server.client(Some(&pins))?;
        let platform = Platform::contact(client, Arc::new(SystemClock)).await?;
        self.demand_given(&platform, &pins)?;
        let reader = LedgerReader::new(platform.ledger_client()?, platform.anchors(), seen);
        let tree = reader.advance().await?;
        home.save(PLATFORM, platform.pins())?;
        home.save(LEDGER, &tree)?;
        let result = json!({ "vkey": self.vkey.to_string(), "seen": seen.size, "size": tree.size });
        Show::json(self.json).result(&result, |_| {
            format!(
                "Pinned. The ledger continues the {} leaves that were seen before.",
                seen.size
            )
        });
        Ok(ExitCode::SUCCESS)
    }

    fn demand_given(&self, platform: &Platform, pins: &Pins) -> Result<(), Failure> {
        let text = std::fs::read(&self.policy_file);
        let text = text.map_err(|error| format!("cannot read {}: {error}", self.policy_file.display()))?;
        let policy = Policy::parse(&text)?;
        let anchors = platform.anchors();
        for (same, what) in [
            (anchors.issuer == pins.issuer, "issuer"),
            (anchors.ledger == self.vkey, "ledger key"),
            (anchors.policy == policy, "witness policy"),
        ] {
            if !same {
                return Err(RepinError::Differs(what).into());
            }
        }
        Ok(())
    }
}
