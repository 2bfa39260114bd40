//! System packages: which programs the workspace needs, and the Debian packages that bring them.

use std::path::Path;

use super::examples;
use crate::{command, failure::Failure};

/// Something the machine must have.
struct Need {
    /// What it is, in words.
    what: &'static str,
    /// Commands that all succeed where it is present.
    probes: &'static [&'static [&'static str]],
    /// The Debian packages that bring it.
    packages: &'static [&'static str],
    /// It is needed only where this file exists.
    only_with: Option<&'static str>,
}

/// Everything the workspace needs. The cryptography in aws-lc-sys and the SQLite that sqlx brings compile
/// with a C compiler alone, so neither CMake nor Perl is among it.
const NEEDS: [Need; 6] = [
    Need {
        what: "a C compiler and make",
        probes: &[&["cc", "--version"], &["make", "--version"]],
        packages: &["build-essential"],
        only_with: None,
    },
    Need {
        what: "the OpenSSL headers and pkg-config",
        probes: &[&["pkg-config", "--exists", "openssl"]],
        packages: &["pkg-config", "libssl-dev"],
        only_with: None,
    },
    Need {
        what: "strace (for the tests of power cuts and of failing system calls)",
        probes: &[&["strace", "-V"]],
        packages: &["strace"],
        only_with: None,
    },
    Need {
        what: "SoftHSM (for the tests of keystores in a PKCS#11 token)",
        probes: &[
            &["softhsm2-util", "--version"],
            &["test", "-e", "/usr/lib/softhsm/libsofthsm2.so"],
        ],
        packages: &["softhsm2"],
        only_with: None,
    },
    Need {
        what: "Python 3 with venv (for the Python examples)",
        probes: &[&["python3", "-c", "import ensurepip, venv"]],
        packages: &["python3", "python3-venv"],
        only_with: Some(examples::REQUIREMENTS),
    },
    Need {
        what: "Node.js with npm (for the JavaScript examples)",
        probes: &[&["node", "--version"], &["npm", "--version"]],
        packages: &["nodejs", "npm"],
        only_with: Some(examples::NODE_PACKAGE),
    },
];

/// Installs the missing packages when we are root on Debian or its kin; otherwise says what to run.
pub(crate) fn prepare() -> Result<(), Failure> {
    let missing = missing_here();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages(&missing);
    if !command::succeeds("apt-get", &["--version"]) {
        return Err(lacking(
            &missing,
            format!("Install what Debian calls: {}", packages.join(" ")),
        ));
    }
    if !is_root() {
        return Err(lacking(&missing, format!("Run: {}", install_command(&packages))));
    }
    install(&packages)?;
    let still = missing_here();
    if still.is_empty() {
        Ok(())
    } else {
        Err(lacking(
            &still,
            "The packages are installed, but not found on PATH.".into(),
        ))
    }
}

fn missing_here() -> Vec<&'static Need> {
    missing(&NEEDS, |file| Path::new(file).exists(), probe)
}

/// The needs that apply here and of which some probe does not succeed.
fn missing(needs: &[Need], exists: impl Fn(&str) -> bool, works: impl Fn(&[&str]) -> bool) -> Vec<&Need> {
    let applies = |need: &&Need| need.only_with.is_none_or(&exists);
    needs
        .iter()
        .filter(applies)
        .filter(|need| !need.probes.iter().all(|probe| works(probe)))
        .collect()
}

fn probe(command: &[&str]) -> bool {
    command
        .split_first()
        .is_some_and(|(program, args)| command::succeeds(program, args))
}

fn packages(needs: &[&Need]) -> Vec<&'static str> {
    needs.iter().flat_map(|need| need.packages).copied().collect()
}

fn lacking(needs: &[&Need], remedy: String) -> Failure {
    Failure::Missing {
        what: needs.iter().map(|need| need.what.to_owned()).collect(),
        remedy,
    }
}

/// The one command that an administrator types.
fn install_command(packages: &[&str]) -> String {
    let packages = packages.join(" ");
    format!("sudo sh -c 'apt-get update && apt-get install --yes --no-install-recommends {packages}'")
}

fn install(packages: &[&str]) -> Result<(), Failure> {
    command::run("apt-get", &["update"])?;
    let quiet = [
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "install",
        "--yes",
        "--no-install-recommends",
    ];
    command::run("env", &[&quiet, packages].concat())
}

fn is_root() -> bool {
    command::output("id", &["-u"]).is_ok_and(|id| id.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(needs: &[&Need]) -> Vec<&'static str> {
        packages(needs)
    }

    #[test]
    fn a_complete_machine_lacks_nothing() {
        assert!(missing(&NEEDS, |_| true, |_| true).is_empty());
    }

    #[test]
    fn one_failing_probe_is_enough_to_need_the_packages() {
        let found = missing(&NEEDS, |_| true, |probe| probe[0] != "make");
        assert_eq!(names(&found), ["build-essential"]);
    }

    #[test]
    fn examples_that_are_not_there_need_nothing() {
        let found = missing(&NEEDS, |file| file == examples::NODE_PACKAGE, |_| false);
        assert_eq!(
            names(&found),
            [
                "build-essential",
                "pkg-config",
                "libssl-dev",
                "strace",
                "softhsm2",
                "nodejs",
                "npm"
            ]
        );
    }

    #[test]
    fn the_command_to_type_names_every_package_once() {
        let found = missing(&NEEDS, |_| false, |probe| probe[0] != "pkg-config");
        assert_eq!(
            install_command(&packages(&found)),
            "sudo sh -c 'apt-get update && apt-get install --yes --no-install-recommends pkg-config libssl-dev'"
        );
    }
}
