//! Where the PIN comes from.

use std::path::PathBuf;

use clap::Args;
use cyberid_client::key_file::{KeyFileError, read_private};
use cyberid_domain::pin::{InvalidPin, Pin};

/// The variable that the PIN may come from.
const VARIABLE: &str = "CYBERID_PIN";

/// The PIN, where it is needed.
#[derive(Debug, Args)]
pub(in crate::command) struct PinSource {
    /// The eight digits; others on this machine may see them in the list of processes.
    #[arg(long, conflicts_with = "pin_file")]
    pin: Option<String>,
    /// A file with the eight digits, readable by its owner alone; else the variable `CYBERID_PIN`.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

/// Why there is no PIN.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum PinError {
    /// It is needed, and none was given.
    #[error("the PIN is needed: `--pin-file FILE`, `--pin DIGITS`, or the variable CYBERID_PIN")]
    Missing,
    /// The file cannot be used.
    #[error("the file of the PIN cannot be used")]
    File(#[from] KeyFileError),
    /// It is not one.
    #[error(transparent)]
    Invalid(#[from] InvalidPin),
}

impl PinSource {
    /// A PIN to choose, which has to be hard to guess.
    pub(in crate::command) fn chosen(&self) -> Result<Pin, PinError> {
        Ok(Pin::chosen(self.text()?)?)
    }

    /// The PIN that was chosen before.
    pub(super) fn entered(&self) -> Result<Pin, PinError> {
        Ok(Pin::entered(self.text()?)?)
    }

    fn text(&self) -> Result<String, PinError> {
        if let Some(path) = &self.pin_file {
            let bytes = read_private(path)?;
            let text = str::from_utf8(&bytes).map_err(|_| InvalidPin::NotEightDigits)?;
            return Ok(text.trim().to_owned());
        }
        let given = self.pin.clone().or_else(|| std::env::var(VARIABLE).ok());
        given.ok_or(PinError::Missing)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_client::key_file::write_private;

    use super::*;

    #[test]
    fn a_pin_comes_from_a_file_that_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (own, open) = (folder.path().join("own"), folder.path().join("open"));
        write_private(&own, b"52719406\n").unwrap();
        std::fs::write(&open, b"52719406\n").unwrap();
        let from = |path: PathBuf| PinSource {
            pin: None,
            pin_file: Some(path),
        };
        assert_eq!(from(own).entered().unwrap().expose(), "52719406");
        assert!(matches!(
            from(open).entered(),
            Err(PinError::File(KeyFileError::Exposed { .. }))
        ));
    }

    #[test]
    fn a_pin_that_is_easy_to_guess_can_be_entered_and_not_chosen() {
        let given = PinSource {
            pin: Some("12345678".into()),
            pin_file: None,
        };
        assert!(given.entered().is_ok());
        assert!(matches!(
            given.chosen(),
            Err(PinError::Invalid(InvalidPin::Trivial))
        ));
    }
}
