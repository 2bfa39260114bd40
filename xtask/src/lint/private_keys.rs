//! No private key is ever committed, except keys that are published for tests.

use std::{ffi::OsStr, fs, path::Path};

use crate::{command, failure::Failure};

/// Looks at every tracked file as it lies in the working tree, whoever owns the clone.
pub(super) fn check() -> Result<(), Failure> {
    let listing = command::output("git", &["-c", "safe.directory=*", "ls-files", "-z"])?;
    let listing = String::from_utf8_lossy(&listing).into_owned();
    let files = listing.split('\0').filter(|file| !file.is_empty()).map(Path::new);
    let found = files.filter(|file| !may_hold_test_keys(file) && holds_private_key(file));
    Failure::unless_empty(
        "private keys",
        found.map(|file| file.display().to_string()).collect(),
    )
}

/// Test keys lie in `keys/test` and in any folder named `tests`.
fn may_hold_test_keys(file: &Path) -> bool {
    let folder = file.parent().unwrap_or(Path::new(""));
    folder.starts_with("keys/test") || folder.iter().any(|part| part == OsStr::new("tests"))
}

/// A file that cannot be read (deleted, or a link to nothing) holds no key.
fn holds_private_key(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| marks_private_key(&bytes))
}

/// Whether a PEM header of a private key occurs (RFC 7468 sections 10 and 11, and the older forms with the
/// algorithm in front).
fn marks_private_key(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.split("-----BEGIN ").skip(1).any(|rest| {
        rest.split("-----")
            .next()
            .is_some_and(|label| label.ends_with("PRIVATE KEY"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header, put together here so that this file does not hold it.
    fn header(label: &str) -> Vec<u8> {
        format!("some text\n-----BEGIN {label}-----\nMIG...").into_bytes()
    }

    #[test]
    fn every_kind_of_private_key_is_seen() {
        for kind in ["", "EC ", "RSA ", "ENCRYPTED ", "OPENSSH "] {
            assert!(
                marks_private_key(&header(&format!("{kind}PRIVATE KEY"))),
                "{kind}"
            );
        }
    }

    #[test]
    fn public_keys_and_words_about_keys_are_not_private_keys() {
        assert!(!marks_private_key(&header("PUBLIC KEY")));
        assert!(!marks_private_key(&header("CERTIFICATE")));
        assert!(!marks_private_key(b"never commit a PRIVATE KEY"));
    }

    #[test]
    fn a_key_inside_binary_data_is_seen() {
        let mut bytes = vec![0xff, 0x00, 0xc3];
        bytes.extend(header("PRIVATE KEY"));
        assert!(marks_private_key(&bytes));
    }

    #[test]
    fn only_test_folders_may_hold_keys() {
        for allowed in [
            "keys/test/rp.pem",
            "tests/fixtures/rp.pem",
            "crates/web/tests/server.pem",
        ] {
            assert!(may_hold_test_keys(Path::new(allowed)), "{allowed}");
        }
        for forbidden in [
            "keys/live.pem",
            "keys/testing/a.pem",
            "crates/web/src/tests.rs",
            "rp.pem",
        ] {
            assert!(!may_hold_test_keys(Path::new(forbidden)), "{forbidden}");
        }
    }
}
