//! Whether the time of an answer tells who asked: `cargo xtask bench timing`.
//!
//! Direct verifications of every outcome that a relying party may not tell apart are made in an order drawn anew, one at
//! a time over one connection, so that whatever drifts meets all of them alike. Each outcome's times are compared with
//! those of a pass by two tests that assume no distribution. Three things say what that is worth: a pass compared with
//! a pass, a problem that has to be seen, and the least difference that would have been.
//!
//! With the factor `device` the data directory is in memory, where no disk's noise hides a difference of microseconds.
//! With `pin` it is on the disk, where an outcome that writes less would wait for less.

mod outcome;
mod statistics;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use cyberid_domain::rng::{SystemRng, random};
use serde_json::{Value, json};

use self::outcome::Outcome;
use self::statistics::{Comparison, least_seen, median};
use crate::load::Line;
use crate::server::{FOLDER, Server, Setting};
use crate::traffic::Traffic;

/// The chance of seeing a difference where there is none, over all comparisons of a factor.
const LEVEL: f64 = 0.01;
/// Calls of each outcome that are made beforehand.
const PAGE: u32 = 250;

/// Whether the time of an answer tells who asked.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many calls of each outcome are compared for the factor `device`.
    #[arg(long, default_value_t = 5_000)]
    calls: u32,
    /// How many calls of each outcome are compared for the factor `pin`.
    #[arg(long, default_value_t = 250)]
    pins: u32,
    /// A folder in memory.
    #[arg(long, default_value = "/dev/shm/cyberid-bench")]
    memory: PathBuf,
}

/// The times in µs of each outcome's answers.
struct Sample {
    outcome: Outcome,
    times: Vec<f64>,
}

/// Measures both factors.
pub(crate) async fn measure(options: &Options) -> Value {
    let device = compare(
        &options.memory.join("timing"),
        &Outcome::OF_DEVICES,
        options.calls,
        false,
    )
    .await;
    let disk = Path::new(FOLDER).join("timing");
    let pin = compare(&disk, &Outcome::OF_PINS, options.pins, true).await;
    let _ = std::fs::remove_dir_all(&options.memory);
    json!({ "device": device, "pin": pin })
}

async fn compare(data: &Path, outcomes: &[Outcome], count: u32, with_pin: bool) -> Value {
    eprintln!("enrolling {count} people for each of {} outcomes", outcomes.len());
    outcome::enrol(data, outcomes, count).await;
    let server = Server::start(data, Setting::default()).await;
    let enrolled = (outcomes.len() - 1) * usize::try_from(count).unwrap();
    server
        .wait_until_everybody_is_in_memory(u32::try_from(enrolled).unwrap())
        .await;
    let samples = taken(&server, outcomes, count, with_pin).await;
    server.stop();
    report(&samples)
}

async fn taken(server: &Server, outcomes: &[Outcome], count: u32, with_pin: bool) -> Vec<Sample> {
    let traffic = Traffic::new(server, 1).await;
    let sample = |outcome: &Outcome| Sample {
        outcome: *outcome,
        times: Vec::new(),
    };
    let mut samples: Vec<Sample> = outcomes.iter().map(sample).collect();
    for first in (0..count).step_by(PAGE as usize) {
        traffic.fetch_nonce().await;
        let mut calls = Vec::new();
        for nth in first..count.min(first + PAGE) {
            for (place, outcome) in outcomes.iter().enumerate() {
                let mut sealed = traffic.sealed_by(&outcome.visitor(nth, with_pin), None);
                if *outcome == Outcome::Malformed {
                    sealed = sealed.replace('.', "_");
                }
                calls.push((place, traffic.direct(&sealed).await));
            }
        }
        let mut line = Line::to(server.address).await;
        for (place, call) in shuffled(calls) {
            let begun = Instant::now();
            let answer = line.call(&call).await;
            let sample = &mut samples[place];
            sample.times.push(begun.elapsed().as_secs_f64() * 1e6);
            let expected = if sample.outcome.is_secret() { 200 } else { 400 };
            let body = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status, expected, "{:?}: {body}", sample.outcome);
        }
    }
    samples
}

fn shuffled<T>(mut calls: Vec<T>) -> Vec<T> {
    for last in (1..calls.len()).rev() {
        let chance = u64::from_be_bytes(random(&SystemRng)) % (last as u64 + 1);
        calls.swap(last, usize::try_from(chance).unwrap());
    }
    calls
}

fn report(samples: &[Sample]) -> Value {
    let (pass, others) = samples.split_first().unwrap();
    let level = LEVEL / others.len() as f64;
    let least = least_seen(&pass.times, &others[0].times, level);
    let middle = median(&pass.times);
    eprintln!("a pass takes {middle:.1} µs; a difference of {least:.2} µs would be seen");
    let lines: Vec<Value> = others.iter().map(|other| line(pass, other, level)).collect();
    let differ = |secret: bool| {
        let of_kind = others
            .iter()
            .zip(&lines)
            .filter(|(other, _)| other.outcome.is_secret() == secret);
        of_kind.filter(|(_, line)| line["differs"] == true).count()
    };
    json!({
        "pass_median_us": middle,
        "least_seen_us": least,
        "told_apart": differ(true),
        "problem_is_seen": differ(false) == 1,
        "compared_with_a_pass": lines,
    })
}

fn line(pass: &Sample, other: &Sample, level: f64) -> Value {
    let compared = Comparison::of(&pass.times, &other.times);
    let differs = compared.differs(level);
    let later = median(&other.times) - median(&pass.times);
    eprintln!(
        "  {:<10} {later:>+9.2} µs at the median; ranks p={:.4}, shape p={:.4}: {}",
        format!("{:?}", other.outcome),
        compared.rank_p,
        compared.shape_p,
        if differs { "told apart" } else { "alike" },
    );
    json!({
        "outcome": format!("{:?}", other.outcome),
        "calls": other.times.len(),
        "later_us": later,
        "chance_of_being_later": compared.larger,
        "rank_p": compared.rank_p,
        "shape_p": compared.shape_p,
        "differs": differs,
    })
}
