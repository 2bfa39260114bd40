//! The campaign behind `cargo xtask canaries`; it prints what it counted as one line of JSON, last.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a command-line tool speaks to a person, and a surprise ends it"
)]

use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use journeys::canaries::{self, Plan};

/// Enrols people, and searches stores, logs, metrics, exports and memories for who they are.
///
/// Exits 1 if anything was found, or if the same search did not find what a control holds.
#[derive(Parser)]
#[command(name = "canaries", max_term_width = 100)]
struct Cli {
    /// How many people are enrolled.
    #[arg(long, default_value_t = 1000)]
    people: usize,
    /// How many of them show their PIN and release name and date of birth.
    #[arg(long, default_value_t = 100)]
    releases: usize,
    /// How many act at once.
    #[arg(long, default_value_t = 8)]
    workers: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli {
        people,
        releases,
        workers,
    } = Cli::parse();
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg} ({eta} left)");
    let bar = ProgressBar::new(0).with_style(style.unwrap());
    let plan = Plan {
        people,
        releases: releases.min(people),
        workers,
    };
    let report = canaries::run(plan, &|done, of, what| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        bar.set_message(what.to_owned());
    })
    .await;
    bar.finish_and_clear();
    for place in &report.places {
        eprintln!("{}", serde_json::to_string(place).unwrap());
    }
    println!("{}", serde_json::to_string(&report).unwrap());
    if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
