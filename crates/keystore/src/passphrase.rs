//! Where the passphrase comes from: a file, the environment, or, in the sandbox, chance.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cyberid_crypto::base64url;
use cyberid_domain::Rng;
use cyberid_domain::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::disk;

/// The name of the file that [`generate`] writes.
pub const FILE: &str = "passphrase";

/// The longest passphrase in bytes, its newline included.
const MAX_LENGTH: usize = 4096;

/// Why there is no passphrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Others than the owner can read the file.
    #[error("{} has mode {mode:03o}; others can read it: chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The environment has no such variable.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The passphrase has no character.
    #[error("the passphrase is empty")]
    Empty,
    /// The passphrase has more than 4096 bytes.
    #[error("the passphrase is too long")]
    TooLong,
    /// The file system refused.
    #[error("{}: {kind}", path.display())]
    Io {
        /// What was worked on.
        path: PathBuf,
        /// The system's reason.
        kind: io::ErrorKind,
    },
}

/// The content of a file that only its owner can read, less one newline at its end.
pub fn from_file(path: &Path) -> Result<SecretBytes, PassphraseError> {
    let file = File::open(path).map_err(failed(path))?;
    let mode = file.metadata().map_err(failed(path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PassphraseError::Exposed {
            path: path.into(),
            mode,
        });
    }
    // Room for all of it, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_LENGTH));
    let limit = u64::try_from(MAX_LENGTH + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(failed(path))?;
    checked(bytes)
}

/// The value of an environment variable, less one newline at its end.
///
/// Whoever may look into the process may read it there: prefer a file.
pub fn from_env(variable: &str) -> Result<SecretBytes, PassphraseError> {
    let value = std::env::var_os(variable).map(OsString::into_encoded_bytes);
    checked(Zeroizing::new(
        value.ok_or_else(|| PassphraseError::NotSet(variable.into()))?,
    ))
}

/// Draws a passphrase of 256 bits and writes it to the file `passphrase` in `folder`, which has none yet.
///
/// For the sandbox: a passphrase beside its keystore protects nothing.
pub fn generate(folder: &Path, rng: &dyn Rng) -> Result<SecretBytes, PassphraseError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill(bytes.as_mut());
    let text = SecretBytes::from(base64url::encode(bytes.as_ref()));
    let path = folder.join(FILE);
    disk::create_private(&path, text.expose())
        .and_then(|()| disk::sync(folder))
        .map_err(failed(&path))?;
    Ok(text)
}

fn checked(mut bytes: Zeroizing<Vec<u8>>) -> Result<SecretBytes, PassphraseError> {
    if bytes.len() > MAX_LENGTH {
        return Err(PassphraseError::TooLong);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err(PassphraseError::Empty);
    }
    Ok(SecretBytes::from(std::mem::take(&mut *bytes)))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PassphraseError {
    move |error| PassphraseError::Io {
        path: path.into(),
        kind: error.kind(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use cyberid_domain::rng::SystemRng;

    use super::*;

    fn read(content: &[u8], mode: u32) -> Result<Vec<u8>, PassphraseError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        from_file(&path).map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn one_newline_is_not_part_of_it() {
        assert_eq!(read(b"word", 0o600), Ok(b"word".to_vec()));
        assert_eq!(read(b"word\n", 0o400), Ok(b"word".to_vec()));
        assert_eq!(read(b"word\n\n", 0o600), Ok(b"word\n".to_vec()));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        for exposed in [0o640, 0o604, 0o660, 0o644] {
            let refused = read(b"word", exposed);
            assert!(
                matches!(refused, Err(PassphraseError::Exposed { mode, .. }) if mode == exposed),
                "{exposed:o}"
            );
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(read(b"\n", 0o600), Err(PassphraseError::Empty));
        assert_eq!(read(&[b'a'; MAX_LENGTH], 0o600), Ok(vec![b'a'; MAX_LENGTH]));
        assert_eq!(
            read(&[b'a'; MAX_LENGTH + 1], 0o600),
            Err(PassphraseError::TooLong)
        );
    }

    #[test]
    fn the_environment_answers_for_what_it_has() {
        let path = std::env::var("PATH").unwrap();
        assert_eq!(from_env("PATH").unwrap().expose(), path.as_bytes());
        let unset = "CYBERID_NO_SUCH_VARIABLE";
        assert_eq!(from_env(unset).err(), Some(PassphraseError::NotSet(unset.into())));
    }

    #[test]
    fn a_generated_passphrase_is_read_back_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let made = generate(folder.path(), &SystemRng).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(from_file(&path).unwrap().expose(), made.expose());
        let kind = io::ErrorKind::AlreadyExists;
        assert_eq!(
            generate(folder.path(), &SystemRng).err(),
            Some(PassphraseError::Io { path, kind })
        );
    }
}
