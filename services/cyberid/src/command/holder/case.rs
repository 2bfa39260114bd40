//! `cyberid holder appeal` and `cyberid holder case`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::id::CaseId;
use cyberid_protocol::case::CaseView;

use super::Common;
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::moment;

const APPEAL_HELP: &str = "\
Examples:
  cyberid holder appeal --home mine
  cyberid holder appeal --home mine --json";

const CASE_HELP: &str = "\
Examples:
  cyberid holder case case_Zm9vYmFyYmF6cXV4MTIzNA";

/// Appeal against the refusal of an enrolment with this device.
///
/// Prints a reference that says nothing of you: show it at the operator's desk, together with your documents. Two operators decide.
/// Upheld, an enrolment with this device's key is permitted for seven days: a passport then needs no chip.
#[derive(Debug, Args)]
#[command(after_long_help = APPEAL_HELP)]
pub(crate) struct Appeal {
    #[command(flatten)]
    common: Common,
}

/// Show how far a case has come: an appeal, or a misuse that you reported.
///
/// Nothing but the case's name is needed, and whoever has it sees the same.
#[derive(Debug, Args)]
#[command(after_long_help = CASE_HELP)]
pub(crate) struct ShowCase {
    /// The case.
    #[arg(value_name = "CASE")]
    id: CaseId,
    #[command(flatten)]
    common: Common,
}

impl Appeal {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::begin(&self.common).await?;
        let case = device.holder.appeal().await?;
        self.common.show().result(&case, case_words);
        Ok(ExitCode::SUCCESS)
    }
}

impl ShowCase {
    pub(super) async fn run(self) -> Outcome {
        let client = self.common.server.client(None)?;
        let case: CaseView = client.get(&format!("/v1/cases/{}", self.id)).await?;
        self.common.show().result(&case, case_words);
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn case_words(case: &CaseView) -> String {
    let verdict = case
        .verdict
        .map_or("two operators decide it", |verdict| verdict.as_str());
    let until = case
        .permitted_until
        .map(|until| format!("\nEnrol until {}.", moment(until)));
    format!(
        "{} ({}): {verdict}.{}",
        case.id,
        case.kind.as_str(),
        until.unwrap_or_default()
    )
}
