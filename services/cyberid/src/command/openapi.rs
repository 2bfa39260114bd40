//! `cyberid openapi`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cyberid_web::routes::to_json;

use super::Outcome;
use crate::platform::documents;
use crate::terminal;

/// Write the OpenAPI document of each service.
///
/// A running platform serves those of what it answers at `GET /openapi`.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  cyberid openapi --out openapi")]
pub(crate) struct Openapi {
    /// The directory to write `<service>.json` files to.
    #[arg(long, value_name = "DIR", default_value = "openapi")]
    out: PathBuf,
}

impl Openapi {
    pub(crate) fn run(self) -> Outcome {
        std::fs::create_dir_all(&self.out)?;
        for (service, document) in documents() {
            let path = self.out.join(format!("{service}.json"));
            std::fs::write(&path, to_json(&document)?)?;
            terminal::line(&path.display().to_string());
        }
        Ok(ExitCode::SUCCESS)
    }
}
