//! The ports in memory, with faults by script.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_storage::ledger::{
    Head, LeafFilter, LedgerHead, LedgerRead, LedgerWrite, NewLeaf, StoredLeaf, StoredTile,
};
use cyberid_storage::{Result, StorageError};

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It failed and was not stored.
    Lost,
    /// It failed but was stored.
    Stored,
}

/// Which write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Append,
    Checkpoint,
    Cosigned,
    Swap,
}

/// Writes that are to fail, in their order.
#[derive(Default)]
struct Script(Mutex<VecDeque<(Write, Fault)>>);

impl Script {
    fn take(&self, write: Write) -> Option<Fault> {
        let mut script = self.0.lock().unwrap();
        script
            .pop_front_if(|(next, _)| *next == write)
            .map(|(_, fault)| fault)
    }
}

fn failed() -> StorageError {
    StorageError::Unknown("scripted".into())
}

/// Runs a write under a scripted fault.
fn under<T>(fault: Option<Fault>, write: impl FnOnce() -> T) -> Result<T> {
    match fault {
        None => Ok(write()),
        Some(Fault::Lost) => Err(failed()),
        Some(Fault::Stored) => {
            write();
            Err(failed())
        }
    }
}

#[derive(Clone, Default)]
struct Log {
    leaves: Vec<NewLeaf>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    checkpoint: Option<String>,
    cosigned: BTreeMap<u64, String>,
}

/// A log's store.
#[derive(Default)]
pub(super) struct Memory {
    log: Mutex<Log>,
    script: Script,
    garble: Mutex<bool>,
}

impl Memory {
    pub(super) fn fail(&self, write: Write, fault: Fault) {
        self.script.0.lock().unwrap().push_back((write, fault));
    }

    /// The next append stores other bytes than it was given.
    pub(super) fn garble_next_append(&self) {
        *self.garble.lock().unwrap() = true;
    }

    pub(super) fn tamper(&self, index: usize, body: &str) {
        self.log.lock().unwrap().leaves[index].body = body.into();
    }

    pub(super) fn tamper_tile(&self, level: u8, index: u64) {
        self.log.lock().unwrap().tiles.get_mut(&(level, index)).unwrap()[0] ^= 1;
    }

    /// A copy, as a backup has it.
    pub(super) fn backup(&self) -> Self {
        Self {
            log: Mutex::new(self.log.lock().unwrap().clone()),
            ..Self::default()
        }
    }
}

#[async_trait]
impl LedgerRead for Memory {
    async fn size(&self) -> Result<u64> {
        Ok(self.log.lock().unwrap().leaves.len() as u64)
    }

    async fn leaves(&self, start: u64, limit: u32) -> Result<Vec<StoredLeaf>> {
        let log = self.log.lock().unwrap();
        let leaves = (0..).zip(&log.leaves).skip_while(|(index, _)| *index < start);
        let stored = leaves.take(limit as usize).map(|(index, leaf)| StoredLeaf {
            index,
            body: leaf.body.clone(),
        });
        Ok(stored.collect())
    }

    async fn matching(&self, _: &LeafFilter, _: u64, _: u64, _: u32) -> Result<Vec<StoredLeaf>> {
        unreachable!("the sequencer does not search")
    }

    async fn index_of(&self, id: &LeafId) -> Result<Option<u64>> {
        let log = self.log.lock().unwrap();
        Ok((0..)
            .zip(&log.leaves)
            .find(|(_, leaf)| leaf.id == *id)
            .map(|(index, _)| index))
    }

    async fn tile(&self, level: u8, index: u64) -> Result<Option<StoredTile>> {
        let log = self.log.lock().unwrap();
        let hashes = log.tiles.get(&(level, index)).cloned();
        Ok(hashes.map(|hashes| StoredTile { level, index, hashes }))
    }

    async fn checkpoint(&self) -> Result<Option<String>> {
        Ok(self.log.lock().unwrap().checkpoint.clone())
    }

    async fn cosigned(&self, at_least: u64) -> Result<Option<String>> {
        let log = self.log.lock().unwrap();
        Ok(log
            .cosigned
            .range(at_least..)
            .next()
            .map(|(_, note)| note.clone()))
    }

    async fn newest_cosigned(&self) -> Result<Option<String>> {
        let log = self.log.lock().unwrap();
        Ok(log.cosigned.last_key_value().map(|(_, note)| note.clone()))
    }

    async fn counts(&self, _: u64) -> Result<Vec<(String, Option<ClientId>, u64)>> {
        unreachable!("the sequencer does not count")
    }
}

#[async_trait]
impl LedgerWrite for Memory {
    async fn append(&self, size: u64, leaves: &[NewLeaf], tiles: &[StoredTile]) -> Result<bool> {
        let garble = std::mem::take(&mut *self.garble.lock().unwrap());
        under(self.script.take(Write::Append), || {
            let mut log = self.log.lock().unwrap();
            if log.leaves.len() as u64 != size {
                return false;
            }
            for leaf in leaves {
                assert!(log.leaves.iter().all(|held| held.id != leaf.id), "a name twice");
                let body = if garble {
                    "garbled".into()
                } else {
                    leaf.body.clone()
                };
                log.leaves.push(NewLeaf { body, ..leaf.clone() });
            }
            for tile in tiles {
                let held = log.tiles.entry((tile.level, tile.index)).or_default();
                assert!(tile.hashes.starts_with(held), "a tile only grows");
                *held = tile.hashes.clone();
            }
            true
        })
    }

    async fn keep_checkpoint(&self, _: u64, note: &str) -> Result<()> {
        under(self.script.take(Write::Checkpoint), || {
            self.log.lock().unwrap().checkpoint = Some(note.into());
        })
    }

    async fn keep_cosigned(&self, size: u64, note: &str) -> Result<()> {
        under(self.script.take(Write::Cosigned), || {
            self.log.lock().unwrap().cosigned.insert(size, note.into());
        })
    }
}

/// The head's store; it counts how often the head moved.
#[derive(Default)]
pub(super) struct MemoryHead {
    head: Mutex<Option<Head>>,
    script: Script,
    moves: Mutex<usize>,
}

impl MemoryHead {
    pub(super) fn fail(&self, fault: Fault) {
        self.script.0.lock().unwrap().push_back((Write::Swap, fault));
    }

    pub(super) fn moves(&self) -> usize {
        *self.moves.lock().unwrap()
    }

    pub(super) fn replace(&self, head: Option<Head>) {
        *self.head.lock().unwrap() = head;
    }
}

#[async_trait]
impl LedgerHead for MemoryHead {
    async fn head(&self) -> Result<Option<Head>> {
        Ok(self.head.lock().unwrap().clone())
    }

    async fn swap(&self, was: Option<(u64, [u8; 32])>, head: &Head) -> Result<bool> {
        under(self.script.take(Write::Swap), || {
            let mut stored = self.head.lock().unwrap();
            if stored.as_ref().map(|stored| (stored.size, stored.root)) != was {
                return false;
            }
            *stored = Some(head.clone());
            *self.moves.lock().unwrap() += 1;
            true
        })
    }
}
