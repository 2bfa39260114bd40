//! `cargo xtask fuzz`: every parser on whatever libFuzzer thinks of.
//!
//! The targets lie in `fuzz/`, a workspace of its own, since everything in them is compiled with coverage counters. The flags
//! are those of `cargo fuzz` but for the address sanitizer, which needs a nightly compiler and has little to find where
//! `unsafe` is forbidden; so the compiler that builds the platform serves, and nothing has to be installed.

use std::path::Path;
use std::time::Instant;
use std::{fs, str};

use crate::{command, failure::Failure};

const COVERAGE: &str = "RUSTFLAGS=-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";
const TARGETS: &str = "fuzz/fuzz_targets";

/// Runs one target, or every target, for so many seconds each, beginning with the seeds and what was kept of earlier runs.
pub(crate) fn run(named: Option<&str>, seconds: u32) -> Result<(), Failure> {
    let known = discover(Path::new("."));
    let targets = match named {
        None => known,
        Some(name) if known.iter().any(|known| known == name) => vec![name.to_owned()],
        Some(name) => {
            return Err(Failure::NoSuchFuzzTarget {
                name: name.into(),
                known: known.join("\n  "),
            });
        }
    };
    let start = Instant::now();
    let seeds = [
        "run",
        "--quiet",
        "--package",
        "parsers",
        "--example",
        "write_seeds",
    ];
    command::run("cargo", &[seeds.as_slice(), &["--", "fuzz/corpus"]].concat())?;
    let host = host()?;
    build(&host, &targets)?;
    for target in &targets {
        search(&host, target, seconds)?;
    }
    println!(
        "\nNothing found in {} targets ({} s).",
        targets.len(),
        start.elapsed().as_secs()
    );
    Ok(())
}

/// The targets by the names of their files.
fn discover(root: &Path) -> Vec<String> {
    let files = fs::read_dir(root.join(TARGETS)).into_iter().flatten().flatten();
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// Builds for a named platform, so that build scripts are spared the counters. One at a time: each links everything.
fn build(host: &str, targets: &[String]) -> Result<(), Failure> {
    let mut arguments = vec![COVERAGE, "cargo", "build", "--manifest-path", "fuzz/Cargo.toml"];
    arguments.extend(["--release", "--jobs", "1", "--target", host]);
    for target in targets {
        arguments.extend(["--bin", target]);
    }
    command::run("env", &arguments)
}

fn search(host: &str, target: &str, seconds: u32) -> Result<(), Failure> {
    let (corpus, found) = (
        format!("fuzz/corpus/{target}"),
        format!("fuzz/artifacts/{target}/"),
    );
    fs::create_dir_all(&found).map_err(|error| Failure::file(Path::new(&found), &error))?;
    let program = format!("fuzz/target/{host}/release/{target}");
    let (time, place) = (
        format!("-max_total_time={seconds}"),
        format!("-artifact_prefix={found}"),
    );
    command::run(&program, &[&corpus, &time, &place, "-timeout=10", "-verbosity=1"])
}

/// This machine's platform, as the compiler names it.
fn host() -> Result<String, Failure> {
    let said = command::output("rustc", &["-vV"])?;
    let said = str::from_utf8(&said).unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::Output {
        command: "rustc -vV".into(),
        cause: "no line `host:`".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_by_the_name_of_their_file() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(TARGETS)).unwrap();
        for name in ["jws.rs", "jwe.rs", "readme.md"] {
            fs::write(root.path().join(TARGETS).join(name), "").unwrap();
        }
        assert_eq!(discover(root.path()), ["jwe", "jws"]);
    }

    #[test]
    fn an_unknown_target_is_refused() {
        assert!(matches!(
            run(Some("no-such-target"), 1),
            Err(Failure::NoSuchFuzzTarget { .. })
        ));
    }

    #[test]
    fn the_host_has_a_name() {
        assert!(host().unwrap().contains('-'));
    }
}
