//! `cyberid holder wards`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_domain::id::{VerificationId, WardId};
use cyberid_holder::{Holder, ReviewedVerification, ReviewedWard};
use serde_json::{Value, json};

use super::Common;
use super::approve::question;
use super::decision::{Answer, Decision, left_alone};
use super::device::Device;
use crate::command::Outcome;
use crate::command::outside::{Failure, read_text_of};
use crate::terminal::note;

const HELP: &str = "\
Examples:
  cyberid holder wards
  cyberid holder wards approve ver_YUxXbTdLV1RqRlN6ZVhGbw --yes";

const APPROVE_HELP: &str = "\
Examples:
  cyberid holder wards approve ver_YUxXbTdLV1RqRlN6ZVhGbw
  cyberid holder wards approve ver_YUxXbTdLV1RqRlN6ZVhGbw --decline";

/// Show, as a guardian, your wards and what waits for your word.
///
/// A ward under 14 whom a service asks for `guardian_consent` can pass only after you agreed to that very question. Each is shown
/// as your own would be: as the platform signed it, and within what the service is registered for.
#[derive(Debug, Args)]
#[command(after_long_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Wards {
    #[command(subcommand)]
    answer: Option<WardsCommand>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum WardsCommand {
    Approve(Approve),
    End(End),
    Appoint(Appoint),
}

const END_HELP: &str = "\
Examples:
  cyberid holder wards end ward_3q2-7wAAAAAAAAAAAAAAAA";

const APPOINT_HELP: &str = "\
Examples:
  cyberid holder wards appoint --home child consent.jws";

/// End your guardianship of a ward, at once and for good.
///
/// A ward under 14 passes and releases nothing until they have another guardian.
#[derive(Debug, Args)]
#[command(after_long_help = END_HELP)]
struct End {
    /// The ward's id, as `cyberid holder wards` lists it.
    ward: WardId,
    #[command(flatten)]
    common: Common,
}

/// Name another guardian on the ward's own device, when none is left.
///
/// The file holds what `cyberid holder guardian-consent` printed on the new guardian's device.
#[derive(Debug, Args)]
#[command(after_long_help = APPOINT_HELP)]
struct Appoint {
    /// The new guardian's consent.
    #[arg(value_name = "FILE")]
    consent: std::path::PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Agree to what a ward is asked, or refuse it.
///
/// Once you have agreed, the ward answers on their own device. A refusal ends the question.
#[derive(Debug, Args)]
#[command(after_long_help = APPROVE_HELP)]
struct Approve {
    /// The question's id, as `cyberid holder wards` lists it.
    request: VerificationId,
    #[command(flatten)]
    answer: Answer,
    #[command(flatten)]
    common: Common,
}

/// No ward of this holder has opened such a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no ward of yours waits with this request: `cyberid holder wards` lists them")]
struct NotWaiting;

impl Wards {
    pub(super) async fn run(self) -> Outcome {
        match self.answer {
            Some(WardsCommand::Approve(approve)) => return approve.run().await,
            Some(WardsCommand::End(end)) => return end.run().await,
            Some(WardsCommand::Appoint(appoint)) => return appoint.run().await,
            None => {}
        }
        let wards = Device::open(&self.common)?.holder.wards().await?;
        let listed: Vec<Value> = wards.iter().map(listed).collect();
        self.common
            .show()
            .result(&json!({"wards": listed}), |_| words(&wards));
        Ok(ExitCode::SUCCESS)
    }
}

impl End {
    async fn run(self) -> Outcome {
        let holder = Device::open(&self.common)?.holder;
        holder.end_guardianship(&self.ward).await?;
        let result = json!({"ward": self.ward, "ended": true});
        self.common
            .show()
            .result(&result, |_| "The guardianship is over.".to_owned());
        Ok(ExitCode::SUCCESS)
    }
}

impl Appoint {
    async fn run(self) -> Outcome {
        let consent = read_text_of(&self.consent)?;
        let holder = Device::open(&self.common)?.holder;
        holder.appoint_guardian(&consent).await?;
        self.common.show().result(&json!({"guardian": "appointed"}), |_| {
            "You have a guardian.".to_owned()
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl Approve {
    async fn run(self) -> Outcome {
        let holder = Device::open(&self.common)?.holder;
        let (ward, reviewed) = waiting(&holder, &self.request).await?;
        note(&said(&reviewed));
        let answer = match self.answer.decide("Agree for your ward?")? {
            Decision::Leave => return Ok(left_alone()),
            Decision::Decline => {
                holder.decline_for_ward(&ward, &reviewed).await?;
                "declined"
            }
            Decision::Agree => {
                holder.agree_for_ward(&ward, &reviewed).await?;
                "agreed"
            }
        };
        let result = json!({"id": self.request, "ward": ward, "answer": answer});
        self.common
            .show()
            .result(&result, |_| format!("The request is {answer}."));
        Ok(ExitCode::SUCCESS)
    }
}

async fn waiting(
    holder: &Holder,
    request: &VerificationId,
) -> Result<(WardId, ReviewedVerification), Failure> {
    for ward in holder.wards().await? {
        let mut requests = ward.requests.into_iter();
        if let Some(found) = requests.find(|reviewed| reviewed.request().id == *request) {
            return Ok((ward.id, found));
        }
    }
    Err(NotWaiting.into())
}

fn listed(ward: &ReviewedWard) -> Value {
    let requests = ward.requests.iter().map(|reviewed| {
        let request = reviewed.request();
        json!({"id": request.id, "rp": request.rp, "purpose": request.purpose, "checks": request.checks,
            "comparison_code": request.comparison_code, "exp": request.exp})
    });
    json!({"id": ward.id, "requests": requests.collect::<Vec<_>>()})
}

fn words(wards: &[ReviewedWard]) -> String {
    if wards.is_empty() {
        return "You are nobody's guardian.".into();
    }
    let ward = |ward: &ReviewedWard| {
        let requests = ward.requests.iter().map(|reviewed| {
            let said = said(reviewed).replace('\n', "\n  ");
            format!("\n  {}\n  {said}", reviewed.request().id)
        });
        format!("{}{}", ward.id, requests.collect::<String>())
    };
    wards.iter().map(ward).collect::<Vec<_>>().join("\n")
}

/// What the ward is asked.
fn said(reviewed: &ReviewedVerification) -> String {
    let request = reviewed.request();
    question(
        &request.rp,
        &request.checks,
        &request.purpose,
        &request.factors,
        &request.comparison_code,
    )
}
