//! `cargo xtask lint`: what the gate runs besides the tests.

mod dependencies;
mod private_keys;

use clap::ValueEnum;

use crate::{command, failure::Failure, layering, setup};

/// One check, in the order in which they run: the quick ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Check {
    /// No tracked file holds a private key, outside the published test keys
    Keys,
    /// Every file is formatted
    Format,
    /// No package reaches another that it must not, over any number of steps
    Layering,
    /// Licences, sources, advisories and direct dependencies are as deny.toml says
    Dependencies,
    /// Clippy has nothing to say
    Clippy,
}

/// Runs the named checks, or every check when none is named, stopping at the first that fails.
pub(crate) fn run(named: &[Check]) -> Result<(), Failure> {
    let checks = if named.is_empty() {
        Check::value_variants()
    } else {
        named
    };
    for check in checks {
        check.run()?;
    }
    println!("\nNothing to complain about.");
    Ok(())
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Keys => private_keys::check(),
            Self::Format => format(),
            Self::Layering => layering::check(),
            Self::Dependencies => dependencies::check(),
            Self::Clippy => clippy(),
        }
    }
}

fn format() -> Result<(), Failure> {
    require_component("fmt", "rustfmt")?;
    command::run("cargo", &["fmt", "--all", "--check"])
}

/// Clippy compiles every dependency, so the machine must have what those need.
fn clippy() -> Result<(), Failure> {
    setup::prepare_machine()?;
    require_component("clippy", "clippy")?;
    command::run(
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
    )
}

/// A minimal Rust installation lacks these; rustup brings them.
fn require_component(subcommand: &str, component: &str) -> Result<(), Failure> {
    if command::succeeds("cargo", &[subcommand, "--version"]) {
        return Ok(());
    }
    command::run("rustup", &["component", "add", component])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_check_comes_last() {
        assert_eq!(Check::value_variants().last(), Some(&Check::Clippy));
    }
}
