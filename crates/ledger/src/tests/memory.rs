//! The ports in memory, with faults at any call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cyberid_domain::id::{ClientId, LeafId};
use cyberid_storage::head::{Head, Held, LedgerHead, Mark, Staged};
use cyberid_storage::ledger::{Batch, LeafFilter, LedgerRead, LedgerWrite, NewLeaf, StoredLeaf, StoredTile};
use cyberid_storage::{Result, StorageError};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It failed and did nothing.
    Lost,
    /// It failed but did what it was asked.
    Stored,
}

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    Load,
    Stage,
    Advance,
    Settled,
    Size,
    Leaves,
    Places,
    LastName,
    Tile,
    Checkpoint,
    Append,
    MakeSure,
    Cosigned,
}

/// Which calls of both ports fail.
#[derive(Default)]
pub(super) struct Faults(Mutex<Plan>);

#[derive(Default)]
struct Plan {
    /// The next calls of these kinds, in their order.
    script: VecDeque<(Call, Fault)>,
    /// Every call of these kinds.
    broken: BTreeSet<Call>,
    /// The calls of these numbers.
    numbered: BTreeMap<u64, Fault>,
    count: u64,
    hits: Vec<Call>,
}

impl Faults {
    pub(super) fn fail(&self, call: Call, fault: Fault) {
        self.0.lock().unwrap().script.push_back((call, fault));
    }

    /// Has every such call fail, until [`Self::repair`].
    pub(super) fn break_down(&self, call: Call) {
        self.0.lock().unwrap().broken.insert(call);
    }

    pub(super) fn repair(&self) {
        self.0.lock().unwrap().broken.clear();
    }

    /// Nothing more fails.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap().script.clear();
    }

    /// Has these calls from now on fail, by number.
    pub(super) fn number(&self, faults: &[(u64, Fault)]) {
        let mut plan = self.0.lock().unwrap();
        plan.count = 0;
        plan.numbered = faults.iter().copied().collect();
    }

    /// The calls that failed.
    pub(super) fn hits(&self) -> Vec<Call> {
        self.0.lock().unwrap().hits.clone()
    }

    fn take(&self, call: Call) -> Option<Fault> {
        let mut plan = self.0.lock().unwrap();
        let number = plan.count;
        plan.count += 1;
        let scripted = plan.script.pop_front_if(|(next, _)| *next == call);
        let broken = plan.broken.contains(&call).then_some(Fault::Lost);
        let numbered = plan.numbered.remove(&number);
        let fault = scripted.map(|(_, fault)| fault).or(broken).or(numbered);
        plan.hits.extend(fault.map(|_| call));
        fault
    }

    /// Runs a call, which may fail before or after.
    fn run<T>(&self, call: Call, work: impl FnOnce() -> T) -> Result<T> {
        let failed = || StorageError::Unknown("scripted".into());
        match self.take(call) {
            None => Ok(work()),
            Some(Fault::Lost) => Err(failed()),
            Some(Fault::Stored) => {
                work();
                Err(failed())
            }
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
    faults: Arc<Faults>,
}

impl Memory {
    pub(super) fn with(faults: &Arc<Faults>) -> Self {
        Self {
            faults: Arc::clone(faults),
            ..Self::default()
        }
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
            faults: Arc::clone(&self.faults),
        }
    }

    fn read<T>(&self, call: Call, read: impl FnOnce(&Log) -> T) -> Result<T> {
        self.faults.run(call, || read(&self.log.lock().unwrap()))
    }
}

#[async_trait]
impl LedgerRead for Memory {
    async fn size(&self) -> Result<u64> {
        self.read(Call::Size, |log| log.leaves.len() as u64)
    }

    async fn leaves(&self, start: u64, limit: u32) -> Result<Vec<StoredLeaf>> {
        self.read(Call::Leaves, |log| {
            let leaves = (0..).zip(&log.leaves).skip_while(|(index, _)| *index < start);
            let stored = leaves.take(limit as usize).map(|(index, leaf)| StoredLeaf {
                index,
                body: leaf.body.clone(),
            });
            stored.collect()
        })
    }

    async fn matching(&self, _: &LeafFilter, _: u64, _: u64, _: u32) -> Result<Vec<StoredLeaf>> {
        unreachable!("the ledger does not search")
    }

    async fn tile(&self, level: u8, index: u64) -> Result<Option<StoredTile>> {
        self.read(Call::Tile, |log| {
            let hashes = log.tiles.get(&(level, index)).cloned();
            hashes.map(|hashes| StoredTile { level, index, hashes })
        })
    }

    async fn checkpoint(&self) -> Result<Option<String>> {
        self.read(Call::Checkpoint, |log| log.checkpoint.clone())
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
        unreachable!("the ledger does not count")
    }
}

#[async_trait]
impl LedgerWrite for Memory {
    async fn append(&self, size: u64, batch: &Batch) -> Result<bool> {
        self.faults.run(Call::Append, || {
            let mut log = self.log.lock().unwrap();
            if log.leaves.len() as u64 != size {
                return false;
            }
            for leaf in &batch.leaves {
                assert!(log.leaves.iter().all(|held| held.id != leaf.id), "a name twice");
                log.leaves.push(leaf.clone());
            }
            for tile in &batch.tiles {
                let held = log.tiles.entry((tile.level, tile.index)).or_default();
                assert!(tile.hashes.starts_with(held), "a tile only grows");
                *held = tile.hashes.clone();
            }
            log.checkpoint = Some(batch.checkpoint.clone());
            true
        })
    }

    async fn last_name(&self, before: &str) -> Result<Option<LeafId>> {
        self.read(Call::LastName, |log| {
            let names = log.leaves.iter().map(|leaf| &leaf.id);
            names.filter(|id| id.as_str() < before).max().cloned()
        })
    }

    async fn places(&self, names: &[LeafId]) -> Result<Vec<(LeafId, u64)>> {
        self.read(Call::Places, |log| {
            let places = log
                .leaves
                .iter()
                .zip(0..)
                .map(|(leaf, place)| (leaf.id.clone(), place));
            places.filter(|(id, _)| names.contains(id)).collect()
        })
    }

    async fn make_sure(&self) -> Result<bool> {
        self.faults.run(Call::MakeSure, || true)
    }

    async fn keep_cosigned(&self, size: u64, note: &str) -> Result<()> {
        self.faults.run(Call::Cosigned, || {
            self.log.lock().unwrap().cosigned.insert(size, note.into());
        })
    }
}

/// The head's store. Like one on files it takes nothing after an error before it was read anew.
#[derive(Default)]
pub(super) struct MemoryHead {
    state: Mutex<HeadState>,
    faults: Arc<Faults>,
}

#[derive(Default, Clone)]
struct HeadState {
    head: Option<Head>,
    leaves: Vec<NewLeaf>,
    staged: Option<(u64, Vec<NewLeaf>)>,
    ticket: u64,
    is_read: bool,
    is_garbling: bool,
    moves: usize,
    /// Every head that a sequencer was to make durable, by its size: no two in one of its lives differ.
    signed: Option<BTreeMap<u64, [u8; 32]>>,
}

impl MemoryHead {
    pub(super) fn with(faults: &Arc<Faults>) -> Self {
        Self {
            faults: Arc::clone(faults),
            ..Self::default()
        }
    }

    /// How often the head moved.
    pub(super) fn moves(&self) -> usize {
        self.state.lock().unwrap().moves
    }

    pub(super) fn peek(&self) -> Option<Head> {
        self.state.lock().unwrap().head.clone()
    }

    /// How many leaves it holds.
    pub(super) fn held(&self) -> usize {
        self.state.lock().unwrap().leaves.len()
    }

    pub(super) fn replace(&self, head: Option<Head>) {
        self.state.lock().unwrap().head = head;
    }

    pub(super) fn tamper(&self, index: usize, body: &str) {
        self.state.lock().unwrap().leaves[index].body = body.into();
    }

    /// The next group reads back with other bytes than it was given.
    pub(super) fn garble_next_group(&self) {
        self.state.lock().unwrap().is_garbling = true;
    }

    /// A copy, as a backup has it.
    pub(super) fn backup(&self) -> Self {
        Self {
            state: Mutex::new(self.state.lock().unwrap().clone()),
            faults: Arc::clone(&self.faults),
        }
    }

    /// Another process begins: what an earlier one was about to sign is gone.
    pub(super) fn begin_anew(&self) {
        self.state.lock().unwrap().signed = Some(BTreeMap::new());
    }

    /// A call after which nothing is known, if it fails.
    fn change<T>(&self, call: Call, work: impl FnOnce(&mut HeadState) -> Result<T>) -> Result<T> {
        if !self.state.lock().unwrap().is_read {
            return Err(StorageError::Unknown("it was not read".into()));
        }
        let done = self.faults.run(call, || work(&mut self.state.lock().unwrap()));
        let done = done.and_then(|done| done);
        if done.is_err() {
            self.state.lock().unwrap().is_read = false;
        }
        done
    }
}

impl HeadState {
    fn advance(&mut self, staged: &Staged, was: Option<Mark>, head: &Head) -> Result<bool> {
        if staged.ticket != self.ticket || self.head.as_ref().map(Head::mark) != was {
            return Ok(false);
        }
        if staged.follows != was.map_or(0, |was| was.size) || staged.size() != head.size {
            return Err(StorageError::Corrupt("head for this group"));
        }
        if let Some(signed) = &mut self.signed {
            let signed = signed.entry(head.size).or_insert(head.root);
            assert_eq!(*signed, head.root, "one size was signed with two roots");
        }
        let (_, leaves) = self.staged.take().unwrap();
        self.leaves.extend(leaves);
        self.head = Some(head.clone());
        self.ticket += 1;
        self.moves += 1;
        Ok(true)
    }
}

impl LedgerHead for MemoryHead {
    fn load(&self) -> Result<Option<Held>> {
        self.faults.run(Call::Load, || {
            let mut state = self.state.lock().unwrap();
            state.is_read = true;
            let leaves = state.leaves.clone();
            state.head.clone().map(|head| Held { head, leaves })
        })
    }

    fn stage(&self, size: u64, leaves: &[NewLeaf]) -> Result<Staged> {
        self.change(Call::Stage, |state| {
            state.ticket += 1;
            state.staged = Some((size, leaves.to_vec()));
            let (mut bytes, mut bodies) = (Vec::new(), Vec::new());
            for leaf in leaves {
                let start = bytes.len();
                bytes.extend(leaf.body.as_bytes());
                bodies.push(start..bytes.len());
            }
            if std::mem::take(&mut state.is_garbling) {
                bytes[0] ^= 1;
            }
            Ok(Staged {
                ticket: state.ticket,
                follows: size,
                bytes,
                bodies,
            })
        })
    }

    fn advance(&self, staged: Staged, was: Option<Mark>, head: &Head) -> Result<bool> {
        self.change(Call::Advance, |state| state.advance(&staged, was, head))
    }

    fn settled(&self, size: u64) -> Result<()> {
        self.faults.run(Call::Settled, || {
            let mut state = self.state.lock().unwrap();
            let head = state.head.as_ref().map_or(0, |head| head.size);
            let kept = usize::try_from(head.saturating_sub(size)).unwrap();
            let gone = state.leaves.len().saturating_sub(kept);
            state.leaves.drain(..gone);
        })
    }
}

#[test]
fn the_double_keeps_the_heads_promises() {
    cyberid_storage::conformance::head::all(|| {
        let head = MemoryHead::default();
        head.load().unwrap();
        Arc::new(head)
    });
}
