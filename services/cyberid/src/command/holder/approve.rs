//! `cyberid holder approve`

use std::process::ExitCode;

use clap::Args;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::pin::Pin;
use cyberid_holder::{Factors, ReviewedRequest, ReviewedVerification};
use cyberid_protocol::request::RequestingParty;
use cyberid_protocol::statement::Locale;
use serde_json::json;

use super::Common;
use super::decision::{Answer, Decision, left_alone};
use super::device::Device;
use super::face::FaceArgs;
use super::pin::{PinError, PinSource};
use crate::command::Outcome;
use crate::command::outside::moment;
use crate::terminal::note;

const HELP: &str = "\
Examples:
  cyberid holder approve http://127.0.0.1:8080/v1/requests/ver_YUxXbTdLV1RqRlN6ZVhGbw
  cyberid holder approve ver_YUxXbTdLV1RqRlN6ZVhGbw --yes --pin-file pin.txt
  curl -s localhost:8080/sandbox/people | jq '.people[4]' | cyberid holder approve ver_YUxXbTdLV1RqRlN6ZVhGbw --yes --face -";

/// Answer a service that asks for pass or fail.
///
/// Shows who asks, what, and for which purpose, each as the platform signed it and within what the service is registered
/// for; a request that fails this review is not shown at all. Then asks you. The service learns pass or fail and a
/// pseudonym that no other service knows you by.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Approve {
    /// The request: its address, as from a link or a QR code, or its id.
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

/// The request is of the other kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is a request for plaintext: read it with `cyberid holder release`")]
struct NotAVerification;

impl Approve {
    pub(super) async fn run(self) -> Outcome {
        let device = Device::open(&self.common)?;
        let reviewed = device
            .holder
            .fetch_request(&self.request, Locale::English)
            .await?;
        let ReviewedRequest::Verification(verification) = &reviewed else {
            return Err(NotAVerification.into());
        };
        note(&words(verification));
        let answer = match self.answer.decide("Answer this?")? {
            Decision::Leave => return Ok(left_alone()),
            Decision::Decline => {
                device.holder.decline(&reviewed).await?;
                "declined"
            }
            Decision::Agree => {
                let pin = pin_if_asked(&self.pin, &verification.request().factors)?;
                let asked = &verification.request().factors;
                let face = self.face.shown_if_asked(&device.holder, asked).await?;
                let factors = Factors {
                    pin: pin.as_ref(),
                    face: face.as_ref(),
                    passkey: None,
                };
                device.holder.answer_verification(verification, factors).await?;
                "answered"
            }
        };
        let result = json!({"id": reviewed.id(), "answer": answer});
        self.common
            .show()
            .result(&result, |_| format!("The request is {answer}."));
        Ok(ExitCode::SUCCESS)
    }
}

/// The PIN, if it is asked for.
pub(super) fn pin_if_asked(source: &PinSource, factors: &[Factor]) -> Result<Option<Pin>, PinError> {
    let asked = factors.contains(&Factor::Pin);
    asked.then(|| source.entered()).transpose()
}

/// Who asks for which checks, and why.
pub(super) fn question(
    party: &RequestingParty,
    checks: &[Check],
    purpose: &str,
    factors: &[Factor],
    comparison_code: &str,
) -> String {
    let checks: Vec<String> = checks
        .iter()
        .map(|check| format!("\n  - {}", check.as_str()))
        .collect();
    let checks = checks.concat();
    let beside: String = factors.iter().map(|factor| beside(*factor)).collect();
    let RequestingParty { name, domain, .. } = party;
    format!(
        "{name} ({domain}) asks whether this holds of you, and learns nothing but pass or fail:{checks}\n\
         Purpose: {purpose}. Answered with: this device{beside}.\n\
         The same code has to stand on its screen: {comparison_code}."
    )
}

/// What stands beside the device.
fn beside(factor: Factor) -> &'static str {
    match factor {
        Factor::Device => "",
        Factor::Pin => " and your PIN",
        Factor::Face => " and your face, shown to the identity source",
        Factor::Passkey => " and a passkey",
    }
}

fn words(verification: &ReviewedVerification) -> String {
    let request = verification.request();
    let question = question(
        &request.rp,
        &request.checks,
        &request.purpose,
        &request.factors,
        verification.comparison_code(),
    );
    let waits = request.checks.contains(&Check::GuardianConsent) && !request.guardian_agreed;
    let guardian = if waits {
        "\nUnder 14, answer it after your guardian has agreed: no guardian has yet."
    } else {
        ""
    };
    format!("{question}{guardian}\nUntil: {}.", moment(request.exp))
}
