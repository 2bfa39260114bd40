//! `cyberid audit watch`

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use cyberid_auditor::{Look, Report, Watch as Follow};
use cyberid_domain::Clock as _;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SystemClock;
use serde_json::json;

use super::anchors::{Trust, Trusted};
use super::keeper::Keeper;
use super::ledger::{Ledger, Place};
use super::outcome::{Found, UNREADABLE, end};
use super::regulator::Regulator;
use super::verify::warnings;
use crate::command::Outcome;
use crate::command::outside::{Failure, moment};
use crate::terminal::{Show, line, note, progress};

const HELP: &str = "\
Examples:
  cyberid audit watch --ledger http://127.0.0.1:8080 --sandbox
  cyberid audit watch --ledger https://id.example --regulator-key key.json --silence 5m --json
  cyberid audit watch --ledger https://id.example --regulator-key key.json --once

Exit codes:
  0  clean so far (with --once)
  1  the log contradicts itself, or is silent; the last line says how
  2  it cannot be read (at the start, or with --once), or the command line is wrong";

/// Follow a live log, and raise the alarm at its first contradiction.
///
/// Reads every new checkpoint: the log's signature, the witnesses' quorum, that it continues what was accepted before,
/// and each new leaf with its chain. Ends at the first thing that is wrong: a fork, a log that shrank or was rewritten,
/// a leaf that breaks its chain, a quorum that is missing.
///
/// Silence is wrong too: a log that cannot be read, or that its witnesses have not cosigned for longer than `--silence`,
/// may be showing you an old tree while others see a new one. A platform has its checkpoint cosigned anew while nothing
/// happens.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Watch {
    /// The platform's address, or the directory of an export.
    #[arg(long, value_name = "URL|DIR")]
    ledger: Place,
    #[command(flatten)]
    regulator: Regulator,
    #[command(flatten)]
    trust: Trust,
    /// How long the log may be silent, such as `90s`, `10m` or `1h`.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    silence: u64,
    /// How long to wait between two looks.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = seconds)]
    every: u64,
    /// Look once, and end.
    #[arg(long)]
    once: bool,
    /// Print JSON, a line for every checkpoint and one for the alarm.
    #[arg(long)]
    json: bool,
}

/// A text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("say a number of seconds, minutes or hours: 90s, 10m, 1h")]
struct NotATime;

fn seconds(text: &str) -> Result<u64, NotATime> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, text.chars().next_back()),
        None => (text, None),
    };
    let factor = match unit {
        Some('h') => 3600,
        Some('m') => 60,
        _ => 1,
    };
    let number: u64 = number.parse().map_err(|_| NotATime)?;
    let seconds = number.checked_mul(factor).filter(|seconds| *seconds > 0);
    seconds.ok_or(NotATime)
}

impl Watch {
    pub(super) async fn run(self) -> Outcome {
        let show = Show::json(self.json);
        match self.follow().await {
            Ok(code) => Ok(code),
            Err(error) => match error.downcast_ref::<Found>() {
                Some(found) if self.json => {
                    line(&found.to_json().to_string());
                    Ok(ExitCode::from(super::outcome::FOUND))
                }
                _ => Ok(end(&*error, show)),
            },
        }
    }

    async fn follow(&self) -> Result<ExitCode, Failure> {
        let ledger = Ledger::open(&self.ledger, &self.regulator).await?;
        let Trusted {
            anchors,
            mut state,
            file,
            ..
        } = self.trust.decide(ledger.said)?;
        let (log, policy) = anchors.parse()?;
        let mut keeper = Keeper::new(Some(&file), &anchors, &state);
        let mut keep = |state: &_| keeper.keep(state);
        let source = &*ledger.source;
        let mut follow = Follow::new(source, &log, &policy, self.silence, SystemClock.now());
        loop {
            let before = state.checkpoint().map(str::to_owned);
            let bar = progress("reading");
            let mut tell = |done, of| {
                bar.set_length(of);
                bar.set_position(done);
            };
            let now = SystemClock.now();
            let look = follow.look(&mut state, now, &mut tell, &mut keep).await;
            bar.finish_and_clear();
            match look.map_err(|failure| Found::or_failed(failure, &state))? {
                Look::Clean(report) if self.once || before.as_deref() != state.checkpoint() => {
                    self.tell(&report, now);
                }
                Look::Clean(_) => {}
                Look::Unreachable { cause } if self.once => {
                    note(&format!("error: {cause}"));
                    return Ok(ExitCode::from(UNREADABLE));
                }
                Look::Unreachable { cause } => note(&format!("{}: {cause}", moment(now))),
            }
            if self.once {
                return Ok(ExitCode::SUCCESS);
            }
            tokio::time::sleep(Duration::from_secs(self.every)).await;
        }
    }

    fn tell(&self, report: &Report, now: UnixTime) {
        let new = report.size - report.from;
        line(&if self.json {
            let result = json!({
                "clean": true, "time": now, "size": report.size, "root": report.root, "new": new,
                "witnesses": report.witnesses, "warnings": report.warnings,
            });
            result.to_string()
        } else {
            let witnesses = report.witnesses.join(", ");
            let size = report.size;
            format!(
                "{}: {size} leaves, {new} new, cosigned by {witnesses}.{}",
                moment(now),
                warnings(report)
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(
            ["90s", "90", "10m", "2h"].map(seconds),
            [90, 90, 600, 7200].map(Ok)
        );
        for text in [
            "",
            "0",
            "m",
            "-1s",
            "1d",
            "1.5h",
            "99999999999999999999",
            "18446744073709551615h",
            "1sm",
        ] {
            assert_eq!(seconds(text), Err(NotATime), "{text}");
        }
    }
}
