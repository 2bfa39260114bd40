//! The campaigns behind `cargo xtask powercut`, `cargo xtask faults` and `cargo xtask kills`; each prints what it counted as
//! one line of JSON, last.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a command-line tool speaks to a person, and a surprise ends it"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use journeys::durability::{Home, Synchronous, faults, kills, powercut, require_strace};
use serde_json::{Value, json};

/// Proof that what was acknowledged stays.
#[derive(Parser)]
#[command(name = "durability", max_term_width = 100)]
struct Cli {
    /// The server to try; that of this build by default.
    #[arg(long, global = true, value_name = "FILE")]
    executable: Option<PathBuf>,
    /// What chance begins with: the same seed chooses the same operations and moments.
    #[arg(long, global = true, default_value_t = 20_261_123)]
    seed: u64,
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Subcommand)]
enum Campaign {
    /// Cuts the power: starts a server on exactly what completed syncs cover, at many moments of another's work.
    ///
    /// A control that does not sync what it acknowledges has to fail. Exits 1 if anything was lost, doubled, undeclared or
    /// broken, or if the control was not caught.
    Powercut(Powercut),
    /// Makes every system call of one append and one release on a file fail: EIO, ENOSPC, and the end of the process.
    ///
    /// Then pairs, the second while the server recovers from the first. Exits 1 if a fault did not happen, a server hung or
    /// did not recover, or anything was lost, doubled or undeclared.
    Faults(Faults),
    /// Kills the server at random, again and again, in the middle of mixed operations.
    ///
    /// Exits 1 if anything was lost, doubled, undeclared or broken, or an operation hung.
    Kills(Kills),
}

#[derive(Args)]
struct Powercut {
    /// At how many moments.
    #[arg(long, default_value_t = 2000)]
    cuts: usize,
    /// At how many moments the control's; 0 for no control.
    #[arg(long, default_value_t = 200)]
    control_cuts: usize,
    /// How many operations the server is asked for.
    #[arg(long, default_value_t = 600)]
    operations: usize,
    /// How many ask at once.
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// How many servers are started at once.
    #[arg(long, default_value_t = 8)]
    jobs: usize,
}

#[derive(Args)]
struct Faults {
    /// At how many system calls, evenly chosen, each failing in one way; all of them in every way by default.
    #[arg(long)]
    sites: Option<usize>,
    /// How many pairs.
    #[arg(long, default_value_t = 60)]
    pairs: usize,
    /// How many servers are tried at once.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
}

#[derive(Args)]
struct Kills {
    /// How often.
    #[arg(long = "kills", value_name = "KILLS", default_value_t = 200)]
    times: usize,
    /// How many operations the server is asked for.
    #[arg(long, default_value_t = 10_000)]
    operations: usize,
    /// How many ask at once.
    #[arg(long, default_value_t = 8)]
    workers: usize,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    require_strace();
    let executable = cli.executable.unwrap_or_else(journeys::executable);
    let executable = executable.canonicalize().unwrap();
    let since = Instant::now();
    let (kept, mut counts) = match cli.campaign {
        Campaign::Powercut(asked) => asked.run(&executable, cli.seed),
        Campaign::Faults(asked) => asked.run(&executable, cli.seed),
        Campaign::Kills(asked) => asked.run(&executable, cli.seed),
    };
    add(&mut counts, "seed", cli.seed.into());
    add(&mut counts, "seconds", since.elapsed().as_secs().into());
    println!("{counts}");
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn add(counts: &mut Value, name: &str, value: Value) {
    if let Value::Object(counts) = counts {
        counts.insert(name.into(), value);
    }
}

impl Powercut {
    fn run(&self, executable: &std::path::Path, seed: u64) -> (bool, Value) {
        let bar = Bar::new();
        let plan = powercut::Plan {
            cuts: self.cuts,
            operations: self.operations,
            workers: self.workers,
            jobs: self.jobs,
            seed,
        };
        let report = |synchronous, plan| {
            let home = Home::prepare(executable, synchronous);
            powercut::run(&home, plan, &|done, of, what| bar.show(done, of, what))
        };
        let kept = report(Synchronous::Full, plan);
        let mut counts = json!(kept);
        if self.control_cuts == 0 {
            return (kept.is_clean(), counts);
        }
        let cuts = self.control_cuts;
        let control = report(Synchronous::Normal, powercut::Plan { cuts, ..plan });
        add(&mut counts, "control", json!(control));
        (kept.is_clean() && !control.is_clean(), counts)
    }
}

impl Faults {
    fn run(&self, executable: &std::path::Path, seed: u64) -> (bool, Value) {
        let bar = Bar::new();
        let Self { sites, pairs, jobs } = *self;
        let homes = (0..jobs).map(|_| Home::prepare(executable, Synchronous::Full));
        let homes: Vec<Home> = homes.collect();
        let plan = faults::Plan { sites, pairs, seed };
        let report = faults::run(&homes, plan, &|done, of, what| bar.show(done, of, what));
        (report.is_clean(), json!(report))
    }
}

impl Kills {
    fn run(&self, executable: &std::path::Path, seed: u64) -> (bool, Value) {
        let bar = Bar::new();
        let home = Home::prepare(executable, Synchronous::Full);
        let plan = kills::Plan {
            kills: self.times,
            operations: self.operations,
            workers: self.workers,
            seed,
        };
        let report = kills::run(&home, plan, &|done, of, what| bar.show(done, of, what));
        (report.is_clean(), json!(report))
    }
}

/// A bar on a terminal, and nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg} ({eta} left)");
        Self(ProgressBar::new(0).with_style(style.unwrap()))
    }

    fn show(&self, done: usize, of: usize, what: &str) {
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
        self.0.set_message(what.to_owned());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
