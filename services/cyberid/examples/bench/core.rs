//! Which core works for whom.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The server's core.
pub(crate) const SERVER: usize = 0;
/// The core of everything else.
pub(crate) const LOAD: usize = 1;

/// A command that runs on one core only.
pub(crate) fn on(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// What another measurement of this program finds, in a process of its own on the server's core.
pub(crate) fn found_on_the_servers_core(arguments: &[String]) -> Value {
    let output = on(SERVER, &std::env::current_exe().unwrap())
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
