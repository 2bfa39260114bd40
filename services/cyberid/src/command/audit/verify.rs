//! `cyberid audit verify`

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use cyberid_auditor::{Report, audit_on};
use serde_json::json;

use super::anchors::{Origin, Trust, Trusted};
use super::keeper::Keeper;
use super::ledger::{Ledger, Place};
use super::outcome::{FOUND, Found, end};
use super::regulator::Regulator;
use crate::command::Outcome;
use crate::command::outside::Failure;
use crate::terminal::{Show, note, paint, progress};

const GREEN: &str = "32";
const YELLOW: &str = "33";

const HELP: &str = "\
Examples:
  cyberid audit verify --ledger http://127.0.0.1:8080 --sandbox
  cyberid audit verify --ledger ./export --vkey 'id.example/ledger+1f0e...' --policy-file policy.txt
  cyberid audit verify --ledger https://id.example --regulator-key key.json --incremental --json

Exit codes:
  0  clean
  1  something is wrong, and the first wrong thing is named; with --strict, also if there is a warning
  2  it cannot be read, or the command line is wrong";

/// Check every leaf, tile, checkpoint, cosignature and chain of a ledger.
///
/// Re-hashes every leaf and compares it with hash tiles that lead to the signed and cosigned root; holds the log to the
/// checkpoint that was accepted last time; and holds every release to its order: no plaintext without a consent and an
/// announcement, to nobody who was not registered. Works on a platform, as its regulator, or on an exported directory
/// without anybody's help.
///
/// An audit that was interrupted goes on where it was. Warnings are what the log does not contradict itself by, and what
/// somebody should ask about: what is overdue by the log's own clock, and a service that was cut off.
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
    #[command(flatten)]
    reading: Reading,
    /// Do not keep this checkpoint for the next audit.
    #[arg(long, conflicts_with = "state")]
    no_keep: bool,
    /// Take a warning for something that is wrong.
    #[arg(long)]
    strict: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How much is read.
#[derive(Debug, Args)]
struct Reading {
    /// Read only the leaves that no audit before has read. Those before are believed as long as the log continues the
    /// tree that they were in.
    #[arg(long, conflicts_with = "full")]
    incremental: bool,
    /// Read every leaf, also where an audit before was interrupted.
    #[arg(long)]
    full: bool,
}

impl Verify {
    pub(super) async fn run(self) -> Outcome {
        let show = Show::json(self.json);
        let began = Instant::now();
        match self.audit().await {
            Ok((report, origin)) => {
                let seconds = began.elapsed().as_secs_f64();
                let result = json!({"clean": true, "anchors": origin, "report": report, "seconds": seconds});
                show.result(&result, |_| words(&report, origin));
                let is_bad = self.strict && report.warnings.count > 0;
                Ok(if is_bad {
                    ExitCode::from(FOUND)
                } else {
                    ExitCode::SUCCESS
                })
            }
            Err(error) => Ok(end(&*error, show)),
        }
    }

    async fn audit(&self) -> Result<(Report, Origin), Failure> {
        let ledger = Ledger::open(&self.ledger, &self.regulator).await?;
        let Trusted {
            anchors,
            origin,
            mut state,
            file,
        } = self.trust.decide(ledger.said)?;
        let (log, policy) = anchors.parse()?;
        if state.is_interrupted() && !self.reading.full {
            note(&format!(
                "Going on with an audit that was interrupted after {} leaves. `--full` begins anew.",
                state.read()
            ));
        } else if !self.reading.incremental {
            state.read_anew();
        }
        let mut keeper = Keeper::new((!self.no_keep).then_some(&file), &anchors, &state);
        let bar = progress("auditing");
        let mut tell = |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        };
        let mut keep = |state: &_| keeper.keep(state);
        let report = audit_on(&*ledger.source, &log, &policy, &mut state, &mut tell, &mut keep).await;
        bar.finish_and_clear();
        Ok((
            report.map_err(|failure| Found::or_failed(failure, &state))?,
            origin,
        ))
    }
}

fn words(report: &Report, origin: Origin) -> String {
    let kinds = report.kinds.iter();
    let kinds: Vec<String> = kinds
        .map(|(kind, count)| format!("\n  {count:>8} {}", kind.as_str()))
        .collect();
    let past = match report.continues {
        Some(size) => format!("It continues the {size} leaves that were accepted before."),
        None => "Nothing was accepted before.".into(),
    };
    let from = match report.from {
        0 => String::new(),
        from => format!(" The first {from} were read by an audit before."),
    };
    let anchors = match origin {
        Origin::Given => "given",
        Origin::Kept => "those of the audit before",
        Origin::FirstContact => "the ledger's own word",
    };
    format!(
        "{}: {} leaves of {}, {} releases in order.{}\n{past}{from}\nRoot {}, cosigned by {}. Anchors: {anchors}.{}",
        paint(GREEN, "Clean"),
        report.size,
        report.origin,
        report.releases,
        kinds.concat(),
        report.root,
        report.witnesses.join(", "),
        warnings(report),
    )
}

/// The warnings, each on its own line.
pub(super) fn warnings(report: &Report) -> String {
    let first = report.warnings.first.iter();
    let mut lines: Vec<String> = first
        .map(|warning| format!("\n{} {warning}", paint(YELLOW, "Warning:")))
        .collect();
    let more = report.warnings.count.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("\n... and {more} warnings more"));
    }
    lines.concat()
}
