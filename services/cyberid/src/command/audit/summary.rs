//! `cyberid audit summary`

use std::process::ExitCode;

use clap::Args;
use cyberid_client::Client;
use cyberid_protocol::audit::AuditSummary;
use cyberid_protocol::discovery::Discovery;

use super::regulator::Regulator;
use crate::command::Outcome;
use crate::command::outside::{Failure, Server, moment};
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid audit summary --sandbox";

/// Count what the ledger holds, as the regulator.
///
/// The platform's own counts, by kind and by service, with how often each asked for more than it is registered for and
/// how many erasures are overdue. `cyberid audit verify` counts without believing the platform.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Summary {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    regulator: Regulator,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Summary {
    pub(super) async fn run(self) -> Outcome {
        let session = call(&self.server, &self.regulator).await?;
        let summary: AuditSummary = session.get("/v1/audit/summary").await?;
        Show::json(self.json).result(&summary, words);
        Ok(ExitCode::SUCCESS)
    }
}

/// Calls the platform as the regulator.
pub(super) async fn call(server: &Server, regulator: &Regulator) -> Result<cyberid_client::Session, Failure> {
    let client: Client = server.client(None)?;
    let discovery: Discovery = client.get("/.well-known/cyberid").await?;
    regulator.session(&client, &discovery.issuer).await
}

fn words(summary: &AuditSummary) -> String {
    let mut lines = vec![format!(
        "{} leaves, counted {}",
        summary.size,
        moment(summary.time)
    )];
    lines.extend(
        summary
            .kinds
            .iter()
            .map(|(kind, count)| format!("  {count:>8} {kind}")),
    );
    for party in &summary.relying_parties {
        lines.push(format!(
            "{}: asked for too much {} times, {} erasures overdue",
            party.client_id, party.over_asking, party.overdue_erasures
        ));
        lines.extend(
            party
                .kinds
                .iter()
                .map(|(kind, count)| format!("  {count:>8} {kind}")),
        );
    }
    lines.join("\n")
}
