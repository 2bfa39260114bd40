//! `cargo xtask canaries`: proof that who somebody is stays nowhere.

use crate::{command, failure::Failure};

/// Builds the server and the campaign with optimisation, and runs the campaign.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    command::run("cargo", &["build", "--release", "--package", "cyberid"])?;
    let run = command_line(args);
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    command::run("cargo", &run)
}

fn command_line(args: &[String]) -> Vec<String> {
    let run = [
        "run",
        "--release",
        "--package",
        "journeys",
        "--example",
        "canaries",
        "--",
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
    fn the_campaign_is_run_with_optimisation_and_its_own_arguments() {
        let line = command_line(&["--people".into(), "5".into()]);
        assert_eq!(line[1], "--release");
        assert_eq!(line[6..], ["--", "--people", "5"]);
    }
}
