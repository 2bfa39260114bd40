//! A script in another language, written from the C2SP texts alone, verifies the log, its receipts and its witnesses; and
//! refuses each of them as soon as one byte is another.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod large;
mod live;
mod witness;

use std::fs;
use std::path::Path;
use std::process::Output;

use journeys::Program;
use serde_json::Value;

fn script() -> Program {
    Program::python("target/clients-venv", "tests/clients/python/verify_log.py")
}

/// What the script found, and it found nothing wrong.
async fn verified(arguments: &[&str]) -> Value {
    let ended = script().run(arguments).await;
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// The script refuses, and says why.
async fn refused(arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = script().run(arguments).await;
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.as_slice()), (Some(1), &b""[..]), "{said}");
    let why = said.strip_prefix("refused: ");
    why.unwrap_or_else(|| panic!("{arguments:?}: {said}")).to_owned()
}

/// Runs this with one byte of a file altered, which is put back afterwards.
async fn with_altered_byte(file: &Path, at: usize, then: impl AsyncFnOnce()) {
    let whole = fs::read(file).unwrap();
    let mut altered = whole.clone();
    *altered.get_mut(at).unwrap() ^= 1;
    fs::write(file, altered).unwrap();
    then().await;
    fs::write(file, whole).unwrap();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
