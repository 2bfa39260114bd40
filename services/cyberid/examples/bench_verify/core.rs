//! Which core works for whom.

use std::process::Command;

/// The server's core.
pub(crate) const SERVER: usize = 0;
/// The core of everything else.
pub(crate) const LOAD: usize = 1;

/// A command that runs on one core only.
pub(crate) fn on(core: usize, program: &std::path::Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}
