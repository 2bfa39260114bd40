//! The registry in memory, to the letter of its port, with faults in pairs: not stored, and stored all the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::single_use::{SingleUse, SingleUses};
use cyberid_storage::subject::{
    EnrolmentStage, HashedPin, Holder, NewSubject, PinFailures, Subject, SubjectDevice, Subjects,
};
use cyberid_storage::{Result, StorageError};

/// A method that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Begin,
    Commit,
    Open,
    End,
    ReachAges,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NotStored,
    Stored,
}

#[derive(Default)]
pub(super) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: BTreeMap<SubjectId, (EnrolmentStage, UnixTime)>,
    subjects: HashMap<SubjectId, Row>,
    used: HashSet<[u8; 32]>,
    forget_at: Vec<([u8; 32], UnixTime)>,
    age_day: Option<UnixTime>,
    age_days: Vec<UnixTime>,
    faults: Vec<(Method, Fault)>,
}

struct Row {
    new: NewSubject,
    status: SubjectStatus,
}

fn unknown() -> StorageError {
    StorageError::Unknown("scripted".into())
}

impl Registry {
    /// Makes the next call of `method` fail so.
    pub(super) fn fail(&self, method: Method, fault: Fault) {
        self.state.lock().unwrap().faults.push((method, fault));
    }

    /// How many scripted faults have not been hit.
    pub(super) fn faults_left(&self) -> usize {
        self.state.lock().unwrap().faults.len()
    }

    pub(super) fn subjects(&self) -> Vec<NewSubject> {
        let state = self.state.lock().unwrap();
        state.subjects.values().map(|row| row.new.clone()).collect()
    }

    pub(super) fn open(&self) -> Vec<(SubjectId, EnrolmentStage)> {
        let state = self.state.lock().unwrap();
        state
            .open
            .iter()
            .map(|(subject, (stage, _))| (*subject, *stage))
            .collect()
    }

    pub(super) fn used(&self) -> usize {
        self.state.lock().unwrap().used.len()
    }

    /// The days whose tags were matched, in order.
    pub(super) fn age_days(&self) -> Vec<UnixTime> {
        self.state.lock().unwrap().age_days.clone()
    }

    /// Takes the only subject out, as if its commit were still to come.
    pub(super) fn take_subject(&self) -> NewSubject {
        let mut state = self.state.lock().unwrap();
        let subject = *state.subjects.keys().next().unwrap();
        state.subjects.remove(&subject).unwrap().new
    }

    pub(super) fn put_subject(&self, new: NewSubject) {
        let status = SubjectStatus::Active;
        self.state
            .lock()
            .unwrap()
            .subjects
            .insert(new.subject, Row { new, status });
    }

    fn run<T>(&self, method: Method, work: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut state = self.state.lock().unwrap();
        let place = state.faults.iter().position(|(at, _)| *at == method);
        let fault = place.map(|place| state.faults.remove(place).1);
        if fault == Some(Fault::NotStored) {
            return Err(unknown());
        }
        let done = work(&mut state);
        fault.map_or(Ok(done), |_| Err(unknown()))
    }
}

impl State {
    fn commit(&mut self, new: &NewSubject) -> bool {
        let taken = self
            .subjects
            .values()
            .any(|row| row.new.number == new.number || row.new.device.jkt == new.device.jkt);
        match self.open.get_mut(&new.subject) {
            Some((stage @ EnrolmentStage::Begun, _)) if !taken => *stage = EnrolmentStage::Committed,
            _ => return false,
        }
        let row = Row {
            new: new.clone(),
            status: SubjectStatus::Active,
        };
        self.subjects.insert(new.subject, row);
        true
    }
}

#[async_trait]
impl Subjects for Registry {
    async fn begin_enrolment(&self, subject: &SubjectId, now: UnixTime) -> Result<()> {
        self.run(Method::Begin, |state| {
            state.open.insert(*subject, (EnrolmentStage::Begun, now));
        })
    }

    async fn commit_enrolment(&self, new: &NewSubject) -> Result<bool> {
        self.run(Method::Commit, |state| state.commit(new))
    }

    async fn end_enrolment(&self, subject: &SubjectId) -> Result<()> {
        self.run(Method::End, |state| {
            state.open.remove(subject);
        })
    }

    async fn open_enrolments(&self, before: UnixTime) -> Result<Vec<(SubjectId, EnrolmentStage)>> {
        self.run(Method::Open, |state| {
            let open = state.open.iter().filter(|(_, (_, begun))| *begun < before);
            open.map(|(subject, (stage, _))| (*subject, *stage)).collect()
        })
    }

    async fn by_device(&self, jkt: &str) -> Result<Option<Subject>> {
        let state = self.state.lock().unwrap();
        let row = state.subjects.values().find(|row| row.new.device.jkt == jkt);
        Ok(row.map(|Row { new, status }| Subject {
            subject: new.subject,
            number: new.number.clone(),
            status: *status,
            age_flags: new.age_flags,
            document_expires_at: new.document_expires_at,
            credential_expires_at: new.credential_expires_at,
            device: new.device.clone(),
            pin: HashedPin::clone(&new.pin),
            pin_failures: PinFailures::default(),
        }))
    }

    async fn holder(&self, _: &str) -> Result<Option<Holder>> {
        Err(unknown())
    }

    async fn holders_after(&self, _: &str, _: u32) -> Result<Vec<(String, Holder)>> {
        Err(unknown())
    }

    async fn devices(&self, subject: &SubjectId) -> Result<Vec<SubjectDevice>> {
        let state = self.state.lock().unwrap();
        Ok(state
            .subjects
            .get(subject)
            .map(|row| row.new.device.clone())
            .into_iter()
            .collect())
    }

    async fn set_status(&self, subject: &SubjectId, status: SubjectStatus) -> Result<bool> {
        let mut state = self.state.lock().unwrap();
        let row = state.subjects.get_mut(subject);
        Ok(row.map(|row| row.status = status).is_some())
    }

    async fn begin_pin_attempt(&self, _: &SubjectId, _: UnixTime) -> Result<bool> {
        Err(unknown())
    }

    async fn end_pin_attempt(&self, _: &SubjectId, _: bool, _: Option<UnixTime>) -> Result<()> {
        Err(unknown())
    }

    async fn last_age_day(&self) -> Result<Option<UnixTime>> {
        Ok(self.state.lock().unwrap().age_day)
    }

    async fn reach_ages(&self, tags: &[(Threshold, [u8; 32])], day: UnixTime) -> Result<u64> {
        self.run(Method::ReachAges, |state| {
            let mut reached = 0;
            for new in state.subjects.values_mut().map(|row| &mut row.new) {
                let (matched, rest) = std::mem::take(&mut new.age_tags)
                    .into_iter()
                    .partition::<Vec<_>, _>(|tag| tags.contains(tag));
                new.age_tags = rest;
                for (threshold, _) in matched {
                    new.age_flags = new.age_flags.with(threshold);
                    reached += 1;
                }
            }
            state.age_day = Some(day);
            state.age_days.push(day);
            reached
        })
    }
}

#[async_trait]
impl SingleUses for Registry {
    async fn use_once(&self, thing: &SingleUse) -> Result<bool> {
        let mut state = self.state.lock().unwrap();
        state.forget_at.push((thing.digest, thing.forget_at));
        Ok(state.used.insert(thing.digest))
    }

    async fn forget_single_uses(&self, before: UnixTime) -> Result<u64> {
        let mut state = self.state.lock().unwrap();
        let (forgotten, kept) = std::mem::take(&mut state.forget_at)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, forget_at)| *forget_at < before);
        state.forget_at = kept;
        for (digest, _) in &forgotten {
            state.used.remove(digest);
        }
        Ok(u64::try_from(forgotten.len()).unwrap())
    }
}
