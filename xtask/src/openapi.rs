//! `cargo xtask openapi`: the committed interface descriptions are what the routes say.

use std::{collections::BTreeMap, ffi::OsStr, fs, io::ErrorKind, path::Path};

use crate::{command, failure::Failure};

const COMMITTED: &str = "openapi";
const SCRATCH: &str = "target/openapi-check";

/// File names and contents of one folder of documents.
type Documents = BTreeMap<String, Vec<u8>>;

/// Writes the documents, or with `check` writes them elsewhere and compares.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    if !check {
        return generate(COMMITTED);
    }
    empty(Path::new(SCRATCH))?;
    generate(SCRATCH)?;
    let findings = drift(&read(Path::new(COMMITTED))?, &read(Path::new(SCRATCH))?);
    Failure::unless_empty("openapi (run `cargo xtask openapi` and commit)", findings)
}

fn generate(folder: &str) -> Result<(), Failure> {
    command::run(
        "cargo",
        &[
            "run",
            "--quiet",
            "--package",
            "cyberid",
            "--",
            "openapi",
            "--out",
            folder,
        ],
    )
}

fn empty(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Failure::file(folder, &error)),
        _ => {}
    }
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))
}

fn read(folder: &Path) -> Result<Documents, Failure> {
    let mut documents = Documents::new();
    for entry in fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))? {
        let path = entry.map_err(|error| Failure::file(folder, &error))?.path();
        if path.extension() == Some(OsStr::new("json")) {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            documents.insert(
                name,
                fs::read(&path).map_err(|error| Failure::file(&path, &error))?,
            );
        }
    }
    Ok(documents)
}

/// One line for each document that is missing, left over, or different.
fn drift(committed: &Documents, generated: &Documents) -> Vec<String> {
    let left_over = committed.keys().filter(|name| !generated.contains_key(*name));
    let left_over = left_over.map(|name| format!("{name} is committed, but no service generates it"));
    let changed = generated
        .iter()
        .filter_map(|(name, text)| match committed.get(name) {
            None => Some(format!("{name} is generated, but not committed")),
            Some(old) if old != text => Some(format!("{name} differs from the routes")),
            Some(_) => None,
        });
    left_over.chain(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(entries: &[(&str, &str)]) -> Documents {
        entries
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn equal_folders_have_no_drift() {
        let vault = documents(&[("vault.json", "{}")]);
        assert_eq!(drift(&vault, &vault), Vec::<String>::new());
    }

    #[test]
    fn drift_is_told_for_missing_left_over_and_different_documents() {
        let committed = documents(&[("old.json", "{}"), ("same.json", "{}"), ("vault.json", "{}")]);
        let generated = documents(&[("new.json", "{}"), ("same.json", "{}"), ("vault.json", "[]")]);
        assert_eq!(
            drift(&committed, &generated),
            [
                "old.json is committed, but no service generates it",
                "new.json is generated, but not committed",
                "vault.json differs from the routes",
            ]
        );
    }

    #[test]
    fn only_json_files_are_documents_and_emptying_removes_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("vault.json"), "{}").unwrap();
        fs::write(folder.path().join("README.md"), "").unwrap();
        assert_eq!(read(folder.path()).unwrap(), documents(&[("vault.json", "{}")]));
        empty(folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Documents::new());
    }
}
