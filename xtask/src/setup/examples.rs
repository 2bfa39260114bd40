//! Packages of the examples and the stock clients in other languages, installed beside the build and never system-wide.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{command, failure::Failure};

/// The Python packages that the Python examples import.
pub(super) const REQUIREMENTS: &str = "examples/python/requirements.txt";
/// The Node packages that the JavaScript examples import.
pub(super) const NODE_PACKAGE: &str = "examples/node/package.json";

/// Each list of Python packages, and the environment that holds them.
const PYTHON: [(&str, &str); 2] = [
    (REQUIREMENTS, "target/examples-venv"),
    ("tests/clients/python/requirements.txt", "target/clients-venv"),
];
/// Each folder of JavaScript, and what remembers its installation.
const NODE: [(&str, &str); 2] = [
    ("examples/node", "target/examples-node.installed"),
    ("tests/clients/node", "target/clients-node.installed"),
];

/// Makes each environment hold what its requirements name, where there are any.
pub(super) fn prepare_python() -> Result<(), Failure> {
    PYTHON
        .into_iter()
        .try_for_each(|(requirements, environment)| install_python(requirements, environment))
}

/// Makes each folder's `node_modules` hold what its package file names, where there is one.
pub(super) fn prepare_node() -> Result<(), Failure> {
    NODE.into_iter()
        .try_for_each(|(folder, stamp)| install_node(folder, stamp))
}

fn install_python(requirements: &str, environment: &str) -> Result<(), Failure> {
    let stamp = Stamp::new(format!("{environment}/requirements.installed"));
    let Some(wanted) = read_if_there(requirements)? else {
        return Ok(());
    };
    if stamp.says(&wanted) {
        return Ok(());
    }
    command::run("python3", &["-m", "venv", "--clear", environment])?;
    command::run(
        &format!("{environment}/bin/pip"),
        &["install", "--quiet", "--requirement", requirements],
    )?;
    stamp.write(&wanted)
}

fn install_node(folder: &str, stamp: &str) -> Result<(), Failure> {
    let stamp = Stamp::new(stamp.into());
    let Some(package) = read_if_there(&format!("{folder}/package.json"))? else {
        return Ok(());
    };
    let lock = read_if_there(&format!("{folder}/package-lock.json"))?;
    let wanted = format!("{package}{}", lock.as_deref().unwrap_or_default());
    if stamp.says(&wanted) && Path::new(folder).join("node_modules").exists() {
        return Ok(());
    }
    let install: &[&str] = if lock.is_some() {
        &["ci"]
    } else {
        &["install", "--no-package-lock"]
    };
    let quiet = ["--prefix", folder, "--no-audit", "--no-fund"];
    command::run("npm", &[install, &quiet].concat())?;
    stamp.write(&wanted)
}

/// A file that remembers what was installed last.
struct Stamp(PathBuf);

impl Stamp {
    fn new(path: String) -> Self {
        Self(path.into())
    }

    fn says(&self, wanted: &str) -> bool {
        fs::read_to_string(&self.0).is_ok_and(|installed| installed == wanted)
    }

    fn write(&self, installed: &str) -> Result<(), Failure> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
        fs::write(&self.0, installed).map_err(|error| Failure::file(&self.0, &error))
    }
}

fn read_if_there(path: &str) -> Result<Option<String>, Failure> {
    let path = Path::new(path);
    if !path.exists() {
        return Ok(None);
    }
    fs::read_to_string(path)
        .map(Some)
        .map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_speaks_only_of_what_was_installed() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = Stamp(folder.path().join("installed"));
        assert!(!stamp.says("jwcrypto==1.5.6"));
        stamp.write("jwcrypto==1.5.6").unwrap();
        assert!(stamp.says("jwcrypto==1.5.6"));
        assert!(!stamp.says("jwcrypto==1.5.7"));
    }

    #[test]
    fn a_file_that_is_not_there_is_no_failure() {
        assert_eq!(read_if_there("no/such/file"), Ok(None));
        assert!(
            read_if_there("Cargo.toml")
                .unwrap()
                .unwrap()
                .contains("[package]")
        );
    }
}
