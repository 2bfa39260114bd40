//! The key holders' stores in memory, for tests that look at a service and not at a database.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, SubjectId};
use cyberid_storage::Result;
use cyberid_storage::custodian::{CustodianShare, CustodianStore};
use cyberid_storage::key_holder::{
    BoundDevice, ConsentUse, DeviceBinding, KeyHolderStore, RememberedCheckpoint, Used,
};
use cyberid_storage::replacement::{CustodianReplacements, VaultReplacements};
use cyberid_storage::seals::{ResealedShare, SealedShare, ShareRow, ShareSeals};
use cyberid_storage::vault::{VaultField, VaultStore};

/// The vault's store in memory.
pub type MemoryVault = Memory<VaultField>;

/// The custodian's store in memory.
pub type MemoryCustodian = Memory<CustodianShare>;

/// A key holder's store in memory.
pub struct Memory<F>(Mutex<State<F>>);

struct State<F> {
    reserved: HashMap<[u8; 32], SubjectId>,
    cooling_off: HashMap<[u8; 32], Option<UnixTime>>,
    records: HashMap<SubjectId, Record<F>>,
    /// When the word was signed that gave a record its present number.
    numbered: HashMap<SubjectId, UnixTime>,
    /// Devices beside the first.
    bound: HashMap<String, BoundDevice>,
    unbound: HashMap<String, SubjectId>,
    uses: HashMap<String, String>,
    remembered: Option<RememberedCheckpoint>,
    staged: HashMap<SubjectId, (Nonce, Vec<F>)>,
    in_force: HashMap<SubjectId, Nonce>,
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
            cooling_off: HashMap::new(),
            records: HashMap::new(),
            numbered: HashMap::new(),
            bound: HashMap::new(),
            unbound: HashMap::new(),
            uses: HashMap::new(),
            remembered: None,
            staged: HashMap::new(),
            in_force: HashMap::new(),
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

    fn stage(&mut self, subject: &SubjectId, version: &Nonce, fields: &[F]) -> bool {
        let confirmed = self.records.get(subject).is_some_and(|record| record.confirmed);
        if confirmed && self.in_force.get(subject) != Some(version) {
            self.staged.insert(*subject, (version.clone(), fields.into()));
        }
        confirmed
    }

    fn switch(&mut self, subject: &SubjectId, version: &Nonce) -> bool {
        if self.in_force.get(subject) == Some(version) {
            return true;
        }
        let staged = self
            .staged
            .get(subject)
            .is_some_and(|(staged, _)| staged == version);
        let taken = staged.then(|| self.staged.remove(subject)).flatten();
        if let (Some((_, fields)), Some(record)) = (taken, self.records.get_mut(subject)) {
            record.fields = fields;
            self.in_force.insert(*subject, version.clone());
        }
        staged
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
        if state.unbound.contains_key(jkt) {
            return Ok(None);
        }
        let mut confirmed = state.records.values().filter(|record| record.confirmed);
        let record = confirmed.find(|record| record.jkt == jkt);
        let first = record.map(|record| record.device.clone());
        Ok(first.or_else(|| state.bound.get(jkt).cloned()))
    }

    async fn bind(&self, binding: &DeviceBinding) -> Result<bool> {
        let mut state = self.state();
        let record = state.records.get(&binding.subject);
        let Some(record) = record.filter(|record| record.confirmed) else {
            return Ok(false);
        };
        let device = BoundDevice {
            subject: binding.subject,
            key: binding.key,
            release_from: binding.release_from,
            number_commitment: record.device.number_commitment,
        };
        let theirs = |record: &Record<F>| record.jkt == binding.jkt;
        if state.unbound.contains_key(&binding.jkt) || state.records.values().any(theirs) {
            return Ok(false);
        }
        let bound = state.bound.entry(binding.jkt.clone()).or_insert(device);
        Ok(bound.subject == binding.subject && bound.key == binding.key)
    }

    async fn unbind(&self, subject: &SubjectId, jkt: &str, _: &[u8; 65]) -> Result<()> {
        let mut state = self.state();
        if state.records.contains_key(subject) {
            state.unbound.insert(jkt.into(), *subject);
        }
        Ok(())
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

    async fn renumber(
        &self,
        subject: &SubjectId,
        number_commitment: &[u8; 32],
        signed_at: UnixTime,
    ) -> Result<bool> {
        let mut state = self.state();
        let last = state.numbered.get(subject).copied();
        let Some(record) = state.records.get_mut(subject).filter(|record| record.confirmed) else {
            return Ok(false);
        };
        if last.is_some_and(|last| last > signed_at) {
            return Ok(false);
        }
        record.device.number_commitment = Some(*number_commitment);
        state.numbered.insert(*subject, signed_at);
        Ok(true)
    }

    async fn erase(&self, subject: &SubjectId) -> Result<()> {
        let mut state = self.state();
        let ended = state
            .records
            .remove(subject)
            .is_some_and(|record| record.confirmed);
        let tag = state.reserved.iter().find(|(_, reserved)| *reserved == subject);
        if let Some((tag, _)) = tag.map(|(tag, subject)| (*tag, *subject)).filter(|_| ended) {
            state.cooling_off.insert(tag, None);
        }
        state.bound.retain(|_, device| device.subject != *subject);
        state.unbound.retain(|_, unbound| unbound != subject);
        state.reserved.retain(|_, reserved| reserved != subject);
        Ok(())
    }
}

#[async_trait]
impl VaultStore for Memory<VaultField> {
    async fn reserve(&self, tag: &[u8; 32], subject: &SubjectId, _: UnixTime) -> Result<bool> {
        let mut state = self.state();
        if state.cooling_off.contains_key(tag) {
            return Ok(false);
        }
        Ok(state.reserved.entry(*tag).or_insert(*subject) == subject)
    }

    async fn cool_off(&self, today: UnixTime, before: UnixTime) -> Result<u64> {
        let mut state = self.state();
        let all = state.cooling_off.len();
        state
            .cooling_off
            .retain(|_, since| *since.get_or_insert(today) > before);
        Ok(u64::try_from(all - state.cooling_off.len()).unwrap())
    }

    async fn reindex(&self, older: &[[u8; 32]], tag: &[u8; 32]) -> Result<()> {
        let mut state = self.state();
        for old in older {
            if let Some(subject) = state.reserved.remove(old) {
                state.reserved.entry(*tag).or_insert(subject);
            }
        }
        Ok(())
    }

    async fn deposit(&self, device: &BoundDevice, jkt: &str, fields: &[VaultField]) -> Result<bool> {
        let mut state = self.state();
        let mut reserved = state.reserved.values();
        Ok(reserved.any(|subject| *subject == device.subject) && state.deposit(device, jkt, fields))
    }

    async fn deposit_reserving(
        &self,
        tag: &[u8; 32],
        _: UnixTime,
        (device, jkt): (&BoundDevice, &str),
        fields: &[VaultField],
    ) -> Result<bool> {
        let mut state = self.state();
        let reserved = state.reserved.get(tag);
        let taken = reserved.is_some_and(|subject| *subject != device.subject);
        if taken || state.cooling_off.contains_key(tag) || !state.deposit(device, jkt, fields) {
            return Ok(false);
        }
        state.reserved.insert(*tag, device.subject);
        Ok(true)
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

#[async_trait]
impl VaultReplacements for Memory<VaultField> {
    async fn stage(
        &self,
        subject: &SubjectId,
        version: &Nonce,
        tag: &[u8; 32],
        fields: &[VaultField],
    ) -> Result<bool> {
        let mut state = self.state();
        if state
            .reserved
            .get(tag)
            .is_some_and(|reserved| reserved != subject)
        {
            return Ok(false);
        }
        let kept = state.stage(subject, version, fields);
        if kept {
            state.reserved.retain(|_, reserved| reserved != subject);
            state.reserved.insert(*tag, *subject);
        }
        Ok(kept)
    }

    async fn staged(&self, subject: &SubjectId, fields: &[Field]) -> Result<Vec<VaultField>> {
        let state = self.state();
        let staged = state.staged.get(subject).map(|(_, staged)| staged.as_slice());
        let find = |asked: &Field| staged?.iter().find(|field| field.field == *asked).cloned();
        Ok(fields.iter().filter_map(find).collect())
    }

    async fn switch(&self, subject: &SubjectId, version: &Nonce) -> Result<bool> {
        Ok(self.state().switch(subject, version))
    }
}

#[async_trait]
impl CustodianReplacements for Memory<CustodianShare> {
    async fn stage(&self, subject: &SubjectId, version: &Nonce, shares: &[CustodianShare]) -> Result<bool> {
        Ok(self.state().stage(subject, version, shares))
    }

    async fn switch(&self, subject: &SubjectId, version: &Nonce) -> Result<bool> {
        Ok(self.state().switch(subject, version))
    }
}

/// What a key holder keeps of a field: its share among it.
pub trait KeptShare: Clone + PartialEq + Send + Sync {
    /// Which field.
    fn field(&self) -> Field;

    /// The share, sealed.
    fn share(&self) -> &[u8];

    /// Keeps another seal.
    fn set_share(&mut self, share: &[u8]);
}

impl KeptShare for VaultField {
    fn field(&self) -> Field {
        self.field
    }

    fn share(&self) -> &[u8] {
        &self.share
    }

    fn set_share(&mut self, share: &[u8]) {
        share.clone_into(&mut self.share);
    }
}

impl KeptShare for CustodianShare {
    fn field(&self) -> Field {
        self.field
    }

    fn share(&self) -> &[u8] {
        &self.share
    }

    fn set_share(&mut self, share: &[u8]) {
        share.clone_into(&mut self.share);
    }
}

impl<F: KeptShare> State<F> {
    /// Every share, in the order of its row, and whether its record is confirmed.
    fn sealed(&self) -> Vec<(SealedShare, bool)> {
        let mut all = Vec::new();
        for (subject, record) in &self.records {
            for kept in &record.fields {
                let (subject, field) = (*subject, kept.field());
                let share = kept.share().to_vec();
                let row = ShareRow { subject, field };
                all.push((SealedShare { row, share }, record.confirmed));
            }
        }
        all.sort_by_key(|(share, _)| order(&share.row));
        all
    }
}

fn order(row: &ShareRow) -> ([u8; 32], &'static str) {
    (*row.subject.as_bytes(), row.field.as_str())
}

#[async_trait]
impl<F: KeptShare> ShareSeals for Memory<F> {
    async fn seal_keys(&self) -> Result<Vec<[u8; 32]>> {
        let all = self.state().sealed().into_iter();
        let keys = all.filter_map(|(sealed, _)| sealed.share.first_chunk().copied());
        Ok(keys.collect::<BTreeSet<_>>().into_iter().collect())
    }

    async fn sealed_to(&self, key: &[u8; 32]) -> Result<u64> {
        let all = self.state().sealed();
        let sealed = all.iter().filter(|(sealed, _)| sealed.share.starts_with(key));
        Ok(u64::try_from(sealed.count()).unwrap())
    }

    async fn next_sealed_to(
        &self,
        key: &[u8; 32],
        after: Option<ShareRow>,
        limit: u32,
    ) -> Result<Vec<SealedShare>> {
        let all = self.state().sealed().into_iter();
        let later = |row: &ShareRow| after.as_ref().is_none_or(|after| order(row) > order(after));
        let found = all
            .filter(|(sealed, confirmed)| *confirmed && sealed.share.starts_with(key) && later(&sealed.row));
        let found = found.map(|(sealed, _)| sealed);
        Ok(found.take(usize::try_from(limit).unwrap()).collect())
    }

    async fn reseal(&self, shares: &[ResealedShare]) -> Result<u64> {
        let mut state = self.state();
        let mut replaced = 0;
        for ResealedShare { old, new } in shares {
            let record = state.records.get_mut(&old.row.subject);
            let fields = record.map(|record| record.fields.iter_mut());
            let mut kept = fields.into_iter().flatten();
            if let Some(kept) = kept.find(|kept| kept.field() == old.row.field && kept.share() == old.share) {
                kept.set_share(new);
                replaced += 1;
            }
        }
        Ok(replaced)
    }
}
