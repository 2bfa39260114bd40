//! `cargo xtask setup`: from a bare machine with Rust to one that can build and test everything.

mod examples;
mod machine;

use crate::failure::Failure;

pub(crate) use machine::prepare as prepare_machine;

/// Installs the system packages that are missing, then what the examples need.
pub(crate) fn run() -> Result<(), Failure> {
    machine::prepare()?;
    examples::prepare_python()?;
    examples::prepare_node()
}
