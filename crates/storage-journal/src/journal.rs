//! The journal: the ports, over the state and the files.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use cyberid_crypto::Mac;
use cyberid_domain::id::VerificationId;
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_storage::journal::{Journal, Visit};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Kept, Opened, Verification, VerificationState, Verifications};
use cyberid_storage::{Result, StorageError};

use crate::archive::Archive;
use crate::disk::{Disk, RealDisk};
use crate::error::{OpenError, Stopped};
use crate::open;
use crate::options::Options;
use crate::place::{Place, RunName};
use crate::shared::Shared;
use crate::state::{Decided, State};
use crate::unsettled::Unsettled;
use crate::used::Full;
use crate::writer::Writer;

/// The journal of a directory.
pub struct FileJournal(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    place: Arc<Place>,
    archive: Archive,
    clock: Arc<dyn Clock>,
    writer: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<File>>,
}

/// What the files of a journal said.
struct Restored {
    place: Arc<Place>,
    state: State,
    segments: Vec<Unsettled>,
    runs: Vec<RunName>,
    lock: File,
}

impl FileJournal {
    /// Opens the journal of a directory, and makes it if it is missing. The first of `keys` is the journal key, and
    /// those after it the ones that it followed.
    pub async fn open(
        directory: impl AsRef<Path>,
        keys: &[Arc<dyn Mac>],
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        let (directory, keys) = (directory.as_ref().to_owned(), keys.to_vec());
        let opened =
            off_the_runtime(move || Self::open_on(Arc::new(RealDisk), &directory, keys, clock, rng, options));
        opened.await
    }

    /// Opens it on this disk, at once.
    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        directory: &Path,
        keys: Vec<Arc<dyn Mac>>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        let lock = open::take(directory, &*disk)?;
        let found = open::list(directory, &*disk)?;
        let place = Arc::new(Place::new(directory.to_owned(), disk, rng, keys, found.next));
        let (state, segments) = open::read(&place, &found.segments, &options)?;
        let restored = Restored {
            place,
            state,
            segments,
            runs: found.runs,
            lock,
        };
        Self::start(restored, clock, options)
    }

    fn start(
        restored: Restored,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        let Restored {
            place,
            state,
            segments,
            runs,
            lock,
        } = restored;
        let shared = Arc::new(Shared::new(state, segments));
        let writer = Writer::start(
            Arc::clone(&shared),
            Arc::clone(&place),
            Arc::clone(&clock),
            options,
        );
        let writer = writer.map_err(|cause| OpenError::file(&place.directory, cause))?;
        Ok(Self(Arc::new(Inner {
            shared,
            place,
            archive: Archive::new(runs),
            clock,
            writer: Mutex::new(Some(writer)),
            lock: Mutex::new(Some(lock)),
        })))
    }

    /// Whether it still takes changes: once it has stopped, it stays so until it is opened anew.
    pub fn is_running(&self) -> bool {
        self.0.shared.is_running()
    }

    /// Ends it, with everything durable that was begun; nothing is taken after that.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.0);
        off_the_runtime(move || inner.end()).await;
    }

    /// Settles what is over: what is left of it are its visits, sorted. [`Journal::forget_visits`] has it done beside.
    pub async fn settle(&self) -> Result<()> {
        let inner = Arc::clone(&self.0);
        off_the_runtime(move || inner.settle()).await.map_err(unknown)
    }

    async fn change<A>(
        &self,
        happened: A,
        decide: impl FnOnce(&mut State) -> std::result::Result<Decided<A>, Full>,
    ) -> Result<A> {
        let decided = self.0.shared.decide(|state| decide(state).map_err(unknown));
        decided?.answer(happened).await.map_err(unknown)
    }
}

impl Inner {
    fn settle(&self) -> std::io::Result<()> {
        self.archive.tend(&self.place, &self.shared, self.clock.now())
    }

    fn end(&self) {
        self.shared.close();
        // Held until it has ended: whoever ends it a second time waits, too, before the directory is left.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take() {
            // One that panicked has told nobody that anything is durable.
            let _ = writer.join();
        }
        drop(writer);
        // Whoever settles sees that it is over, and leaves the directory.
        self.archive.wait();
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

#[async_trait]
impl Verifications for FileJournal {
    async fn ask(&self, verification: &Verification) -> Result<Kept> {
        self.change(Kept::Now, |state| Ok(state.ask(verification))).await
    }

    async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>> {
        let inside = self.0.shared.running().map_err(unknown)?;
        Ok(inside.state.verification(id).cloned())
    }

    async fn open(&self, id: &VerificationId, opener: &[u8; 16], now: UnixTime) -> Result<Opened> {
        self.change(Opened::Now, |state| Ok(state.open(id, opener, now)))
            .await
    }

    async fn agree(&self, id: &VerificationId, now: UnixTime) -> Result<bool> {
        self.change(true, |state| Ok(state.agree(id, now))).await
    }

    async fn awaiting_guardian(&self, now: UnixTime) -> Result<Vec<Verification>> {
        let inside = self.0.shared.running().map_err(unknown)?;
        Ok(inside.state.awaiting_guardian(now))
    }

    async fn conclude(
        &self,
        id: &VerificationId,
        state: &VerificationState,
        opener: Option<&[u8; 16]>,
        proof: Option<&SingleUse>,
        visit: Option<&Visit>,
        now: UnixTime,
    ) -> Result<Answered> {
        let answer = state;
        self.change(Answered::Now, |state| {
            state.conclude(id, answer, opener, proof, visit, now)
        })
        .await
    }

    async fn conclude_direct(&self, proof: &SingleUse, visit: &Visit) -> Result<Answered> {
        self.change(Answered::Now, |state| state.conclude_direct(proof, visit))
            .await
    }

    async fn forget_verifications(&self, before: UnixTime) -> Result<u64> {
        let now = self.0.clock.now();
        let mut inside = self.0.shared.running().map_err(unknown)?;
        inside.verifications_before = inside.verifications_before.max(before);
        inside.state.forget_proofs(now);
        Ok(inside.state.forget_verifications(before))
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn visits(&self, day: UnixTime, tag: &[u8; 16]) -> Result<Vec<Vec<u8>>> {
        let (inner, tag) = (Arc::clone(&self.0), *tag);
        drop(inner.shared.running().map_err(unknown)?);
        let read = off_the_runtime(move || inner.archive.visits(&inner.place, &inner.shared, day, &tag));
        read.await.map_err(unknown)
    }

    async fn forget_visits(&self, before: UnixTime) -> Result<u64> {
        let inner = Arc::clone(&self.0);
        drop(inner.shared.running().map_err(unknown)?);
        inner.shared.nudge();
        let forget = off_the_runtime(move || {
            let forgotten = inner.archive.forget(&inner.place, &inner.shared, before);
            (inner, forgotten)
        });
        let (inner, forgotten) = forget.await;
        // However long settling takes: nobody waits for it.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = inner.settle() {
                tracing::warn!(%error, "the journal was not settled; it is tried again");
                metrics::counter!("journal_unsettled_total").increment(1);
            }
        });
        forgotten.map_err(unknown)
    }
}

fn unknown(error: impl std::error::Error + Send + Sync + 'static) -> StorageError {
    StorageError::Unknown(Box::new(error))
}

impl From<Stopped> for StorageError {
    fn from(stopped: Stopped) -> Self {
        unknown(stopped)
    }
}

/// Does what waits for a disk where no other task waits for it.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}
