//! The demo, as a stranger runs it on a machine of one core.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::fs::read_to_string;
use std::process::Command;

use journeys::executable;

/// The first core that this process may use.
fn core() -> String {
    let status = read_to_string("/proc/self/status").unwrap();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let cores = allowed.unwrap().trim();
    cores.split(['-', ',']).next().unwrap().to_owned()
}

#[test]
fn every_step_does_what_it_should_on_one_core() {
    let there = tempfile::tempdir().unwrap();
    let ran = Command::new("taskset")
        .args(["--cpu-list", &core()])
        .arg(executable())
        .args(["demo", "--once"])
        .current_dir(there.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.contains("Every step did what it should"),
        "{said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
