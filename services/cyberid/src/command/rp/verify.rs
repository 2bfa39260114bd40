//! `cyberid rp verify`

use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cyberid_domain::Clock as _;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::CounterCode;
use cyberid_protocol::direct_request;
use cyberid_relying_party::{Ask, PendingVerification};
use serde_json::{Value, json};

use super::Common;
use super::outcome::conclude;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::{Failure, checks, moment};
use crate::terminal::{line, note};

const HELP: &str = "\
Examples:
  cyberid rp verify --purpose register --check real_person --check age_over_18
  cyberid rp verify --purpose register --check same_person --sub Bp2X... --factor pin --wait 60
  cyberid rp verify --purpose register --check real_person --direct

Exit codes:
  0  everything that was asked holds (or, with `--wait 0` and `--direct`, it was asked)
  1  an error
  2  the command line is wrong
  3  it does not hold
  4  no answer: refused, expired, or not in time";

/// Ask whether somebody is real, old enough, the same as before.
///
/// Prints the address that the person's app fetches (for a link or a QR code) and the code of four digits to show beside
/// it, which has to stand on the person's device too. Then waits, and prints what the attestation says once every check
/// of it has passed: pass or fail, and the person's pseudonym here. With `--json`, one object when it was asked and one
/// when it was answered.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Verify {
    /// The registered purpose.
    #[arg(long)]
    purpose: String,
    /// What to check; may be given several times.
    #[arg(long = "check", value_name = "CHECK", value_parser = checks(), required = true)]
    checks: Vec<Check>,
    /// What the person shows beyond the device.
    #[arg(long = "factor", value_name = "FACTOR", value_parser = factors())]
    factors: Vec<Factor>,
    /// The pseudonym that `same_person` compares with.
    #[arg(long, allow_hyphen_values = true)]
    sub: Option<String>,
    /// The code that the person shows at the counter: then only their device can answer, and finds the question by itself.
    #[arg(long, value_name = "CODE", conflicts_with = "direct")]
    code: Option<CounterCode>,
    /// For how many seconds the person can answer.
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// For how many seconds to wait for the answer; without it, until the question expires. `cyberid rp result` looks again.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Print a signed question to hand to the person's app yourself; `cyberid rp submit` takes the answer.
    #[arg(long, conflicts_with = "wait")]
    direct: bool,
    #[command(flatten)]
    common: Common,
}

fn factors() -> impl TypedValueParser<Value = Factor> {
    let named = |name: String| Factor::ALL.into_iter().find(|factor| factor.as_str() == name);
    PossibleValuesParser::new(Factor::ALL.map(Factor::as_str))
        .try_map(move |name| named(name).ok_or("no such factor"))
}

impl Verify {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let ask = Ask {
            purpose: self.purpose,
            checks: self.checks,
            factors: self.factors,
            sub: self.sub,
            code: self.code,
            expires_in: self.expires_in,
        };
        if self.direct {
            return direct(&party, &ask, &self.common).await;
        }
        let pending = party.rp.request_verification(&ask).await?;
        party.keep_verification(&pending)?;
        self.common.show().result(&asked(&pending), |_| {
            format!(
                "{}\nShow this code, which has to stand on the device too: {}\nCan be answered until {}.",
                pending.request_uri,
                pending.comparison_code,
                moment(pending.expires_at)
            )
        });
        match self.wait {
            Some(0) => Ok(ExitCode::SUCCESS),
            wait => conclude(&party, &pending, wait, self.common.show()).await,
        }
    }
}

async fn direct(party: &Party, ask: &Ask, common: &Common) -> Outcome {
    let (compact, expected) = party.rp.direct_request(ask).await?;
    let nonce = expected.nonce().clone();
    let code = party.rp.comparison_code(&expected);
    let life = ask
        .expires_in
        .unwrap_or(direct_request::MAX_LIFE)
        .min(direct_request::MAX_LIFE);
    let until = SystemClock.now().plus(life);
    party.keep_question(expected, until)?;
    if common.json {
        line(
            &json!({"request": compact, "nonce": nonce, "expires_at": until, "comparison_code": code})
                .to_string(),
        );
    } else {
        note(&format!(
            "The nonce is {nonce}; the code to show is {code}; it can be answered until {}.",
            moment(until)
        ));
        line(&compact);
    }
    Ok::<_, Failure>(ExitCode::SUCCESS)
}

fn asked(pending: &PendingVerification) -> Value {
    json!({"id": pending.id, "request_uri": pending.request_uri, "expires_at": pending.expires_at,
        "comparison_code": pending.comparison_code})
}
