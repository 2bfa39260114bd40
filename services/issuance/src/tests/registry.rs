//! The registry in memory, to the letter of its port, with faults in pairs: not stored, and stored all the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::counter::{KeyUse, Keyed, NewCodes};
use cyberid_storage::guardianship::{Guardianship, Guardianships, Ward};
use cyberid_storage::life::{LifeChange, Turned};
use cyberid_storage::official::{BeginningEnrolment, NumberSalts};
use cyberid_storage::passkey::{Added, MOST, Passkey, Passkeys, Used};
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
    passkeys: Vec<Passkey>,
    number_salts: HashMap<SubjectId, [u8; 32]>,
    used: HashSet<[u8; 32]>,
    guardianships: Vec<Guardianship>,
    forget_at: Vec<([u8; 32], UnixTime)>,
    age_day: Option<UnixTime>,
    age_days: Vec<UnixTime>,
    faults: Vec<(Method, Fault)>,
}

struct Row {
    new: NewSubject,
    status: SubjectStatus,
    failures: PinFailures,
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

    pub(super) fn guardianships(&self) -> Vec<Guardianship> {
        self.state.lock().unwrap().guardianships.clone()
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

    /// Takes the subject of this device out.
    pub(super) fn take_subject_of(&self, jkt: &str) {
        let mut state = self.state.lock().unwrap();
        state.subjects.retain(|_, row| row.new.device.jkt != jkt);
    }

    pub(super) fn put_subject(&self, new: NewSubject) {
        let status = SubjectStatus::Active;
        self.state.lock().unwrap().subjects.insert(
            new.subject,
            Row {
                new,
                status,
                failures: PinFailures::default(),
            },
        );
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

#[async_trait]
impl NumberSalts for Registry {
    async fn keep_number_salt(
        &self,
        subject: &SubjectId,
        number: &NetworkNumber,
        salt: &[u8; 32],
    ) -> Result<bool> {
        let mut state = self.state.lock().unwrap();
        let taken = state.subjects.values().any(|row| row.new.number == *number);
        if !taken {
            state.number_salts.insert(*subject, *salt);
        }
        Ok(!taken)
    }

    async fn begin_numbered(&self, begun: &BeginningEnrolment) -> Result<bool> {
        if !self
            .keep_number_salt(&begun.subject, &begun.number, &begun.salt)
            .await?
        {
            return Ok(false);
        }
        self.begin_enrolment(&begun.subject, begun.now).await?;
        Ok(true)
    }

    async fn number_salt(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>> {
        Ok(self.state.lock().unwrap().number_salts.get(subject).copied())
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
            failures: PinFailures::default(),
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
        Ok(row.map(
            |Row {
                 new,
                 status,
                 failures,
             }| Subject {
                subject: new.subject,
                number: new.number.clone(),
                status: *status,
                age_flags: new.age_flags,
                document_expires_at: new.document_expires_at,
                credential_expires_at: new.credential_expires_at,
                device: new.device.clone(),
                pin: HashedPin::clone(&new.pin),
                pin_failures: *failures,
            },
        ))
    }

    async fn by_key(&self, jkt: &str) -> Result<Option<Keyed>> {
        let usable = KeyUse::Lasting;
        let found = self.by_device(jkt).await?;
        Ok(found.map(|subject| Keyed { subject, usable }))
    }

    async fn keep_codes(&self, _: &NewCodes) -> Result<bool> {
        Err(unknown())
    }

    async fn use_code(&self, _: &str, _: UnixTime) -> Result<bool> {
        Err(unknown())
    }

    async fn holder(&self, _: &str) -> Result<Option<Holder>> {
        Err(unknown())
    }

    async fn holders_after(&self, _: &str, _: u32) -> Result<Vec<(String, Holder)>> {
        Err(unknown())
    }

    async fn person_tag(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>> {
        let state = self.state.lock().unwrap();
        Ok(state.subjects.get(subject).map(|row| row.new.person_tag))
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

    async fn turn(&self, _: &LifeChange) -> Result<Turned> {
        Err(unknown())
    }

    async fn begin_pin_attempt(&self, subject: &SubjectId, now: UnixTime) -> Result<bool> {
        let mut state = self.state.lock().unwrap();
        let Some(row) = state.subjects.get_mut(subject) else {
            return Ok(false);
        };
        let locked = row.failures.locked_until.is_some_and(|until| until > now);
        row.failures.count += u32::from(!locked);
        Ok(!locked)
    }

    async fn end_pin_attempt(
        &self,
        subject: &SubjectId,
        succeeded: bool,
        locked_until: Option<UnixTime>,
    ) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        if let Some(row) = state.subjects.get_mut(subject) {
            row.failures = if succeeded {
                PinFailures::default()
            } else {
                PinFailures {
                    locked_until: row.failures.locked_until.max(locked_until),
                    ..row.failures
                }
            };
        }
        Ok(())
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
impl Guardianships for Registry {
    async fn establish(&self, guardianship: &Guardianship, consent: &SingleUse) -> Result<bool> {
        let mut state = self.state.lock().unwrap();
        let first = state.used.insert(consent.digest);
        if first {
            state.guardianships.push(guardianship.clone());
        }
        Ok(first)
    }

    async fn end_guardianship(&self, _: &SubjectId, _: &SubjectId, _: UnixTime) -> Result<bool> {
        Err(unknown())
    }

    async fn has_guardian(&self, _: &SubjectId) -> Result<bool> {
        Err(unknown())
    }

    async fn dissolve(&self, ward: &SubjectId) -> Result<()> {
        self.state
            .lock()
            .unwrap()
            .guardianships
            .retain(|one| one.ward != *ward);
        Ok(())
    }

    async fn wards(&self, _: &SubjectId) -> Result<Vec<Ward>> {
        Err(unknown())
    }
}

#[async_trait]
impl Passkeys for Registry {
    async fn add_passkey(&self, passkey: &Passkey) -> Result<Added> {
        let mut state = self.state.lock().unwrap();
        let own = state
            .passkeys
            .iter()
            .filter(|kept| kept.subject == passkey.subject);
        if own.count() >= MOST as usize {
            return Ok(Added::Full);
        }
        if state.passkeys.iter().any(|kept| kept.id == passkey.id) {
            return Ok(Added::Taken);
        }
        state.passkeys.push(passkey.clone());
        Ok(Added::Now)
    }

    async fn passkeys(&self, subject: &SubjectId) -> Result<Vec<Passkey>> {
        let state = self.state.lock().unwrap();
        let own = state.passkeys.iter().filter(|kept| kept.subject == *subject);
        Ok(own.cloned().collect())
    }

    async fn passkey(&self, subject: &SubjectId, id: &[u8]) -> Result<Option<Passkey>> {
        let own = self.passkeys(subject).await?;
        Ok(own.into_iter().find(|kept| kept.id == id))
    }

    async fn use_passkey(&self, _: &SubjectId, _: &[u8], _: u32, _: &SingleUse) -> Result<Used> {
        Err(unknown())
    }

    async fn remove_passkey(&self, subject: &SubjectId, id: &[u8]) -> Result<bool> {
        let mut state = self.state.lock().unwrap();
        let before = state.passkeys.len();
        state
            .passkeys
            .retain(|kept| kept.subject != *subject || kept.id != id);
        Ok(state.passkeys.len() < before)
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
