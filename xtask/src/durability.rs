//! `cargo xtask powercut`, `faults` and `kills`: proof that what was acknowledged stays.

use crate::{command, failure::Failure};

/// Builds the server and the campaigns with optimisation, and runs the campaign of this name.
pub(crate) fn run(campaign: &str, args: &[String]) -> Result<(), Failure> {
    command::run("cargo", &["build", "--release", "--package", "cyberid"])?;
    let run = command_line(campaign, args);
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    command::run("cargo", &run)
}

fn command_line(campaign: &str, args: &[String]) -> Vec<String> {
    let run = [
        "run",
        "--release",
        "--package",
        "journeys",
        "--example",
        "durability",
        "--",
        campaign,
    ];
    run.into_iter()
        .map(str::to_owned)
        .chain(args.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_run_with_optimisation_and_its_own_arguments() {
        let line = command_line("kills", &["--kills".into(), "5".into()]);
        assert_eq!(line[1], "--release");
        assert_eq!(line[6..], ["--", "kills", "--kills", "5"]);
    }
}
