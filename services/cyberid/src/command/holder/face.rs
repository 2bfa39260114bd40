//! The face, where a request asks for it: a file stands for the camera.

use std::path::PathBuf;

use clap::Args;
use cyberid_client::Client;
use cyberid_domain::check::Factor;
use cyberid_holder::{Face, FaceSource, Holder};
use serde::Deserialize;

use super::person::Person;
use crate::command::outside::{Failure, read_bytes};

/// The face, and who looks at it.
#[derive(Debug, Args)]
pub(super) struct FaceArgs {
    /// Whose face is before the camera: a file with `document` and `evidence`, as an entry of `GET /sandbox/people`; `-` is
    /// standard input.
    #[arg(long, value_name = "FILE")]
    face: Option<PathBuf>,
    /// The identity source that looks at it [default: the one of the server's sandbox].
    #[arg(long, value_name = "URL", requires = "face")]
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SandboxSource {
    url: String,
}

impl FaceArgs {
    /// The face, if it is asked for and there is one.
    pub(super) async fn shown_if_asked(
        &self,
        holder: &Holder,
        asked: &[Factor],
    ) -> Result<Option<Face>, Failure> {
        let Some(path) = self.face.as_ref().filter(|_| asked.contains(&Factor::Face)) else {
            return Ok(None);
        };
        let (document, evidence) = Person::from_json(&read_bytes(path)?)?.stated();
        let source = FaceSource::contact(self.client(holder).await?).await?;
        Ok(Some(Face {
            source,
            kind: document.kind,
            number: document.number,
            sample: evidence.token,
        }))
    }

    async fn client(&self, holder: &Holder) -> Result<Client, Failure> {
        let platform = holder.platform().client();
        if let Some(url) = &self.source {
            return Ok(Client::new(url)?);
        }
        let SandboxSource { url } = platform.get("/sandbox/source").await?;
        Ok(platform.at(&url)?)
    }
}
