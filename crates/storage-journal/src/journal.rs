//! The journal.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cyberid_crypto::Mac;
use cyberid_domain::id::VerificationId;
use cyberid_domain::{Clock, Rng, UnixTime};
use cyberid_storage::journal::{Journal, Visit};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::verification::{Answered, Kept, Opened, Verification, VerificationState, Verifications};
use cyberid_storage::{Result, StorageError};

use crate::entry::Entry;
use crate::state::{Decided, State};

/// Why a journal does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be used.
    #[error("the journal's directory cannot be used")]
    Directory(#[source] std::io::Error),
}

/// What a journal may hold.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many verifications are kept at once, answered ones included.
    pub verifications: usize,
    /// How many used proofs are remembered at once.
    pub proofs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verifications: 200_000,
            proofs: 8_000_000,
        }
    }
}

/// The journal.
pub struct FileJournal {
    shared: Mutex<Shared>,
    clock: Arc<dyn Clock>,
}

struct Shared {
    state: State,
    visits: HashMap<(UnixTime, [u8; 16]), Vec<Vec<u8>>>,
}

impl FileJournal {
    /// Opens the journal of a directory, and makes it if it is missing.
    pub async fn open(
        directory: impl AsRef<Path>,
        keys: &[Arc<dyn Mac>],
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        options: Options,
    ) -> std::result::Result<Self, OpenError> {
        let _ = (keys, rng);
        std::fs::create_dir_all(directory.as_ref()).map_err(OpenError::Directory)?;
        let state = State::new(options.verifications, options.proofs);
        Ok(Self {
            shared: Mutex::new(Shared {
                state,
                visits: HashMap::new(),
            }),
            clock,
        })
    }

    /// Whether it still takes changes: once it has stopped, it stays so until it is opened anew.
    pub fn is_running(&self) -> bool {
        true
    }

    /// Ends it, with everything durable.
    pub async fn close(&self) {}

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn settle<A>(&self, decided: Decided<A>, happened: A) -> Result<A> {
        match decided {
            Decided::Answer(answer) => Ok(answer),
            Decided::Write(entry) => {
                self.write(entry);
                Ok(happened)
            }
        }
    }

    fn write(&self, entry: Entry) {
        let mut shared = self.lock();
        if let Some(visit) = entry.visit() {
            let key = (visit.day, visit.tag);
            shared.visits.entry(key).or_default().push(visit.sealed.clone());
        }
        shared.state.show(entry);
    }
}

#[async_trait]
impl Verifications for FileJournal {
    async fn ask(&self, verification: &Verification) -> Result<Kept> {
        let decided = self.lock().state.ask(verification);
        self.settle(decided, Kept::Now).await
    }

    async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>> {
        Ok(self.lock().state.verification(id).cloned())
    }

    async fn open(&self, id: &VerificationId, opener: &[u8; 16], now: UnixTime) -> Result<Opened> {
        let decided = self.lock().state.open(id, opener, now);
        self.settle(decided, Opened::Now).await
    }

    async fn agree(&self, id: &VerificationId, now: UnixTime) -> Result<bool> {
        let decided = self.lock().state.agree(id, now);
        self.settle(decided, true).await
    }

    async fn awaiting_guardian(&self, now: UnixTime) -> Result<Vec<Verification>> {
        Ok(self.lock().state.awaiting_guardian(now))
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
        let decided = self.lock().state.conclude(id, state, opener, proof, visit, now);
        let decided = decided.map_err(|full| StorageError::Unknown(Box::new(full)))?;
        self.settle(decided, Answered::Now).await
    }

    async fn conclude_direct(&self, proof: &SingleUse, visit: &Visit) -> Result<Answered> {
        let decided = self.lock().state.conclude_direct(proof, visit);
        let decided = decided.map_err(|full| StorageError::Unknown(Box::new(full)))?;
        self.settle(decided, Answered::Now).await
    }

    async fn forget_verifications(&self, before: UnixTime) -> Result<u64> {
        let now = self.clock.now();
        let mut shared = self.lock();
        shared.state.forget_proofs(now);
        Ok(shared.state.forget_verifications(before))
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn visits(&self, day: UnixTime, tag: &[u8; 16]) -> Result<Vec<Vec<u8>>> {
        Ok(self.lock().visits.get(&(day, *tag)).cloned().unwrap_or_default())
    }

    async fn forget_visits(&self, before: UnixTime) -> Result<u64> {
        let mut shared = self.lock();
        let all = shared.visits.len();
        shared.visits.retain(|(day, _), _| *day >= before);
        Ok((all - shared.visits.len()).try_into().unwrap_or(u64::MAX))
    }
}
