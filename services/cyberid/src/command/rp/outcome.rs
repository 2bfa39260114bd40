//! How a verification ends, and `cyberid rp result`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use cyberid_domain::id::VerificationId;
use cyberid_relying_party::{PendingVerification, VerifiedAttestation, VerifiedOutcome};
use serde_json::{Value, json};

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::{Failure, moment};
use crate::terminal::{Show, paint};

/// The code where what was asked does not hold.
const DOES_NOT_HOLD: u8 = 3;
/// The code where nobody answered.
pub(super) const NO_ANSWER: u8 = 4;

const GREEN: &str = "32";
const RED: &str = "31";

const HELP: &str = "\
Examples:
  cyberid rp result ver_YUxXbTdLV1RqRlN6ZVhGbw --wait 60

Exit codes:
  0  everything that was asked holds
  1  an error
  2  the command line is wrong
  3  it does not hold
  4  no answer";

/// Look again for the answer to a verification.
///
/// Takes up what `cyberid rp verify` asked from the same directory, with the nonce that the answer has to carry.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Look {
    /// The verification.
    id: VerificationId,
    /// For how many seconds to wait; without it, until the question expires.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    #[command(flatten)]
    common: Common,
}

impl Look {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let pending = party.verification(&self.id)?;
        conclude(&party, &pending, self.wait, self.common.show()).await
    }
}

/// Waits for the answer, shows it, and says by the exit code what it was.
pub(super) async fn conclude(
    party: &Party,
    pending: &PendingVerification,
    wait: Option<u64>,
    show: Show,
) -> Outcome {
    let outcome = wait_for(party, pending, wait).await?;
    if outcome.is_some() {
        party.forget_verification(&pending.id)?;
    }
    let (result, code) = match &outcome {
        Some(VerifiedOutcome::Attested(attestation)) => attested(attestation),
        Some(VerifiedOutcome::Declined) => (no_answer("declined"), NO_ANSWER),
        Some(VerifiedOutcome::Expired) => (no_answer("expired"), NO_ANSWER),
        None => (no_answer("pending"), NO_ANSWER),
    };
    show.result(&result, words);
    Ok(ExitCode::from(code))
}

/// The outcome, if it comes in time.
async fn wait_for(
    party: &Party,
    pending: &PendingVerification,
    wait: Option<u64>,
) -> Result<Option<VerifiedOutcome>, Failure> {
    let answer = party.rp.wait(pending);
    let Some(seconds) = wait else {
        return Ok(Some(answer.await?));
    };
    match tokio::time::timeout(Duration::from_secs(seconds.max(1)), answer).await {
        Ok(outcome) => Ok(Some(outcome?)),
        Err(_elapsed) => Ok(None),
    }
}

/// What a checked attestation says, and the exit code that says it too.
pub(super) fn attested(attestation: &VerifiedAttestation) -> (Value, u8) {
    let passed = attestation.passed();
    let result = json!({
        "outcome": if passed.is_some() { "passed" } else { "failed" },
        "sub": passed,
        "checks": attestation.checks(),
        "acr": attestation.acr(),
        "issued_at": attestation.issued_at(),
        "attestation": attestation.compact(),
    });
    (result, if passed.is_some() { 0 } else { DOES_NOT_HOLD })
}

fn no_answer(outcome: &str) -> Value {
    json!({"outcome": outcome})
}

/// An outcome in words.
pub(super) fn words(result: &Value) -> String {
    let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("outcome") {
        "passed" => {
            let checks = check_words(result);
            format!(
                "{}: {checks}\nPseudonym here: {}",
                paint(GREEN, "It holds"),
                text("sub")
            )
        }
        "failed" => format!("{}: {}", paint(RED, "It does not hold"), check_words(result)),
        "declined" => "The person refused. Nothing follows from that.".into(),
        "expired" => "Nobody answered in time.".into(),
        _ => "Not answered yet: `cyberid rp result` looks again.".into(),
    }
}

fn check_words(result: &Value) -> String {
    let checks = result
        .get("checks")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let checks: Vec<String> = checks
        .map(|(check, outcome)| format!("{check} {}", outcome.as_str().unwrap_or_default()))
        .collect();
    let acr = result.get("acr").and_then(Value::as_str).unwrap_or_default();
    let time = result
        .get("issued_at")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let time = moment(cyberid_domain::UnixTime(time));
    format!("{} (answered with {acr}, attested {time})", checks.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_words() {
        let passed = json!({"outcome": "passed", "sub": "S", "checks": {"real_person": "pass"}, "acr": "device",
            "issued_at": 1_784_131_200});
        let words_of_pass = words(&passed);
        assert!(
            words_of_pass.contains("real_person pass") && words_of_pass.ends_with("here: S"),
            "{words_of_pass}"
        );
        let outcomes = ["failed", "declined", "expired", "pending"].map(|outcome| words(&no_answer(outcome)));
        for (index, text) in outcomes.iter().enumerate() {
            assert!(!outcomes[index + 1..].contains(text), "{text}");
        }
    }
}
