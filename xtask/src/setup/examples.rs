//! Packages of the examples in other languages, installed beside the build and never system-wide.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{command, failure::Failure};

/// The Python packages that the Python examples import.
pub(super) const REQUIREMENTS: &str = "examples/python/requirements.txt";
/// The Node packages that the JavaScript examples import.
pub(super) const NODE_PACKAGE: &str = "examples/node/package.json";

const NODE_LOCK: &str = "examples/node/package-lock.json";
const NODE_MODULES: &str = "examples/node/node_modules";
const VENV: &str = "target/examples-venv";

/// Makes `target/examples-venv` hold what the requirements name, where there are Python examples.
pub(super) fn prepare_python() -> Result<(), Failure> {
    let stamp = Stamp::new(format!("{VENV}/requirements.installed"));
    let Some(wanted) = read_if_there(REQUIREMENTS)? else {
        return Ok(());
    };
    if stamp.says(&wanted) {
        return Ok(());
    }
    command::run("python3", &["-m", "venv", "--clear", VENV])?;
    command::run(
        &format!("{VENV}/bin/pip"),
        &["install", "--quiet", "--requirement", REQUIREMENTS],
    )?;
    stamp.write(&wanted)
}

/// Makes `examples/node/node_modules` hold what the package file names, where there are JavaScript examples.
pub(super) fn prepare_node() -> Result<(), Failure> {
    let stamp = Stamp::new("target/examples-node.installed".into());
    let Some(package) = read_if_there(NODE_PACKAGE)? else {
        return Ok(());
    };
    let lock = read_if_there(NODE_LOCK)?;
    let wanted = format!("{package}{}", lock.as_deref().unwrap_or_default());
    if stamp.says(&wanted) && Path::new(NODE_MODULES).exists() {
        return Ok(());
    }
    let install: &[&str] = if lock.is_some() {
        &["ci"]
    } else {
        &["install", "--no-package-lock"]
    };
    let quiet = ["--prefix", "examples/node", "--no-audit", "--no-fund"];
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
