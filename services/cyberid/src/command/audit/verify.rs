//! `cyberid audit verify`

use std::process::ExitCode;

use clap::Args;
use cyberid_auditor::{AuditFailure, Finding, Kept, Report, audit};
use serde_json::{Value, json};

use super::anchors::{Origin, Trust, Trusted};
use super::ledger::{Ledger, Place};
use super::regulator::Regulator;
use crate::command::Outcome;
use crate::command::outside::Failure;
use crate::terminal::{Show, failure, paint, progress};

/// The code of a ledger in which something is wrong.
pub(super) const FOUND: u8 = 1;
/// The code of a ledger that cannot be read.
pub(super) const UNREADABLE: u8 = 2;

const GREEN: &str = "32";
const RED: &str = "31";

const HELP: &str = "\
Examples:
  cyberid audit verify --ledger http://127.0.0.1:8080 --sandbox
  cyberid audit verify --ledger ./export --vkey 'id.example/ledger+1f0e...' --policy-file policy.txt

Exit codes:
  0  clean
  1  something is wrong, and the first wrong thing is named
  2  it cannot be read, or the command line is wrong";

/// Check every leaf, tile, checkpoint, cosignature and chain of a ledger.
///
/// Rebuilds the log from its entries, compares it with the hash tiles, the signed checkpoint, its witnesses' cosignatures
/// and the checkpoint that was accepted last time, and holds every release to its order: no plaintext without a consent
/// and an announcement. Works on a platform, as its regulator, or on an exported directory without anybody's help.
///
/// The log's key and witness policy come from `--vkey` and `--policy-file`, else from the audit before, else from the
/// ledger itself, which is said aloud.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Verify {
    /// The platform's address, or the directory of an export.
    #[arg(long, value_name = "URL|DIR")]
    ledger: Place,
    #[command(flatten)]
    regulator: Regulator,
    #[command(flatten)]
    trust: Trust,
    /// Do not keep this checkpoint for the next audit.
    #[arg(long, conflicts_with = "state")]
    no_keep: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self) -> Outcome {
        let show = Show::json(self.json);
        match self.audit().await {
            Ok((report, trusted)) => {
                let result = json!({"clean": true, "anchors": trusted.origin, "report": report});
                show.result(&result, |_| words(&report, trusted.origin));
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Ok(end(&*error, show)),
        }
    }

    async fn audit(&self) -> Result<(Report, Trusted), Failure> {
        let ledger = Ledger::open(&self.ledger, &self.regulator).await?;
        let trusted = self.trust.decide(ledger.said)?;
        let (log, policy) = trusted.anchors.parse()?;
        let bar = progress("auditing");
        let mut tell = |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        };
        let report = audit(&*ledger.source, &log, &policy, trusted.past, &mut tell).await;
        bar.finish_and_clear();
        let report = report?;
        if !self.no_keep {
            let Report { size, root, .. } = &report;
            let kept = Kept {
                anchors: trusted.anchors.clone(),
                size: *size,
                root: root.clone(),
            };
            kept.save(&trusted.state)?;
        }
        Ok((report, trusted))
    }
}

/// Ends a command whose ledger is wrong or cannot be read.
pub(super) fn end(error: &(dyn std::error::Error + Send + Sync + 'static), show: Show) -> ExitCode {
    let Some(AuditFailure::Found(finding)) = error.downcast_ref::<AuditFailure>() else {
        failure(error);
        return ExitCode::from(UNREADABLE);
    };
    show.result(&finding_result(finding), |_| {
        format!("{} {finding}", paint(RED, "Found:"))
    });
    ExitCode::from(FOUND)
}

fn finding_result(finding: &Finding) -> Value {
    json!({"clean": false, "finding": finding.to_string(), "leaf": finding.leaf()})
}

fn words(report: &Report, origin: Origin) -> String {
    let kinds = report.kinds.iter();
    let kinds: Vec<String> = kinds
        .map(|(kind, count)| format!("\n  {count:>8} {kind}"))
        .collect();
    let past = match report.continues {
        Some(size) => format!("It continues the {size} leaves that were accepted before."),
        None => "Nothing was accepted before.".into(),
    };
    let anchors = match origin {
        Origin::Given => "given",
        Origin::Kept => "those of the audit before",
        Origin::FirstContact => "the ledger's own word",
    };
    format!(
        "{}: {} leaves of {}, {} releases in order.{}\n{past}\nRoot {}, cosigned by {}. Anchors: {anchors}.",
        paint(GREEN, "Clean"),
        report.size,
        report.origin,
        report.releases,
        kinds.concat(),
        report.root,
        report.witnesses.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use cyberid_auditor::SourceError;

    use super::*;

    #[test]
    fn a_finding_names_its_leaf() {
        let altered = finding_result(&Finding::LeafAltered { index: 17 });
        assert_eq!(altered["leaf"], 17);
        assert_eq!(altered["clean"], false);
        assert_eq!(
            finding_result(&Finding::Cut { size: 3, kept: 4 })["leaf"],
            Value::Null
        );
    }

    #[test]
    fn what_is_wrong_and_what_cannot_be_read_end_differently() {
        let code = |failure: AuditFailure| format!("{:?}", end(&failure, Show::Words));
        let found = code(Finding::Rewritten { kept: 4 }.into());
        let unreadable = code(
            SourceError {
                path: "checkpoint".into(),
                cause: "gone".into(),
            }
            .into(),
        );
        assert_eq!(found, format!("{:?}", ExitCode::from(FOUND)));
        assert_eq!(unreadable, format!("{:?}", ExitCode::from(UNREADABLE)));
    }
}
