//! `cargo xtask test`: everything that must hold, in one command.

use std::time::Instant;

use crate::{command, failure::Failure, setup};

/// Sets the machine up, builds the executable, and runs every test, stopping at the first failure.
pub(crate) fn run() -> Result<(), Failure> {
    let start = Instant::now();
    setup::run()?;
    let nextest = command::succeeds("cargo", &["nextest", "--version"]);
    for step in steps(nextest) {
        command::run("cargo", step)?;
    }
    println!("\nEvery test passed ({} s).", start.elapsed().as_secs());
    Ok(())
}

/// The cargo commands in order. The executable comes first and alone, with exactly the features it is
/// shipped with, because the whole-platform tests start it.
fn steps(nextest: bool) -> Vec<&'static [&'static str]> {
    let build: &[&str] = &["build", "--package", "cyberid"];
    if nextest {
        // Nextest runs no documentation examples.
        vec![
            build,
            &["nextest", "run", "--workspace"],
            &["test", "--doc", "--workspace"],
        ]
    } else {
        vec![build, &["test", "--workspace"]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_built_before_any_test_runs() {
        for nextest in [true, false] {
            assert_eq!(steps(nextest).first().unwrap().first(), Some(&"build"));
        }
    }

    #[test]
    fn documentation_examples_run_whichever_runner_is_there() {
        assert!(steps(true).iter().any(|step| step.contains(&"--doc")));
        // Plain `cargo test` includes them.
        assert_eq!(steps(false).last().unwrap(), &["test", "--workspace"]);
    }
}
