//! `cyberid audit report`

use std::process::ExitCode;

use clap::Args;
use cyberid_protocol::audit::TransparencyReport;

use crate::command::Outcome;
use crate::command::outside::{Server, moment};
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid audit report
  cyberid audit report --json | jq .months";

/// Show the platform's transparency report. It is public.
///
/// Month by month, how often plaintext was released, withdrawn or taken by an authority: counts and nothing else, of the
/// log that the report's checkpoint names. `cyberid audit verify` counts the same without believing the platform.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Report {
    #[command(flatten)]
    server: Server,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) async fn run(self) -> Outcome {
        let client = self.server.client(None)?;
        let report: TransparencyReport = client.get("/v1/audit/transparency-report").await?;
        Show::json(self.json).result(&report, words);
        Ok(ExitCode::SUCCESS)
    }
}

fn words(report: &TransparencyReport) -> String {
    let mut lines = vec![format!("Counted {}", moment(report.time))];
    for (month, kinds) in &report.months {
        lines.push(month.clone());
        lines.extend(kinds.iter().map(|(kind, count)| format!("  {count:>8} {kind}")));
    }
    lines.push("Relying parties".into());
    let standings = report.relying_parties.iter();
    lines.extend(standings.map(|(status, count)| format!("  {count:>8} {status}")));
    lines.push(format!(
        "Asked for too much {} times; {} erasures overdue.",
        report.over_asking, report.overdue_erasures
    ));
    lines.join("\n")
}
