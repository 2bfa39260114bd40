//! `cyberid audit sample`

use std::process::ExitCode;

use clap::Args;
use cyberid_auditor::{SampledRelease, SeededRng, Trace, sample, trace};
use cyberid_crypto::base64url;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_protocol::audit::TracedRelease;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::anchors::{Trust, Trusted};
use super::ledger::{Ledger, Place, Platform};
use super::outcome::{FOUND, Found, end};
use super::regulator::Regulator;
use crate::command::Outcome;
use crate::command::outside::Failure;
use crate::terminal::{Show, paint, progress};

const GREEN: &str = "32";
const RED: &str = "31";

const HELP: &str = "\
Examples:
  cyberid audit sample --ledger http://127.0.0.1:8080 --sandbox --count 5
  cyberid audit sample --ledger https://id.example --regulator-key key.json --seed 2026-11 --reason 'monthly sample' --json

Exit codes:
  0  every release that was picked is as its leaves say
  1  something is wrong, with the log or with a release that was picked
  2  it cannot be read, or the command line is wrong";

/// Pick random releases from the log, and trace each from the person's signature to the last leaf.
///
/// Every release of the log is as likely to be picked as any other, and a seed picks the same ones again. For each the
/// platform has to show its leaves with their proofs, the signed consent, the request that it answers, the salt and the
/// device's public key: the only place where a consent itself is seen. The platform records that it was shown, and why.
///
/// Of a person who was erased, the leaves are left.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Sample {
    /// The platform's address.
    #[arg(long, value_name = "URL")]
    ledger: Place,
    #[command(flatten)]
    regulator: Regulator,
    #[command(flatten)]
    trust: Trust,
    /// How many releases.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    count: usize,
    /// What decides which are picked; without it, chance.
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
    /// Why they are looked at, for the platform's record.
    #[arg(long, value_name = "TEXT", default_value = "random sample")]
    reason: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// An exported directory was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("consents are shown by a platform only: say its address")]
struct NoPlatform;

/// A release that was picked, and what became of it.
struct Traced {
    picked: SampledRelease,
    result: Result<Trace, String>,
}

impl Sample {
    pub(super) async fn run(self) -> Outcome {
        let show = Show::json(self.json);
        let seed = match &self.seed {
            Some(seed) => seed.clone(),
            None => base64url::encode(&random::<16>(&SystemRng)),
        };
        match self.traced(&seed).await {
            Ok(traced) => {
                let clean = traced.iter().all(|traced| traced.result.is_ok());
                let releases: Vec<Value> = traced.iter().map(Traced::to_json).collect();
                let result = json!({"clean": clean, "seed": seed, "releases": releases});
                show.result(&result, |_| words(&traced, &seed));
                Ok(if clean {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(FOUND)
                })
            }
            Err(error) => Ok(end(&*error, show)),
        }
    }

    async fn traced(&self, seed: &str) -> Result<Vec<Traced>, Failure> {
        let ledger = Ledger::open(&self.ledger, &self.regulator).await?;
        let platform = ledger.platform.ok_or(NoPlatform)?;
        let Trusted { anchors, state, .. } = self.trust.decide(ledger.said)?;
        let (log, policy) = anchors.parse()?;
        let bar = progress("picking");
        let mut tell = |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        };
        let chance = (self.count, &SeededRng::new(seed) as &dyn cyberid_domain::Rng);
        let picked = sample(&*ledger.source, &log, &policy, &state, chance, &mut tell).await;
        bar.finish_and_clear();
        let mut traced = Vec::new();
        for picked in picked.map_err(|failure| Found::or_failed(failure, &state))? {
            let result = match self.shown(&platform, &picked).await {
                Ok(shown) => trace(&picked, &shown, &platform.issuer, &log, &policy)
                    .map_err(|broken| broken.to_string()),
                Err(cause) => Err(format!("the platform does not show it: {cause}")),
            };
            traced.push(Traced { picked, result });
        }
        Ok(traced)
    }

    async fn shown(
        &self,
        platform: &Platform,
        picked: &SampledRelease,
    ) -> Result<TracedRelease, cyberid_client::ClientError> {
        let mut reason = form_urlencoded::Serializer::new(String::new());
        reason.append_pair("reason", &self.reason);
        let path = format!("/v1/audit/releases/{}?{}", picked.release_id, reason.finish());
        platform.regulator.get(&path).await
    }
}

impl Traced {
    fn to_json(&self) -> Value {
        let leaves: Vec<u64> = self.picked.leaves.iter().map(|(index, _)| *index).collect();
        match &self.result {
            Ok(trace) => json!({"clean": true, "trace": trace}),
            Err(finding) => {
                json!({"clean": false, "release_id": self.picked.release_id, "leaves": leaves, "finding": finding})
            }
        }
    }

    fn words(&self) -> String {
        let release = &self.picked.release_id;
        match &self.result {
            Ok(trace) => {
                let consent = if trace.consent {
                    "consent and leaves fit"
                } else {
                    "erased; the leaves fit"
                };
                format!(
                    "{} {release}: {consent}, up to {}",
                    paint(GREEN, "Clean:"),
                    trace.last.as_str()
                )
            }
            Err(finding) => format!("{} {release}: {finding}", paint(RED, "Found:")),
        }
    }
}

fn words(traced: &[Traced], seed: &str) -> String {
    let mut lines: Vec<String> = traced.iter().map(Traced::words).collect();
    lines.push(format!("{} releases, picked by the seed {seed}.", traced.len()));
    lines.join("\n")
}
