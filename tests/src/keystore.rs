//! Which keystore a test's platform has.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cyberid_keystore::testing::{LABEL, PIN, SoftHsm, VARIABLE as TOKEN};

/// By which any journey can be tried with the private keys in the token that this process sees.
const VARIABLE: &str = "JOURNEYS_KEYSTORE";

/// Runs journeys of this test program once more, each on a platform whose private keys are in a token of its own.
pub fn on_a_token(journeys: &[&str]) {
    for journey in journeys {
        let token = SoftHsm::start();
        let empty = objects(&token.tokens());
        let ran = Command::new(std::env::current_exe().unwrap())
            .args([journey, "--exact", "--nocapture"])
            .env(TOKEN, token.configuration())
            .env(VARIABLE, "pkcs11")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        let complained = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success() && said.contains("1 passed"),
            "{journey}: {said}\n{complained}"
        );
        assert!(
            objects(&token.tokens()) > empty,
            "{journey}: no key is in the token"
        );
    }
}

/// What the variable adds to the configuration of a platform in this folder.
pub(crate) fn configuration(folder: &Path) -> String {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("file") => String::new(),
        Ok("pkcs11") => on_token(folder),
        Ok(_) => panic!("{VARIABLE} is file or pkcs11"),
    }
}

fn on_token(folder: &Path) -> String {
    let pin = folder.join("token-pin");
    fs::write(&pin, PIN).unwrap();
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
    let (module, pin) = (SoftHsm::module().display(), pin.display());
    format!("\n[keystore]\nkind = 'pkcs11'\nmodule = '{module}'\ntoken = '{LABEL}'\npin_file = '{pin}'\n")
}

/// How many files there are below a folder.
fn objects(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    let count = entries.map(|entry| match entry.unwrap().path() {
        path if path.is_dir() => objects(&path),
        _ => 1,
    });
    count.sum()
}
