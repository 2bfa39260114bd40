//! A ledger behind a URL: its public paths as anybody, its entries as the regulator.

use async_trait::async_trait;
use cyberid_client::{Client, ClientError, Session};

use crate::source::{LedgerSource, SourceError};

/// A ledger behind a URL.
pub struct HttpSource {
    client: Client,
    regulator: Session,
}

impl HttpSource {
    /// The ledger of the platform that both of these call; only the session may read entries.
    pub fn new(client: Client, regulator: Session) -> Self {
        Self { client, regulator }
    }
}

#[async_trait]
impl LedgerSource for HttpSource {
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let address = format!("/ledger/{path}");
        let read = if path.starts_with("tile/entries/") {
            self.regulator.get_bytes(&address).await
        } else {
            self.client.get_bytes(&address).await
        };
        read.map_err(|error: ClientError| SourceError {
            path: path.into(),
            absent: is_absent(&error),
            cause: error.to_string(),
        })
    }
}

fn is_absent(error: &ClientError) -> bool {
    match error {
        ClientError::Problem(problem) => problem.kind.status() == 404,
        ClientError::Unexpected { status } => *status == 404,
        _ => false,
    }
}
