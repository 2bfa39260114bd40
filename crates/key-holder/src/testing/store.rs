//! The key holders' stores in memory, for tests that look at a service and not at a database.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_storage::Result;
use cyberid_storage::custodian::{CustodianShare, CustodianStore};
use cyberid_storage::key_holder::{BoundDevice, ConsentUse, KeyHolderStore, RememberedCheckpoint, Used};
use cyberid_storage::vault::{VaultField, VaultStore};

/// The vault's store in memory.
pub type MemoryVault = Memory<VaultField>;

/// The custodian's store in memory.
pub type MemoryCustodian = Memory<CustodianShare>;

/// A key holder's store in memory.
pub struct Memory<F>(Mutex<State<F>>);

struct State<F> {
    reserved: HashMap<[u8; 32], SubjectId>,
    records: HashMap<SubjectId, Record<F>>,
    uses: HashMap<String, String>,
    remembered: Option<RememberedCheckpoint>,
}

struct Record<F> {
    device: BoundDevice,
    jkt: String,
    fields: Vec<F>,
    confirmed: bool,
}

impl<F> Default for Memory<F> {
    fn default() -> Self {
        Self(Mutex::new(State {
            reserved: HashMap::new(),
            records: HashMap::new(),
            uses: HashMap::new(),
            remembered: None,
        }))
    }
}

impl<F> Memory<F> {
    fn state(&self) -> MutexGuard<'_, State<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a field of a record behind the service's back.
    pub fn lose(&self, subject: &SubjectId, lost: impl Fn(&F) -> bool) {
        let mut state = self.state();
        let record = state.records.get_mut(subject).unwrap();
        record.fields.retain(|field| !lost(field));
    }

    /// Every field of every record, as a thief of the database has them.
    pub fn dump(&self) -> Vec<(SubjectId, F)>
    where
        F: Clone,
    {
        let state = self.state();
        let records = state.records.iter();
        let of = |(subject, record): (&SubjectId, &Record<F>)| {
            let fields = record.fields.clone().into_iter();
            fields.map(|field| (*subject, field)).collect::<Vec<_>>()
        };
        records.flat_map(of).collect()
    }

    /// How many consents were used.
    pub fn uses(&self) -> usize {
        self.state().uses.len()
    }
}

impl<F: Clone + PartialEq> State<F> {
    fn deposit(&mut self, device: &BoundDevice, jkt: &str, fields: &[F]) -> bool {
        let taken = |record: &Record<F>| record.jkt == jkt && record.device.subject != device.subject;
        if self.records.values().any(taken) {
            return false;
        }
        if let Some(record) = self.records.get(&device.subject) {
            return !record.confirmed && record.device == *device && record.fields == fields;
        }
        let record = Record {
            device: device.clone(),
            jkt: jkt.into(),
            fields: fields.into(),
            confirmed: false,
        };
        self.records.insert(device.subject, record);
        true
    }

    fn select(&self, subject: &SubjectId, asked: &[Field], name: impl Fn(&F) -> Field) -> Vec<F> {
        let fields = self.records.get(subject).map(|record| record.fields.as_slice());
        let find = |asked: &Field| fields?.iter().find(|field| name(field) == *asked).cloned();
        asked.iter().filter_map(find).collect()
    }
}

#[async_trait]
impl<F: Clone + PartialEq + Send + Sync> KeyHolderStore for Memory<F> {
    async fn device(&self, jkt: &str) -> Result<Option<BoundDevice>> {
        let state = self.state();
        let mut confirmed = state.records.values().filter(|record| record.confirmed);
        let record = confirmed.find(|record| record.jkt == jkt);
        Ok(record.map(|record| record.device.clone()))
    }

    async fn remembered(&self) -> Result<Option<RememberedCheckpoint>> {
        Ok(self.state().remembered)
    }

    async fn use_consent(&self, consent: &ConsentUse) -> Result<Used> {
        let mut state = self.state();
        let size = state.remembered.map_or(0, |remembered| remembered.size);
        if size > consent.checkpoint.size {
            return Ok(Used::Overtaken);
        }
        let used = match state.uses.get(&consent.consent_sha256) {
            Some(leaf) if *leaf != consent.leaf_sha256 => return Ok(Used::ForAnotherLeaf),
            Some(_) => Used::Again,
            None => Used::First,
        };
        let (name, leaf) = (consent.consent_sha256.clone(), consent.leaf_sha256.clone());
        state.uses.insert(name, leaf);
        state.remembered = Some(consent.checkpoint);
        Ok(used)
    }

    async fn confirm(&self, subject: &SubjectId) -> Result<bool> {
        let mut state = self.state();
        let record = state.records.get_mut(subject);
        Ok(record.map(|record| record.confirmed = true).is_some())
    }

    async fn free(&self, subject: &SubjectId) -> Result<()> {
        let mut state = self.state();
        if state.records.get(subject).is_none_or(|record| !record.confirmed) {
            state.records.remove(subject);
            state.reserved.retain(|_, reserved| reserved != subject);
        }
        Ok(())
    }

    async fn erase(&self, subject: &SubjectId) -> Result<()> {
        let mut state = self.state();
        state.records.remove(subject);
        state.reserved.retain(|_, reserved| reserved != subject);
        Ok(())
    }
}

#[async_trait]
impl VaultStore for Memory<VaultField> {
    async fn reserve(&self, tag: &[u8; 32], subject: &SubjectId, _: UnixTime) -> Result<bool> {
        Ok(self.state().reserved.entry(*tag).or_insert(*subject) == subject)
    }

    async fn deposit(&self, device: &BoundDevice, jkt: &str, fields: &[VaultField]) -> Result<bool> {
        let mut state = self.state();
        let mut reserved = state.reserved.values();
        Ok(reserved.any(|subject| *subject == device.subject) && state.deposit(device, jkt, fields))
    }

    async fn fields(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>> {
        Ok(self.state().select(subject, fields, |field| field.field))
    }
}

#[async_trait]
impl CustodianStore for Memory<CustodianShare> {
    async fn deposit(
        &self,
        device: &BoundDevice,
        jkt: &str,
        shares: &[CustodianShare],
        _: UnixTime,
    ) -> Result<bool> {
        Ok(self.state().deposit(device, jkt, shares))
    }

    async fn shares(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<CustodianShare>> {
        Ok(self.state().select(subject, fields, |share| share.field))
    }
}
