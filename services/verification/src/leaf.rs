//! The leaves that a registration's life leaves in the log, and waiting for their place there.

use std::time::Duration;

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_storage::promise::PromisedLeaf;
use tokio::time::Instant;

use crate::Verification;
use crate::refusal::Refusal;

/// How long an answer waits for the log.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(10);
/// How many leaves are looked through for one that the log has yet to take.
const BACKLOG: u32 = 1_000;

/// The name of the leaf of one event in a relying party's life. The same event has the same name, so that asking
/// again promises nothing twice.
pub(crate) fn name(kind: LeafKind, client_id: &ClientId, event: &str) -> Result<LeafId, Refusal> {
    let parts = [kind.as_str(), client_id.as_str(), event].join("\n");
    let digest = digest::sha256_base64url(parts.as_bytes());
    format!("{}{digest}", LeafId::PREFIX)
        .parse()
        .map_err(|_| Refusal::Text)
}

/// The leaf that records what is in force for a relying party from now on.
pub(crate) fn leaf(
    id: &LeafId,
    kind: LeafKind,
    client_id: &ClientId,
    registration: &str,
    now: UnixTime,
) -> Result<PromisedLeaf, Refusal> {
    let leaf = Leaf {
        rp: Some(client_id.clone()),
        registration_sha256: Some(digest::sha256_base64url(registration.as_bytes())),
        ..Leaf::new(kind, now)
    };
    Ok(PromisedLeaf {
        id: id.clone(),
        body: leaf.to_text()?,
    })
}

impl Verification {
    /// Whether a leaf was promised, and perhaps has its place already.
    pub(crate) async fn is_promised(&self, leaf: &LeafId) -> Result<bool, Refusal> {
        let promises = &self.parts.promises;
        Ok(promises.place(leaf).await?.is_some()
            || promises
                .outstanding(BACKLOG)
                .await?
                .iter()
                .any(|waiting| waiting.id == *leaf))
    }

    /// Waits until a promised leaf has its place in the log.
    pub(crate) async fn placed(&self, leaf: &LeafId) -> Result<(), Refusal> {
        let deadline = Instant::now() + PATIENCE;
        self.parts.promised.notify_one();
        while self.parts.promises.place(leaf).await?.is_none() {
            if Instant::now() >= deadline {
                return Err(Refusal::Unplaced);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}
