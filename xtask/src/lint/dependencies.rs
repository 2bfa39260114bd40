//! What we depend on, by the rules in `deny.toml`.

use crate::{command, failure::Failure, setup};

/// Checks licences and sources of everything, direct dependencies of what ships, and known weaknesses.
pub(super) fn check() -> Result<(), Failure> {
    require_cargo_deny()?;
    // Brings every package's text to disk and fails when Cargo.lock is not what the manifests ask for.
    command::run("cargo", &["fetch", "--locked"])?;
    command::run("cargo", &["deny", "--offline", "check", "licenses", "sources"])?;
    // Who may lean on whom concerns what ships: a service's own tests may open a database.
    // The lists say who may, so a permission that nobody uses is no complaint.
    let bans = [
        "deny",
        "--offline",
        "--exclude-dev",
        "check",
        "--allow",
        "unused-wrapper",
        "bans",
    ];
    command::run("cargo", &bans)?;
    advisories()
}

fn require_cargo_deny() -> Result<(), Failure> {
    if command::succeeds("cargo", &["deny", "--version"]) {
        return Ok(());
    }
    setup::prepare_machine()?;
    command::run("cargo", &["install", "cargo-deny", "--locked"])
}

/// Fails on a known weakness. The database lives on a host that not every network reaches, so being
/// unable to fetch it is a warning, made hard to overlook.
fn advisories() -> Result<(), Failure> {
    if command::run("cargo", &["deny", "fetch", "db"]).is_ok() {
        return command::run("cargo", &["deny", "check", "advisories"]);
    }
    let line = "!".repeat(88);
    eprintln!("{line}");
    eprintln!("!! WARNING: the advisory database cannot be fetched. Dependencies were NOT checked for known");
    eprintln!(
        "!! weaknesses. Run `cargo deny check advisories` where the network allows it, before a release."
    );
    eprintln!("{line}");
    Ok(())
}
