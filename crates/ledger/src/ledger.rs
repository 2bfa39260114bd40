//! The ledger as its service holds it.

use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::id::LeafId;
use cyberid_storage::ledger::{LedgerHead, LedgerWrite, NewLeaf};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::NoteSigner;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::MAX_ENTRY_LEN;
use tokio::sync::{mpsc, oneshot, watch};

use crate::cosigned::CosignedCheckpoint;
use crate::cosigner::Cosigner;
use crate::error::{LedgerError, ReadError};
use crate::reader::LedgerReader;
use crate::sequencer::{Sequencer, Waiting};
use crate::submitter::Witness;
use crate::writer::Writer;

/// How many leaves wait before those who bring more wait with them.
const QUEUE: usize = 1024;

/// How long the witnesses have for a checkpoint that nobody waits for.
const WITNESSING: Duration = Duration::from_secs(10);

/// How long to wait after they have not cosigned it.
const WITNESSING_PAUSE: Duration = Duration::from_secs(1);

/// How old the cosignatures of what is published become while nothing happens.
const FRESH: Duration = Duration::from_mins(1);

/// What a ledger is made of.
pub struct Parts {
    /// The log's store.
    pub store: Arc<dyn LedgerWrite>,
    /// The head's store, apart from it.
    pub head: Arc<dyn LedgerHead>,
    /// The log's key, named after the log's origin.
    pub key: Arc<dyn NoteSigner + Send + Sync>,
    /// The witnesses to submit to.
    pub witnesses: Vec<Witness>,
    /// Whose cosignatures make a quorum.
    pub policy: Policy,
    /// Allows a policy that needs no witness: then nobody outside sees what the log says.
    pub allow_unwitnessed: bool,
}

/// The ledger: its one sequencer, its witnesses and its readers.
pub struct Ledger {
    queue: mpsc::Sender<Waiting>,
    latest: watch::Receiver<VerifiedCheckpoint>,
    reader: LedgerReader,
    cosigner: Cosigner,
}

impl Ledger {
    /// Opens the log, signs what a crash left unsigned, and starts the sequencer on the current runtime.
    ///
    /// # Errors
    ///
    /// The policy does not fit, or the stores do not agree with what was signed ([`LedgerError::Behind`],
    /// [`LedgerError::Contradicts`]); then nothing was signed.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, LedgerError> {
        check_policy(&parts)?;
        let writer = Writer {
            store: Arc::clone(&parts.store),
            head: parts.head,
            key: Arc::clone(&parts.key),
        };
        let tip = writer.load().await?;
        let sequencer = Sequencer::new(writer, tip);
        let latest = sequencer.latest();
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(sequencer.run(waiting));
        let reader = LedgerReader::new(Arc::clone(&parts.store) as _, parts.key.verifier_key().clone());
        let cosigner = Cosigner::new(parts.store, reader.clone(), parts.policy, parts.witnesses);
        Ok(Arc::new(Self {
            queue,
            latest,
            reader,
            cosigner,
        }))
    }

    /// Appends a leaf and returns its place, once it is durable and under a signed checkpoint.
    ///
    /// A name that the log has already keeps its place and its bytes.
    pub async fn append(&self, id: LeafId, body: String) -> Result<u64, LedgerError> {
        self.enqueue(NewLeaf { id, body }).await?.taken().await
    }

    /// Appends leaves in this order and returns their places.
    pub async fn append_all(&self, leaves: Vec<NewLeaf>) -> Result<Vec<u64>, LedgerError> {
        let mut pending = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            pending.push(self.enqueue(leaf).await?);
        }
        let mut places = Vec::with_capacity(pending.len());
        for pending in pending {
            places.push(pending.taken().await?);
        }
        Ok(places)
    }

    /// A checkpoint that covers leaf `index` and that the quorum has cosigned, asking the witnesses if need be.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoQuorum`] if that is not reached before the deadline; asking again is safe and useful.
    pub async fn witnessed(&self, index: u64, deadline: Duration) -> Result<CosignedCheckpoint, LedgerError> {
        if !self.is_running() {
            return Err(LedgerError::Stopped);
        }
        if index >= self.latest.borrow().size() {
            return Err(ReadError::NotThere.into());
        }
        let covering = tokio::time::timeout(deadline, self.cosigner.covering(index, &self.latest)).await;
        let no_quorum = LedgerError::NoQuorum { index };
        covering.unwrap_or(Ok(None))?.ok_or(no_quorum)
    }

    /// Has every checkpoint cosigned soon after it is signed, whoever waits for it or not, for as long as it is polled:
    /// what is published is what witnesses have seen. While nothing happens it is cosigned anew every minute, because a
    /// cosignature says until when its witness had seen nothing newer: who follows the log takes an old one for silence.
    pub async fn keep_witnessed(self: Arc<Self>) {
        self.keep_witnessed_within(FRESH).await;
    }

    pub(crate) async fn keep_witnessed_within(self: Arc<Self>, fresh: Duration) {
        let mut latest = self.latest.clone();
        loop {
            let size = latest.borrow_and_update().size();
            let covered = match size.checked_sub(1) {
                Some(last) => self.witnessed(last, WITNESSING).await.map(drop),
                None => Ok(()),
            };
            match covered {
                // The sequencer is gone, and with it whatever could be witnessed.
                Err(LedgerError::Stopped) => return,
                Err(_) => tokio::time::sleep(WITNESSING_PAUSE).await,
                Ok(()) => match tokio::time::timeout(fresh, latest.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => self.witness_again().await,
                },
            }
        }
    }

    /// The newest checkpoint that was cosigned stays, whatever comes of it.
    async fn witness_again(&self) {
        if let Err(error) = self.cosigner.renew(&self.latest).await {
            tracing::warn!(cause = %error, "the checkpoint was not cosigned anew");
        }
    }

    /// The last checkpoint that was signed.
    pub fn latest(&self) -> VerifiedCheckpoint {
        self.latest.borrow().clone()
    }

    /// Proofs, receipts and tiles.
    pub fn reader(&self) -> &LedgerReader {
        &self.reader
    }

    /// Says whether the sequencer works; once it has stopped it stays so.
    pub fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }

    async fn enqueue(&self, leaf: NewLeaf) -> Result<Pending, LedgerError> {
        let len = leaf.body.len();
        if len > MAX_ENTRY_LEN {
            return Err(LedgerError::TooLong { len });
        }
        let (answer, pending) = oneshot::channel();
        let queued = self.queue.send(Waiting { leaf, answer }).await;
        queued.map_err(|_| LedgerError::Stopped)?;
        Ok(Pending(pending))
    }
}

/// A leaf that is on its way.
struct Pending(oneshot::Receiver<Result<u64, LedgerError>>);

impl Pending {
    async fn taken(self) -> Result<u64, LedgerError> {
        self.0.await.unwrap_or(Err(LedgerError::Stopped))
    }
}

fn check_policy(parts: &Parts) -> Result<(), LedgerError> {
    if !parts.policy.requires_witnesses() && !parts.allow_unwitnessed {
        return Err(LedgerError::Unwitnessed);
    }
    let logs = parts.policy.logs();
    if !logs.is_empty() && !logs.iter().any(|log| log.key == *parts.key.verifier_key()) {
        return Err(LedgerError::ForeignPolicy);
    }
    Ok(())
}
