//! The one door to the workspace: `cargo xtask <task>` sets up, tests, checks, generates and measures.
//!
//! Every task starts other programs and shows each command before running it, so that a reader
//! learns what to type when one step alone is wanted. Nothing here is part of the platform.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to a person"
)]

mod bench;
mod canaries;
mod command;
mod durability;
mod failure;
mod fuzz;
mod layering;
mod lint;
mod openapi;
mod setup;
mod test;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::failure::Failure;

/// Set up, test, check, generate and measure CyberID.
///
/// New here? `cargo xtask test` does everything from a bare Debian machine with Rust on it: it installs
/// what is missing, builds the executable and runs every test. Before a commit, `cargo xtask lint` runs
/// what the gate runs. Each command that a task starts is printed before it runs, after a `>`.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what this machine lacks: compiler, OpenSSL headers, what the examples need
    ///
    /// As root on Debian or Ubuntu it installs the packages; as anybody else it prints the one command to
    /// run and exits 1. The examples' Python and Node packages go into folders inside
    /// this one, never system-wide. Running it again when nothing is missing takes a moment and changes nothing.
    Setup,
    /// Set up, build the executable, run every test and every documentation example
    ///
    /// Uses cargo-nextest when it is installed and `cargo test` otherwise. Stops at the first command that
    /// fails and exits with its code. For one crate: `cargo test -p cyberid-tlog`.
    Test,
    /// Run what the gate runs besides tests: formatting, keys, layering, dependencies, clippy
    ///
    /// Without arguments every check runs, cheap ones first; with arguments only those named do:
    /// `cargo xtask lint layering`.
    Lint {
        /// The checks to run; all of them when none is named
        #[arg(value_enum)]
        checks: Vec<lint::Check>,
    },
    /// Regenerate openapi/*.json from the routes
    Openapi {
        /// Change nothing; fail when the committed documents differ from the routes
        #[arg(long)]
        check: bool,
    },
    /// Run a measurement; without a name, list them
    ///
    /// A measurement is an example named bench_<NAME>.rs of any crate, built with optimisation. Its last
    /// line of output is one JSON object, so that results can be kept and compared.
    Bench {
        /// Which measurement
        name: Option<String>,
        /// Arguments for the measurement itself, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Let libFuzzer look for inputs that break a parser's promise
    ///
    /// Without a name every target runs, one after another. What breaks a promise is written to
    /// fuzz/artifacts/<TARGET>/: fix it, and move it to fuzz/found/<TARGET>/, where the ordinary tests
    /// run it from then on.
    Fuzz {
        /// Which target, by the name of its file
        target: Option<String>,
        /// For how many seconds each
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Enrol a thousand people, and search stores, logs, metrics, exports and memories for who they are
    ///
    /// The last line is one JSON object: `people`, `canaries`, `encodings`, `files`, `bytes`, `found`, and a control in which
    /// they have to be found. docs/canaries.md says what is searched for, and where.
    #[command(disable_help_flag = true)]
    Canaries {
        /// Arguments for the campaign itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Cut the power at thousands of moments, and look for what was acknowledged
    ///
    /// The last line is one JSON object: `cuts`, `acknowledged`, `lost`, `doubled`, and the same of a control that does not
    /// sync and has to be caught. `cargo xtask powercut --help` says what can be smaller; docs/durability.md what is modelled.
    #[command(disable_help_flag = true)]
    Powercut {
        /// Arguments for the campaign itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Make every system call of an append and a release on a file fail, and then look
    ///
    /// The last line is one JSON object: `sites`, `faults`, `hits`, `pairs`, `acknowledged`, `lost`, `doubled`.
    #[command(disable_help_flag = true)]
    Faults {
        /// Arguments for the campaign itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Kill the server at random in thousands of operations, and then look
    ///
    /// The last line is one JSON object: `kills`, `operations`, `acknowledged`, `lost`, `doubled`.
    #[command(disable_help_flag = true)]
    Kills {
        /// Arguments for the campaign itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    match go() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\ncargo xtask: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn go() -> Result<(), Failure> {
    let root = workspace_root();
    env::set_current_dir(&root).map_err(|error| Failure::file(&root, &error))?;
    match parse_arguments(&root).task {
        Task::Setup => setup::run(),
        Task::Test => test::run(),
        Task::Lint { checks } => lint::run(&checks),
        Task::Openapi { check } => openapi::run(check),
        Task::Bench { name, args } => bench::run(name.as_deref(), &args),
        Task::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Task::Canaries { args } => canaries::run(&args),
        Task::Powercut { args } => durability::run("powercut", &args),
        Task::Faults { args } => durability::run("faults", &args),
        Task::Kills { args } => durability::run("kills", &args),
    }
}

/// The workspace this was started in; cargo names the folder of this package when it runs it.
fn workspace_root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package)
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Parses the command line, with the measurements that exist today in the help of `bench`.
fn parse_arguments(root: &Path) -> Cli {
    let measurements = bench::listing(&bench::discover(root));
    let matches = Cli::command()
        .mut_subcommand("bench", |bench| bench.after_help(measurements))
        .get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_root_is_where_the_workspace_manifest_lies() {
        let manifest = std::fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
        assert!(manifest.starts_with("[workspace]"));
    }

    #[test]
    fn lint_takes_checks_by_name() {
        let cli = Cli::parse_from(["cargo xtask", "lint", "layering", "format"]);
        let Task::Lint { checks } = cli.task else {
            panic!("not lint")
        };
        assert_eq!(checks, [lint::Check::Layering, lint::Check::Format]);
    }

    #[test]
    fn a_campaign_takes_its_own_arguments() {
        let cli = Cli::parse_from(["cargo xtask", "powercut", "--cuts", "12", "--help"]);
        let Task::Powercut { args } = cli.task else {
            panic!("not powercut")
        };
        assert_eq!(args, ["--cuts", "12", "--help"]);
    }
}
