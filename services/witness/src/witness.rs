//! The witness: it checks, remembers, and then cosigns.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cyberid_domain::Clock;
use cyberid_keystore::{NoteKey, role};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::note::{NoteSignature, NoteSigner, SignatureType, VerifierKey};
use cyberid_tlog::witness::AddCheckpoint;

use crate::error::{Refused, WitnessError};
use crate::key::CosignerKey;
use crate::memory::Memory;

/// What a witness is made of.
pub struct Parts {
    /// The folder that only this witness works in. It must not be put back from a backup.
    pub dir: PathBuf,
    /// The witness's name, as it stands in its cosignatures: a URL without scheme.
    pub name: String,
    /// The witness's key.
    pub key: NoteKey<role::Witness>,
    /// The logs whose checkpoints it cosigns; a key's name is its log's origin.
    pub logs: Vec<VerifierKey>,
    /// Where cosignatures take their time from.
    pub clock: Arc<dyn Clock>,
}

/// A witness of some logs.
pub struct Witness {
    key: CosignerKey,
    logs: BTreeMap<String, VerifierKey>,
    memory: Mutex<Memory>,
    clock: Arc<dyn Clock>,
}

/// A log that a witness watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLog {
    /// The log's key.
    pub key: VerifierKey,
    /// The size of its last cosigned checkpoint; 0 if there is none.
    pub size: u64,
}

impl Witness {
    /// Opens the folder, which no other witness may have open, and reads what it holds of every log.
    pub fn open(parts: Parts) -> Result<Arc<Self>, WitnessError> {
        let key = CosignerKey::new(&parts.name, &parts.key).map_err(WitnessError::Name)?;
        let logs = by_origin(parts.logs)?;
        let memory = Memory::open(&parts.dir)?;
        for log in logs.values() {
            memory.latest(log)?;
        }
        Ok(Arc::new(Self {
            key,
            logs,
            memory: Mutex::new(memory),
            clock: parts.clock,
        }))
    }

    /// The key that this witness's cosignatures are checked with.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.key.verifier_key()
    }

    /// The logs it watches, in the order of their names.
    pub fn watched(&self) -> Result<Vec<WatchedLog>, WitnessError> {
        let memory = self.memory();
        let watched = self.logs.values().map(|log| {
            let size = memory.latest(log)?.size;
            let key = log.clone();
            Ok(WatchedLog { key, size })
        });
        watched.collect()
    }

    /// Answers a request body with signature lines (tlog-witness, add-checkpoint).
    ///
    /// It waits for the disk.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<String, Refused> {
        let request = AddCheckpoint::parse(body)?;
        let origin = request.claimed_origin().ok_or(Refused::BadCheckpoint)?;
        let log = self.logs.get(origin).ok_or(Refused::UnknownLog)?;
        let checkpoint = self.remember(&request, log)?;
        let line = cosign(&checkpoint, self.clock.now().0, &self.key).map_err(WitnessError::Key)?;
        Ok(NoteSignature::format_lines(&[line]))
    }

    /// Checks the request against the last cosigned checkpoint and replaces it, as one step and durably.
    fn remember(&self, request: &AddCheckpoint, log: &VerifierKey) -> Result<VerifiedCheckpoint, Refused> {
        let memory = self.memory();
        let checkpoint = request.check(log, memory.latest(log)?)?;
        memory.store(&checkpoint)?;
        Ok(checkpoint)
    }

    /// What is remembered is in the files, so that whoever panicked while holding this has spoilt nothing.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_origin(keys: Vec<VerifierKey>) -> Result<BTreeMap<String, VerifierKey>, WitnessError> {
    let mut logs = BTreeMap::new();
    for key in keys {
        let origin = key.name().to_owned();
        if key.signature_type() != SignatureType::Ed25519 {
            return Err(WitnessError::NotALogKey(origin));
        }
        if logs.insert(origin.clone(), key).is_some() {
            return Err(WitnessError::DuplicateLog(origin));
        }
    }
    Ok(logs)
}
