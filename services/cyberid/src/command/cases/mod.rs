//! `cyberid cases`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_domain::case::Verdict;
use cyberid_domain::id::CaseId;
use cyberid_protocol::case::{CaseView, OpenCases, VerdictBody};

use super::Outcome;
use super::operator::Common;

const HELP: &str = "\
Examples:
  cyberid cases list --sandbox
  cyberid cases decide case_Zm9vYmFyYmF6cXV4MTIzNA --upheld --operator-key one.json
  cyberid cases decide case_Zm9vYmFyYmF6cXV4MTIzNA --upheld --operator-key two.json";

/// Decide appeals and reported misuses, as an operator.
///
/// Nobody decides alone: two different operators have to say the same.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Cases {
    // Each command describes itself: a description here would hide its own.
    List(ListCases),
    Decide(DecideCase),
}

const LIST_HELP: &str = "\
Examples:
  cyberid cases list --operator-key one.json
  cyberid cases list --sandbox --json";

/// List the cases that wait for two operators.
///
/// Misuses first, then appeals, the oldest first of each, with what one operator has said, if one has. Whose a case is, is not in
/// it: people show its name at the desk.
#[derive(Debug, Args)]
#[command(after_long_help = LIST_HELP)]
pub(crate) struct ListCases {
    #[command(flatten)]
    common: Common,
}

/// Say how a case is to be decided; when another operator says the same, it is.
///
/// Upheld, a misused identifier becomes the reporter's device's alone, and an appeal permits an enrolment for seven days. Dismissed,
/// everything is as it was.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
#[command(group(clap::ArgGroup::new("verdict").required(true)))]
pub(crate) struct DecideCase {
    /// The case.
    #[arg(value_name = "CASE")]
    id: CaseId,
    /// Whoever brought it is right.
    #[arg(long, group = "verdict")]
    upheld: bool,
    /// They are not.
    #[arg(long, group = "verdict")]
    dismissed: bool,
    #[command(flatten)]
    common: Common,
}

impl Cases {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(list) => list.run().await,
            Self::Decide(decide) => decide.run().await,
        }
    }
}

impl ListCases {
    async fn run(self) -> Outcome {
        let session = self.common.session(1).await?;
        let open: OpenCases = session.get("/v1/cases").await?;
        self.common.show().result(&open, words);
        Ok(ExitCode::SUCCESS)
    }
}

impl DecideCase {
    async fn run(self) -> Outcome {
        let verdict = if self.upheld {
            Verdict::Upheld
        } else {
            Verdict::Dismissed
        };
        let path = format!("/v1/cases/{}/decide", self.id);
        let session = self.common.session(1).await?;
        let case: CaseView = session.post(&path, &VerdictBody { verdict }).await?;
        self.common.show().result(&case, |case| match case.verdict {
            Some(verdict) => format!("{} is {}.", case.id, verdict.as_str()),
            None => format!("{} waits for another operator to say the same.", case.id),
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn words(open: &OpenCases) -> String {
    let line = |case: &cyberid_protocol::case::OpenCase| {
        let said = case.proposed.map_or("nothing said yet", Verdict::as_str);
        format!("{}  {}  {said}", case.id, case.kind.as_str())
    };
    let lines: Vec<_> = open.cases.iter().map(line).collect();
    if lines.is_empty() {
        "No case waits.".into()
    } else {
        lines.join("\n")
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
    fn a_verdict_is_one_and_an_operator_is_named() {
        let case = "case_Zm9vYmFyYmF6cXV4MTIzNA";
        assert!(parses(&format!(
            "cyberid cases decide {case} --upheld --sandbox --operator 2"
        )));
        assert!(parses(&format!(
            "cyberid cases decide {case} --dismissed --operator-key one.json"
        )));
        assert!(!parses(&format!("cyberid cases decide {case} --sandbox")));
        assert!(!parses(&format!(
            "cyberid cases decide {case} --upheld --dismissed --sandbox"
        )));
        assert!(!parses(&format!("cyberid cases decide {case} --upheld")));
        assert!(!parses(
            "cyberid cases decide act_Zm9vYmFyYmF6cXV4MTIzNA --upheld --sandbox"
        ));
        assert!(parses("cyberid cases list --sandbox --json"));
    }
}
