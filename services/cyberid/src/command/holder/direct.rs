//! `cyberid holder direct`

use std::process::ExitCode;

use clap::Args;
use cyberid_holder::Factors;
use serde_json::json;

use super::Common;
use super::approve::{pin_if_asked, question};
use super::decision::{Answer, Decision, kept_back};
use super::device::Device;
use super::face::FaceArgs;
use super::pin::PinSource;
use crate::command::Outcome;
use crate::command::outside::read_text;
use crate::terminal::{line, note};

const HELP: &str = "\
Examples:
  cyberid rp verify --direct --purpose register --check real_person > question.jws
  cyberid holder direct - --yes < question.jws | cyberid rp submit -

Exit codes:
  0  the proof is printed
  1  an error
  2  the command line is wrong
  3  you said no, and no proof was made";

/// Answer a service's app directly, with the platform not in between.
///
/// Checks that the service signed the question and that the platform vouches for the service, asks you, and prints a
/// sealed proof to hand back: the service cannot read it, and submits it. Compare the code that is shown with the one
/// on the service's page.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Direct {
    /// The question that the service signed (a compact JWS); `-` is standard input, where `--yes` is needed.
    request: String,
    #[command(flatten)]
    pin: PinSource,
    #[command(flatten)]
    face: FaceArgs,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    common: Common,
}

impl Direct {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let reviewed = device.holder.review_direct(&read_text(&self.request)?).await?;
        let asked = reviewed.request();
        note(&question(
            reviewed.party(),
            &asked.checks,
            &asked.purpose,
            &asked.factors,
            &reviewed.comparison_code(),
        ));
        if self.answer.decide("Make the proof?")? != Decision::Agree {
            return Ok(kept_back());
        }
        let pin = pin_if_asked(&self.pin, &asked.factors)?;
        let face = self.face.shown_if_asked(&device.holder, &asked.factors).await?;
        let factors = Factors {
            pin: pin.as_ref(),
            face: face.as_ref(),
            passkey: None,
        };
        let sealed = device.holder.direct_proof(&reviewed, factors).await?;
        if self.common.json {
            line(&json!({"sealed": sealed}).to_string());
        } else {
            line(&sealed);
        }
        Ok(ExitCode::SUCCESS)
    }
}
