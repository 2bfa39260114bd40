//! `cyberid operator`

mod act;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cyberid_client::{Client, Session};
use cyberid_domain::clock::SystemClock;
use cyberid_relying_party::Platform;

use super::Outcome;
use super::outside::{ClientKey, Failure, SandboxKeys, Server, call_as};
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid operator suspend --sandbox --number 7K2M9-XQ4TD --reason misuse --reference 2026-117
  cyberid operator reinstate --sandbox --number 7K2M9-XQ4TD --reason misuse --reference 2026-117
  cyberid operator approve --sandbox act_Zm9vYmFyYmF6cXV4MTIzNA

Exit codes:
  0  done
  1  an error, or refused
  2  the command line is wrong";

/// Act as an operator on identifiers: suspend, reinstate, approve.
///
/// One operator suspends one person at once, twenty times a day. Several, and every reinstatement, wait for another operator. What is done to
/// each is in the public ledger, without a word on who it is, and the holder sees the reason.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Operator {
    // Each command describes itself: a description here would hide its own.
    Suspend(act::Suspend),
    Reinstate(act::Reinstate),
    Approve(act::Approve),
    Show(act::ShowAct),
}

/// What every operator's command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    server: Server,
    /// The operator's `{"client_id", "signing_jwk"}`, in a file that its owner alone can read.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "sandbox",
        conflicts_with = "sandbox"
    )]
    operator_key: Option<PathBuf>,
    /// Act as an operator of the server's sandbox.
    #[arg(long)]
    sandbox: bool,
    /// Which of the sandbox's operators, counted from 1 [default: 1 acts, 2 approves].
    #[arg(long, value_name = "N", requires = "sandbox")]
    operator: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Common {
    pub(super) fn show(&self) -> Show {
        Show::json(self.json)
    }

    /// Calls as the operator that is named, or as this one of a sandbox.
    pub(super) async fn session(&self, usual: usize) -> Result<Session, Failure> {
        let client = self.server.client(None)?;
        let key = self.key(&client, usual).await?;
        let platform = Platform::contact(client.clone(), std::sync::Arc::new(SystemClock)).await?;
        Ok(call_as(&key, client, platform.issuer())?)
    }

    async fn key(&self, client: &Client, usual: usize) -> Result<ClientKey, Failure> {
        if let Some(file) = &self.operator_key {
            let key = ClientKey::load(file);
            return key.map_err(|error| format!("the operator's key {}: {error}", file.display()).into());
        }
        let nth = self.operator.unwrap_or(usual);
        let operators = SandboxKeys::fetch(client).await?.operators;
        let operator = nth.checked_sub(1).and_then(|at| operators.into_iter().nth(at));
        operator.ok_or_else(|| "the sandbox has fewer operators".into())
    }
}

impl Operator {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Suspend(suspend) => suspend.run().await,
            Self::Reinstate(reinstate) => reinstate.run().await,
            Self::Approve(approve) => approve.run().await,
            Self::Show(show) => show.run().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn an_act_names_people_a_reason_and_a_case() {
        let suspend = "cyberid operator suspend --sandbox --number 7K2M9-XQ4T0";
        let number = cyberid_domain::number::NetworkNumber::random(&cyberid_domain::rng::SystemRng);
        let good =
            format!("cyberid operator suspend --sandbox --number {number} --reason misuse --reference 7");
        assert!(parses(&good));
        assert!(parses(&format!("{good} --number {number} --operator 2 --json")));
        assert!(!parses(&format!("{suspend} --reason misuse")));
        assert!(!parses(&good.replace("misuse", "holder")));
        assert!(!parses(&good.replace("misuse", "death")));
        assert!(!parses(&good.replace("misuse", "document")));
        assert!(!parses(&good.replace("--sandbox ", "")));
        assert!(parses(
            &good.replace("suspend", "reinstate").replace("misuse", "death")
        ));
        assert!(parses(
            "cyberid operator approve --operator-key two act_YUxXbTdLV1RqRlN6ZVhGbw"
        ));
        assert!(!parses(
            "cyberid operator approve --sandbox rel_YUxXbTdLV1RqRlN6ZVhGbw"
        ));
    }
}
