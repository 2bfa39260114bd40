//! What valgrind's `callgrind` tells of a run.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Stops where there is no valgrind.
pub(crate) fn require() {
    let asked = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    assert!(
        asked.is_ok_and(|asked| asked.success()),
        "install valgrind (Debian: apt-get install valgrind), which watches the program run"
    );
}

/// The names of all functions that ran, as the program's symbols have them.
///
/// One that calls itself is told once for each depth, with `'` and the depth behind its name.
pub(crate) fn functions(told: &str) -> BTreeSet<String> {
    told.lines()
        .filter_map(|line| line.strip_prefix("fn="))
        .map(|name| name.split('\'').next().unwrap_or(name).to_owned())
        .collect()
}
