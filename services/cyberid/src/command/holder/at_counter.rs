//! A code on paper in the place of a device.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cyberid_client::key_file::read_private;
use cyberid_crypto::{Sign, Suite};
use cyberid_domain::pin::Pin;
use cyberid_holder::{Code, InvalidCode};

use crate::command::outside::Failure;

/// The code that the person at the counter brings; with it the directory is the station's, and keeps nothing of the person.
#[derive(Debug, Args)]
pub(super) struct Paper {
    /// At a counter: a file with a one-time code of the person's sheet, in the place of a device; `-` is standard input. Needs the PIN.
    #[arg(long, value_name = "FILE", env = "CYBERID_CODE_FILE", hide_env = true)]
    code: Option<PathBuf>,
    /// A file with the PIN that makes the code a key, readable by its owner alone; else the variable `CYBERID_PIN`.
    #[arg(long, value_name = "FILE", requires = "code")]
    code_pin_file: Option<PathBuf>,
}

impl Paper {
    /// Whether there is a code.
    pub(super) fn is_there(&self) -> bool {
        self.code.is_some()
    }

    /// The key of the code, in memory alone.
    pub(super) fn key(&self, suite: Suite) -> Result<Option<Arc<dyn Sign>>, Failure> {
        let Some(path) = &self.code else {
            return Ok(None);
        };
        let bytes = crate::command::outside::read_bytes(path)?;
        let text = str::from_utf8(&bytes).map_err(|_| InvalidCode)?;
        let code = Code::read(text.trim())?;
        let key = code.key(&self.pin()?, suite).map_err(|_| InvalidCode)?;
        Ok(Some(Arc::new(key)))
    }

    fn pin(&self) -> Result<Pin, Failure> {
        if let Some(path) = &self.code_pin_file {
            let bytes = read_private(path)?;
            return Ok(Pin::entered(str::from_utf8(&bytes)?.trim().to_owned())?);
        }
        let given = std::env::var("CYBERID_PIN");
        Ok(Pin::entered(given.map_err(
            |_| "a code needs the PIN: `--code-pin-file FILE`, or the variable CYBERID_PIN",
        )?)?)
    }
}
