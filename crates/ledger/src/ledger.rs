//! The ledger as its service holds it.

use std::sync::Arc;
use std::time::Duration;

use cyberid_domain::id::LeafId;
use cyberid_storage::head::LedgerHead;
use cyberid_storage::ledger::{LedgerWrite, NewLeaf};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::NoteSigner;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::MAX_ENTRY_LEN;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::backlog::Backlog;
use crate::cosigned::CosignedCheckpoint;
use crate::cosigner::Cosigner;
use crate::error::LedgerError;
use crate::names::Names;
use crate::publisher::{Failures, Publisher};
use crate::queue::{Queue, Waiting};
use crate::recovery::{self, Opened};
use crate::sequencer::Sequencer;
use crate::submitter::Witness;
use crate::writer::Writer;
use cyberid_ledger_read::{LedgerReader, ReadError};

/// How many names stay in memory that the store has: about 150 bytes each.
const NAMES: usize = 100_000;

/// How long the witnesses have for a checkpoint that nobody waits for.
const WITNESSING: Duration = Duration::from_secs(10);

/// How long leaves that nobody waits for gather before witnesses are asked about them.
const TOGETHER: Duration = Duration::from_millis(100);

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

/// The ledger: its one sequencer, its publisher, its witnesses and its readers.
pub struct Ledger {
    queue: Arc<Queue>,
    backlog: Arc<Backlog>,
    latest: watch::Receiver<VerifiedCheckpoint>,
    published: watch::Receiver<VerifiedCheckpoint>,
    failures: watch::Receiver<Failures>,
    reader: LedgerReader,
    cosigner: Cosigner,
}

impl Ledger {
    /// Opens the log, brings to the store what a crash left in the head, and starts the sequencer and the publisher, each
    /// a thread of its own.
    ///
    /// # Errors
    ///
    /// The policy does not fit, or the store does not agree with what was signed ([`LedgerError::Behind`],
    /// [`LedgerError::Contradicts`]); then nothing was signed.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, LedgerError> {
        check_policy(&parts)?;
        let writer = Writer {
            head: Arc::clone(&parts.head),
            key: Arc::clone(&parts.key),
        };
        let opened = recovery::open(&*parts.store, &writer).await?;
        let ledger = Self::start(&parts, writer, opened)?;
        Ok(Arc::new(ledger))
    }

    fn start(parts: &Parts, writer: Writer, opened: Opened) -> Result<Self, LedgerError> {
        let checkpoint = &opened.tip.checkpoint;
        let (queue, backlog) = (
            Arc::new(Queue::default()),
            Arc::new(Backlog::new(checkpoint.size())),
        );
        let (latest, shown) = (
            watch::Sender::new(checkpoint.clone()),
            watch::Sender::new(checkpoint.clone()),
        );
        let failures = watch::Sender::default();
        let reader = LedgerReader::new(Arc::clone(&parts.store) as _, parts.key.verifier_key().clone());
        let ledger = Self {
            queue: Arc::clone(&queue),
            backlog: Arc::clone(&backlog),
            latest: latest.subscribe(),
            published: shown.subscribe(),
            failures: failures.subscribe(),
            reader: reader.clone(),
            cosigner: Cosigner::new(
                Arc::clone(&parts.store),
                reader,
                parts.policy.clone(),
                parts.witnesses.clone(),
            ),
        };
        let publisher = Publisher {
            backlog: Arc::clone(&backlog),
            store: Arc::clone(&parts.store),
            head: Arc::clone(&parts.head),
            runtime: Handle::current(),
            edge: opened.edge,
            is_sure: opened.is_sure,
            published: shown,
            failures,
        };
        let sequencer = Sequencer {
            queue,
            backlog,
            writer,
            store: Arc::clone(&parts.store),
            runtime: Handle::current(),
            latest,
            names: Names::new(opened.floor, NAMES),
            tip: opened.tip,
            unsure: None,
        };
        // In this order: a sequencer that cannot run is dropped, and that ends the publisher.
        spawn("ledger-publisher", move || publisher.run())?;
        spawn("ledger-sequencer", move || sequencer.run())?;
        Ok(ledger)
    }

    /// Appends a leaf and returns its place, once it is durable and under a signed checkpoint.
    ///
    /// A name that the log has already keeps its place and its bytes.
    pub async fn append(&self, id: LeafId, body: String) -> Result<u64, LedgerError> {
        let pending = self.enqueue(std::iter::once(NewLeaf { id, body }))?;
        let [pending] = pending.try_into().map_err(|_| LedgerError::Stopped)?;
        taken(pending).await
    }

    /// Appends leaves in this order and returns their places.
    pub async fn append_all(&self, leaves: Vec<NewLeaf>) -> Result<Vec<u64>, LedgerError> {
        let mut places = Vec::with_capacity(leaves.len());
        for pending in self.enqueue(leaves.into_iter())? {
            places.push(taken(pending).await?);
        }
        Ok(places)
    }

    /// Waits until leaf `index` can be read and proved, and returns a checkpoint with it that can be, too. Whoever appends
    /// and then reads waits here in between; a leaf that nobody waits for gets there some milliseconds later.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Unknown`] if the store fails now: the leaf stays durable, and asking again is useful.
    pub async fn published(&self, index: u64) -> Result<VerifiedCheckpoint, LedgerError> {
        if index >= self.latest.borrow().size() {
            return Err(ReadError::NotThere.into());
        }
        let (mut published, mut failures) = (self.published.clone(), self.failures.clone());
        let failed = failures.borrow_and_update().0;
        self.backlog.want(index.saturating_add(1));
        loop {
            if published.borrow_and_update().size() > index {
                return Ok(published.borrow().clone());
            }
            if let (count, Some(error)) = &*failures.borrow_and_update()
                && *count > failed
            {
                return Err(LedgerError::Unknown(Arc::clone(error)));
            }
            tokio::select! {
                changed = published.changed() => changed.map_err(|_| LedgerError::Stopped)?,
                changed = failures.changed() => changed.map_err(|_| LedgerError::Stopped)?,
            }
        }
    }

    /// Takes nothing more, and ends when everything that was appended is in the store.
    pub async fn close(&self) {
        self.queue.close();
        let mut published = self.published.clone();
        // The publisher is gone when it has nothing left, or cannot go on.
        while published.changed().await.is_ok() {}
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
        let no_quorum = LedgerError::NoQuorum { index };
        let covering = async {
            self.published(index).await?;
            self.cosigner.covering(index, &self.published).await
        };
        let covering = tokio::time::timeout(deadline, covering).await;
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
                    // Many leaves share what the witnesses see; whoever waits for one asks them at once.
                    Ok(Ok(())) => tokio::time::sleep(TOGETHER).await,
                    Ok(Err(_)) => return,
                    Err(_) => self.witness_again().await,
                },
            }
        }
    }

    /// The newest checkpoint that was cosigned stays, whatever comes of it.
    async fn witness_again(&self) {
        if let Err(error) = self.cosigner.renew(&self.published).await {
            tracing::warn!(cause = %error, "the checkpoint was not cosigned anew");
        }
    }

    /// The last checkpoint that was signed; what can be proved may end a moment before ([`Ledger::published`]).
    pub fn latest(&self) -> VerifiedCheckpoint {
        self.latest.borrow().clone()
    }

    /// Proofs, receipts and tiles.
    pub fn reader(&self) -> &LedgerReader {
        &self.reader
    }

    /// Says whether the sequencer works; once it has stopped it stays so.
    pub fn is_running(&self) -> bool {
        !self.queue.is_closed() && !self.backlog.is_stopped()
    }

    fn enqueue(
        &self,
        leaves: impl Iterator<Item = NewLeaf>,
    ) -> Result<Vec<oneshot::Receiver<Result<u64, LedgerError>>>, LedgerError> {
        let (mut waiting, mut pending) = (Vec::new(), Vec::new());
        for leaf in leaves {
            let len = leaf.body.len();
            if len > MAX_ENTRY_LEN {
                return Err(LedgerError::TooLong { len });
            }
            let (answer, taken) = oneshot::channel();
            waiting.push(Waiting { leaf, answer });
            pending.push(taken);
        }
        self.queue.push(waiting)?;
        Ok(pending)
    }
}

impl Drop for Ledger {
    /// What waits is still appended, and what was appended brought to the store; then both threads end.
    fn drop(&mut self) {
        self.queue.close();
    }
}

async fn taken(pending: oneshot::Receiver<Result<u64, LedgerError>>) -> Result<u64, LedgerError> {
    pending.await.unwrap_or(Err(LedgerError::Stopped))
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), LedgerError> {
    let spawned = std::thread::Builder::new().name(name.into()).spawn(work);
    // Without its threads the ledger does nothing, and says so.
    spawned.map(drop).map_err(|_| LedgerError::Stopped)
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
