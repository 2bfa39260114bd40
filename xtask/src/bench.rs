//! `cargo xtask bench`: measurements, found where they lie.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{command, failure::Failure};

/// Folders whose children are packages.
const PACKAGE_FOLDERS: [&str; 2] = ["crates", "services"];

/// The example that holds several measurements of a package, each a folder in it and its first argument.
const SEVERAL: &str = "bench";

/// One measurement: `examples/bench_<name>.rs` of a package, or `examples/bench/<name>/mod.rs` where several share an
/// example.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bench {
    name: String,
    manifest: PathBuf,
    shared: bool,
}

/// Runs the measurement of this name, or lists them all when none is named.
pub(crate) fn run(name: Option<&str>, args: &[String]) -> Result<(), Failure> {
    let known = discover(Path::new("."));
    let Some(name) = name else {
        println!("{}", listing(&known));
        return Ok(());
    };
    let Some(bench) = known.iter().find(|bench| bench.name == name) else {
        return Err(Failure::NoSuchBench {
            name: name.into(),
            known: listing(&known),
        });
    };
    let command = bench.command(args);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    command::run("cargo", &command)
}

impl Bench {
    /// The arguments of `cargo` that run it.
    fn command(&self, args: &[String]) -> Vec<String> {
        let manifest = self.manifest.display().to_string();
        let (example, name) = if self.shared {
            (SEVERAL.to_owned(), Some(self.name.clone()))
        } else {
            (format!("bench_{}", self.name), None)
        };
        let run = [
            "run",
            "--release",
            "--manifest-path",
            &manifest,
            "--example",
            &example,
            "--",
        ];
        let run = run.into_iter().map(str::to_owned);
        run.chain(name).chain(args.iter().cloned()).collect()
    }
}

/// The measurements of every package, by name.
pub(crate) fn discover(root: &Path) -> Vec<Bench> {
    let packages = PACKAGE_FOLDERS
        .iter()
        .flat_map(|folder| children(&root.join(folder)));
    let mut benches: Vec<Bench> = packages.flat_map(|package| benches_of(&package)).collect();
    benches.sort();
    benches
}

/// The measurements in words.
pub(crate) fn listing(benches: &[Bench]) -> String {
    if benches.is_empty() {
        return "There are no measurements yet: add examples/bench_<NAME>.rs to a crate.".into();
    }
    let lines = benches.iter().map(|bench| {
        let package = bench
            .manifest
            .parent()
            .and_then(Path::file_name)
            .unwrap_or_default();
        format!("  {:<24} {}", bench.name, package.to_string_lossy())
    });
    format!("Measurements:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn benches_of(package: &Path) -> Vec<Bench> {
    let examples = package.join("examples");
    let single = children(&examples).into_iter().filter_map(|file| {
        let file = file.file_name()?.to_str()?;
        Some((
            file.strip_prefix("bench_")?.strip_suffix(".rs")?.to_owned(),
            false,
        ))
    });
    let several = children(&examples.join(SEVERAL))
        .into_iter()
        .filter_map(|folder| {
            let name = folder.file_name()?.to_str()?.to_owned();
            folder.join("mod.rs").is_file().then_some((name, true))
        });
    single
        .chain(several)
        .map(|(name, shared)| Bench {
            name,
            manifest: package.join("Cargo.toml"),
            shared,
        })
        .collect()
}

/// What lies in a folder; nothing when it does not exist.
fn children(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_found_by_the_name_of_their_file() {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "crates/tlog/examples/bench_append.rs",
            "crates/tlog/examples/demo.rs",
            "services/vault/examples/bench_open.rs",
            "services/whole/examples/bench/main.rs",
            "services/whole/examples/bench/load.rs",
            "services/whole/examples/bench/verify/mod.rs",
        ] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "fn main() {}").unwrap();
        }
        let found = discover(root.path());
        assert_eq!(
            found.iter().map(|bench| bench.name.as_str()).collect::<Vec<_>>(),
            ["append", "open", "verify"]
        );
        assert_eq!(found[0].manifest, root.path().join("crates/tlog/Cargo.toml"));
        assert!(listing(&found).contains("append                   tlog"));
    }

    #[test]
    fn a_measurement_runs_as_its_own_example_or_as_a_part_of_the_shared_one() {
        let bench = |shared| Bench {
            name: "verify".into(),
            manifest: "whole/Cargo.toml".into(),
            shared,
        };
        let args = ["--tls".to_owned()];
        let own = bench(false).command(&args);
        assert_eq!(own[4..], ["--example", "bench_verify", "--", "--tls"]);
        let part = bench(true).command(&args);
        assert_eq!(part[4..], ["--example", "bench", "--", "verify", "--tls"]);
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(matches!(
            run(Some("no-such-measurement"), &[]),
            Err(Failure::NoSuchBench { .. })
        ));
    }
}
