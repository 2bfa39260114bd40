//! Asking the witnesses for their cosignatures (C2SP tlog-witness, add-checkpoint).

use std::sync::Arc;

use cyberid_client::Client;
use cyberid_storage::ledger::LedgerWrite;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::ConsistencyProof;
use cyberid_tlog::witness::{AddCheckpoint, accept_response, parse_size};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::cosigned::CosignedCheckpoint;
use crate::error::{LedgerError, ReadError};
use crate::reader::LedgerReader;

/// How often one witness is asked in one round: its answer to the first may say which size it holds.
const ATTEMPTS: usize = 2;

const PATH: &str = "/add-checkpoint";
const REQUEST_CONTENT_TYPE: &str = "text/plain; charset=utf-8";

/// A witness that the log submits its checkpoints to.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Where it is reached: its submission prefix.
    pub client: Client,
    /// What its cosignatures are checked with.
    pub key: VerifierKey,
}

/// What it takes to have a checkpoint cosigned.
pub(crate) struct Cosigner {
    store: Arc<dyn LedgerWrite>,
    reader: LedgerReader,
    policy: Policy,
    witnesses: Vec<Witness>,
    newest: watch::Sender<Option<CosignedCheckpoint>>,
    /// Held for a round, so that those who wait share the next one: the size that each witness holds.
    sizes: Mutex<Vec<u64>>,
}

/// What became of a submission: the size the witness holds now, as far as it is known, and its signature lines.
struct Answer {
    witness: usize,
    size: u64,
    lines: Option<String>,
}

impl Cosigner {
    pub(crate) fn new(
        store: Arc<dyn LedgerWrite>,
        reader: LedgerReader,
        policy: Policy,
        witnesses: Vec<Witness>,
    ) -> Self {
        let sizes = Mutex::new(vec![0; witnesses.len()]);
        Self {
            store,
            reader,
            policy,
            witnesses,
            newest: watch::Sender::new(None),
            sizes,
        }
    }

    /// A checkpoint with leaf `index` that the quorum has cosigned; `None` when the witnesses give no quorum now.
    pub(crate) async fn covering(
        &self,
        index: u64,
        latest: &watch::Receiver<VerifiedCheckpoint>,
    ) -> Result<Option<CosignedCheckpoint>, LedgerError> {
        if let Some(kept) = self.kept(index).await? {
            return Ok(Some(kept));
        }
        let mut sizes = self.sizes.lock().await;
        if let Some(newest) = self.newest(index) {
            return Ok(Some(newest));
        }
        let latest = latest.borrow().clone();
        let Some(cosigned) = self.round(latest, &mut sizes).await else {
            return Ok(None);
        };
        self.store
            .keep_cosigned(cosigned.size(), &cosigned.note())
            .await?;
        self.newest.send_replace(Some(cosigned.clone()));
        Ok(Some(cosigned))
    }

    fn newest(&self, index: u64) -> Option<CosignedCheckpoint> {
        let newest = self.newest.borrow();
        newest.as_ref().filter(|newest| newest.size() > index).cloned()
    }

    async fn kept(&self, index: u64) -> Result<Option<CosignedCheckpoint>, ReadError> {
        if let Some(newest) = self.newest(index) {
            return Ok(Some(newest));
        }
        let stored = self.reader.cosigned(index.saturating_add(1)).await?;
        // One that an earlier policy accepted may not suffice today.
        Ok(stored.and_then(|stored| CosignedCheckpoint::check(stored, &self.policy).ok()))
    }

    /// Submits the checkpoint to all witnesses at once, until the policy is satisfied or all have answered.
    async fn round(
        &self,
        mut checkpoint: VerifiedCheckpoint,
        sizes: &mut [u64],
    ) -> Option<CosignedCheckpoint> {
        let mut submissions = JoinSet::new();
        for (number, witness) in self.witnesses.iter().enumerate() {
            let size = sizes.get(number).copied().unwrap_or(0);
            let (witness, reader) = (witness.clone(), self.reader.clone());
            let submitted = checkpoint.clone();
            submissions.spawn(async move {
                let (size, lines) = submit(&witness, &reader, &submitted, size).await;
                Answer {
                    witness: number,
                    size,
                    lines,
                }
            });
        }
        loop {
            if let Ok(cosigned) = CosignedCheckpoint::check(checkpoint.clone(), &self.policy) {
                return Some(cosigned);
            }
            match submissions.join_next().await? {
                Ok(answer) => self.take(answer, &mut checkpoint, sizes),
                Err(error) => tracing::error!(cause = %error, "a submission to a witness failed"),
            }
        }
    }

    fn take(&self, answer: Answer, checkpoint: &mut VerifiedCheckpoint, sizes: &mut [u64]) {
        if let Some(size) = sizes.get_mut(answer.witness) {
            *size = answer.size;
        }
        let (Some(lines), Some(witness)) = (answer.lines, self.witnesses.get(answer.witness)) else {
            return;
        };
        let name = witness.key.name();
        match accept_response(checkpoint, &lines, &witness.key) {
            Ok(true) => tracing::debug!(witness = name, size = checkpoint.size(), "cosigned"),
            Ok(false) => tracing::error!(witness = name, "a witness answered without its cosignature"),
            Err(error) => tracing::error!(witness = name, cause = %error, "a witness answered wrongly"),
        }
    }
}

/// Submits to one witness that is believed to hold `size`; returns what it holds now and the signature lines.
async fn submit(
    witness: &Witness,
    reader: &LedgerReader,
    checkpoint: &VerifiedCheckpoint,
    mut size: u64,
) -> (u64, Option<String>) {
    let name = witness.key.name();
    for _ in 0..ATTEMPTS {
        let Ok(hashes) = reader.consistency(size, checkpoint.size()).await else {
            tracing::error!(
                witness = name,
                size,
                "a witness holds a size that there is no proof from"
            );
            return (0, None);
        };
        let request = AddCheckpoint {
            old_size: size,
            proof: ConsistencyProof { hashes },
            checkpoint: checkpoint.note().clone(),
        };
        let answer = witness
            .client
            .post_text(PATH, REQUEST_CONTENT_TYPE, request.to_string());
        match answer.await {
            Ok((200, lines)) => return (checkpoint.size(), Some(lines)),
            Ok((409, body)) => match parse_size(&body) {
                Some(held) if held != size => size = held,
                _ => break,
            },
            Ok((status, _)) => {
                tracing::error!(witness = name, status, "a witness refused a checkpoint");
                return (size, None);
            }
            Err(error) => {
                tracing::warn!(witness = name, cause = %error, "a witness is not reached");
                return (size, None);
            }
        }
    }
    tracing::error!(
        witness = name,
        size,
        "a witness holds something else than this log"
    );
    (size, None)
}
