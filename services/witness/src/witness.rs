//! The witness: it checks, remembers, and then cosigns.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cyberid_crypto::digest;
use cyberid_domain::Clock;
use cyberid_keystore::{NoteKey, role};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::note::{NoteSignature, NoteSigner, SignatureType, VerifierKey};
use cyberid_tlog::witness::{AddCheckpoint, Latest};

use crate::error::{Refused, WitnessError};
use crate::key::CosignerKey;
use crate::memory::{Held, Memory, Signers};

/// What a witness is made of.
pub struct Parts {
    /// The folder that only this witness works in, and that [`Witness::begin`] has made. It must not be put back from
    /// a backup.
    pub dir: PathBuf,
    /// The witness's name, as it stands in its cosignatures: a URL without scheme.
    pub name: String,
    /// The witness's key.
    pub key: NoteKey<role::Witness>,
    /// The keys of the logs whose checkpoints it cosigns; a key's name is its log's origin, and a log may have several.
    pub logs: Vec<VerifierKey>,
    /// Where cosignatures take their time from.
    pub clock: Arc<dyn Clock>,
}

/// A witness of some logs.
pub struct Witness {
    key: CosignerKey,
    logs: BTreeMap<String, Log>,
    memory: Memory,
    clock: Arc<dyn Clock>,
}

/// A log, and of its checkpoints the last that is known to be durable here: what is not is shown to nobody.
struct Log {
    keys: Vec<VerifierKey>,
    durable: Mutex<Option<Held>>,
}

/// A log that a witness watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedLog {
    /// The log's name.
    pub origin: String,
    /// The log's keys.
    pub keys: Vec<VerifierKey>,
    /// The size of its last cosigned checkpoint; 0 if there is none.
    pub size: u64,
}

impl Witness {
    /// Begins what a witness remembers, before its key is made: a key without it has forgotten what it signed. What is
    /// there already stays as it is.
    pub fn begin(dir: &Path) -> Result<(), WitnessError> {
        Memory::begin(dir)
    }

    /// Opens the folder, which no other witness may have open, and reads what it holds of every log.
    ///
    /// # Errors
    ///
    /// Nothing is signed where something of it is missing or damaged ([`WitnessError::Lost`],
    /// [`WitnessError::Corrupt`]).
    pub fn open(parts: Parts) -> Result<Arc<Self>, WitnessError> {
        let key = CosignerKey::new(&parts.name, &parts.key).map_err(WitnessError::Name)?;
        let mut logs = by_origin(parts.logs)?;
        let memory = Memory::open(&parts.dir)?;
        for (origin, log) in &mut logs {
            let held = memory.held(&log.signers(origin, &key))?;
            if held.is_some() {
                memory.list(origin)?;
            }
            log.durable = Mutex::new(held);
        }
        Ok(Arc::new(Self {
            key,
            logs,
            memory,
            clock: parts.clock,
        }))
    }

    /// The key that this witness's cosignatures are checked with.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.key.verifier_key()
    }

    /// The logs it watches, in the order of their names.
    pub fn watched(&self) -> Vec<WatchedLog> {
        let watched = self.logs.iter().map(|(origin, log)| WatchedLog {
            origin: origin.clone(),
            keys: log.keys.clone(),
            size: log.durable().as_ref().map_or(0, |held| held.latest.size),
        });
        watched.collect()
    }

    /// The last cosigned checkpoint of the log with this hash of its name ([`origin_hash`]), with the log's signature and
    /// this witness's; nothing if there never was one.
    pub fn checkpoint(&self, origin_hash: &str) -> Option<String> {
        let (_, log) = self
            .logs
            .iter()
            .find(|(origin, _)| self::origin_hash(origin) == origin_hash)?;
        log.durable().as_ref().map(|held| held.note.clone())
    }

    /// Says whether what is remembered can be read back.
    pub fn check(&self) -> Result<(), WitnessError> {
        for (origin, log) in &self.logs {
            // A log at work is read at each of its requests.
            if let Ok(_durable) = log.durable.try_lock() {
                self.memory.held(&log.signers(origin, &self.key))?;
            }
        }
        Ok(())
    }

    /// Answers a request body with signature lines (tlog-witness, add-checkpoint).
    ///
    /// It waits for the disk.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<String, Refused> {
        let answer = self.answer(body);
        let word = answer.as_ref().err().map_or("cosigned", Refused::word);
        metrics::counter!("witness_answers_total", "answer" => word).increment(1);
        answer
    }

    fn answer(&self, body: &[u8]) -> Result<String, Refused> {
        let request = AddCheckpoint::parse(body)?;
        let origin = request.claimed_origin().ok_or(Refused::BadCheckpoint)?;
        let log = self.logs.get(origin).ok_or(Refused::UnknownLog)?;
        // Keys that are not known are ignored; one wrong signature by a known one refuses the note (signed-note).
        let signers = request.checkpoint.verify(&log.keys);
        let signers = signers.map_err(|_| Refused::Unsigned)?;
        let key = signers.first().ok_or(Refused::Unsigned)?;
        let line = self.remember(origin, log, &request, key)?;
        Ok(NoteSignature::format_lines(&[line]))
    }

    /// Checks the request against the last cosigned checkpoint and replaces it, as one step and durably. Only then does
    /// the cosignature leave.
    fn remember(
        &self,
        origin: &str,
        log: &Log,
        request: &AddCheckpoint,
        key: &VerifierKey,
    ) -> Result<NoteSignature, Refused> {
        let mut durable = log.durable();
        let held = self.memory.held(&log.signers(origin, &self.key))?;
        let latest = held.as_ref().map_or_else(Latest::default, |held| held.latest);
        let checkpoint = request.check(key, latest)?;
        let line = cosign(&checkpoint, self.clock.now().0, &self.key).map_err(WitnessError::Key)?;
        let note = log.note(&checkpoint, line.clone());
        if let Some(durable) = durable.as_mut().filter(|durable| says(durable, &checkpoint)) {
            // What is durable already is shown with its newest cosignature, and needs no write.
            durable.note = note;
            return Ok(line);
        }
        self.memory.store(origin, &note)?;
        let latest = Latest {
            size: checkpoint.size(),
            root: checkpoint.root(),
        };
        *durable = Some(Held { latest, note });
        Ok(line)
    }
}

impl Log {
    fn signers<'a>(&'a self, origin: &'a str, key: &'a CosignerKey) -> Signers<'a> {
        Signers {
            origin,
            log: &self.keys,
            witness: key.verifier_key(),
        }
    }

    /// The checkpoint with the log's signatures, which were checked, and this cosignature: what others wrote below it is
    /// not ours to keep or to show.
    fn note(&self, checkpoint: &VerifiedCheckpoint, cosignature: NoteSignature) -> String {
        let by = |line: &&NoteSignature| {
            let mut keys = self.keys.iter();
            keys.any(|key| line.name() == key.name() && line.key_id() == key.key_id())
        };
        let note = checkpoint.note();
        let lines: Vec<_> = note
            .signatures()
            .iter()
            .filter(by)
            .cloned()
            .chain([cosignature])
            .collect();
        format!("{}\n{}", note.text(), NoteSignature::format_lines(&lines))
    }

    /// What is remembered is in the files, so that whoever panicked while holding this has spoilt nothing.
    fn durable(&self) -> MutexGuard<'_, Option<Held>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash under which a witness publishes a log's checkpoint: SHA-256 of the log's name, in lowercase hexadecimal.
pub fn origin_hash(origin: &str) -> String {
    let digest = digest::sha256(origin.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn says(held: &Held, checkpoint: &VerifiedCheckpoint) -> bool {
    (held.latest.size, held.latest.root) == (checkpoint.size(), checkpoint.root())
}

fn by_origin(keys: Vec<VerifierKey>) -> Result<BTreeMap<String, Log>, WitnessError> {
    let mut logs: BTreeMap<String, Log> = BTreeMap::new();
    for key in keys {
        let origin = key.name().to_owned();
        if key.signature_type() != SignatureType::Ed25519 {
            return Err(WitnessError::NotALogKey(origin));
        }
        let log = logs.entry(origin.clone()).or_insert_with(|| Log {
            keys: Vec::new(),
            durable: Mutex::default(),
        });
        if log.keys.contains(&key) {
            return Err(WitnessError::DuplicateLog(origin));
        }
        log.keys.push(key);
    }
    Ok(logs)
}
