//! The port [`Subjects`] with the holders in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::Result;
use cyberid_storage::counter::{Keyed, NewCodes};
use cyberid_storage::life::{LifeChange, Turned};
use cyberid_storage::subject::{EnrolmentStage, Holder, NewSubject, Subject, SubjectDevice, Subjects};
use tokio::sync::Notify;

use crate::table::{Known, Name, Table};

/// How many devices are read at once while everybody is brought into memory.
const PAGE: u32 = 2_000;

/// Subjects in a store, and their holders in memory.
pub struct CachedSubjects {
    store: Arc<dyn Subjects>,
    most: usize,
    state: RwLock<State>,
    /// How many writers each device has at present; while it has any, the store is asked.
    writing: Mutex<HashMap<Name, u64>>,
    /// One writer at a time reads back what it wrote.
    reading_back: tokio::sync::Mutex<()>,
    changes: Changes,
    load: Notify,
}

#[derive(Default)]
struct State {
    table: Table,
    /// Everybody is in the table.
    whole: bool,
    /// There were too many, and nobody stayed: a load that meets this has only a part of them.
    gave_up: bool,
}

/// Writes that change everybody: a load that meets one of them is not whole. One that is cut off never ends, and then
/// nothing is whole until the next start.
#[derive(Default)]
struct Changes {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Changes {
    /// Whether none was under way when `begun` had begun, and none has begun since.
    fn none_since(&self, begun: u64) -> bool {
        self.ended.load(Ordering::SeqCst) == begun && self.begun.load(Ordering::SeqCst) == begun
    }
}

impl CachedSubjects {
    /// The subjects of `store`, with the holders of at most `most` devices in memory.
    pub fn new(store: Arc<dyn Subjects>, most: usize) -> Arc<Self> {
        let load = Notify::new();
        load.notify_one();
        Arc::new(Self {
            store,
            most,
            state: RwLock::default(),
            writing: Mutex::default(),
            reading_back: tokio::sync::Mutex::default(),
            changes: Changes::default(),
            load,
        })
    }

    /// Brings everybody into memory, and does so again whenever everybody has changed; for as long as it is polled.
    pub async fn keep_loaded(&self) {
        loop {
            self.load.notified().await;
            if let Err(error) = self.load().await {
                tracing::warn!(%error, "the holders could not be brought into memory; the store is asked for each");
            }
        }
    }

    /// Whether everybody is in memory.
    pub fn is_whole(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).whole
    }

    async fn load(&self) -> Result<()> {
        let begun = self.changes.begun.load(Ordering::SeqCst);
        self.change(|state| *state = State::default());
        if !self.load_pages().await? {
            return Ok(());
        }
        // Whoever changes everybody asks for the next load when that is done.
        self.change(|state| state.whole = self.changes.none_since(begun) && !state.gave_up);
        Ok(())
    }

    /// Reads everybody; `false` if they are too many. What a writer has put in meanwhile is newer, and stays.
    async fn load_pages(&self) -> Result<bool> {
        let mut after = String::new();
        loop {
            let page = self.store.holders_after(&after, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(true);
            };
            after.clone_from(last);
            let known = self.change(|state| {
                for (jkt, holder) in page {
                    if let Some(name) = Name::of(&jkt) {
                        state.table.put_if_absent(name, &Known::Holder(holder));
                    }
                }
                state.table.len()
            });
            metrics::gauge!("holders_in_memory").set(f64::from(u32::try_from(known).unwrap_or(u32::MAX)));
            if known > self.most {
                self.change(|state| self.keep_within(state));
                return Ok(false);
            }
            // The server answers others meanwhile.
            tokio::task::yield_now().await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What memory knows of a device; nothing if the store has to be asked.
    fn remembered(&self, name: Name) -> Option<Known> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if !state.whole || self.writers().contains_key(&name) {
            return None;
        }
        Some(state.table.find(name).unwrap_or(Known::Nobody))
    }

    fn writers(&self) -> std::sync::MutexGuard<'_, HashMap<Name, u64>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the store is asked for these devices.
    fn begin_writing(&self, devices: impl IntoIterator<Item = String>) -> Vec<(Name, String)> {
        let mut writers = self.writers();
        let named = devices
            .into_iter()
            .filter_map(|jkt| Name::of(&jkt).map(|name| (name, jkt)));
        let named: Vec<_> = named.collect();
        for (name, _) in &named {
            *writers.entry(*name).or_default() += 1;
        }
        named
    }

    /// Reads back what was written. Whoever comes last has read what all have written.
    async fn end_writing(&self, devices: Vec<(Name, String)>) -> Result<()> {
        let _alone = self.reading_back.lock().await;
        for (name, jkt) in devices {
            let known = self
                .store
                .holder(&jkt)
                .await?
                .map_or(Known::Nobody, Known::Holder);
            self.change(|state| {
                state.table.put(name, &known);
                self.keep_within(state);
            });
            let mut writers = self.writers();
            if let Some(count) = writers.get_mut(&name) {
                *count -= 1;
                if *count == 0 {
                    writers.remove(&name);
                }
            }
        }
        Ok(())
    }

    /// Writes what changes these devices: the store is asked for them until it is over and was read back.
    pub(crate) async fn while_written<T>(
        &self,
        devices: Vec<String>,
        write: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let devices = self.begin_writing(devices);
        let written = write.await?;
        self.end_writing(devices).await?;
        Ok(written)
    }

    fn is_too_much(&self, state: &State) -> bool {
        state.table.len() > self.most
    }

    /// Forgets everybody when there are too many.
    fn keep_within(&self, state: &mut State) {
        if self.is_too_much(state) {
            tracing::warn!(
                most = self.most,
                "there are more devices than are kept in memory; the store is asked for each"
            );
            *state = State {
                gave_up: true,
                ..State::default()
            };
        }
    }

    async fn devices_of(&self, subject: &SubjectId) -> Result<Vec<String>> {
        let devices = self.store.devices(subject).await?;
        Ok(devices.into_iter().map(|device| device.jkt).collect())
    }
}

#[async_trait]
impl Subjects for CachedSubjects {
    async fn begin_enrolment(&self, subject: &SubjectId, now: UnixTime) -> Result<()> {
        self.store.begin_enrolment(subject, now).await
    }

    async fn commit_enrolment(&self, new: &NewSubject) -> Result<bool> {
        let devices = self.begin_writing([new.device.jkt.clone()]);
        let committed = self.store.commit_enrolment(new).await?;
        self.end_writing(devices).await?;
        Ok(committed)
    }

    async fn end_enrolment(&self, subject: &SubjectId) -> Result<()> {
        self.store.end_enrolment(subject).await
    }

    async fn end_confirmed(&self, subject: &SubjectId) -> Result<()> {
        self.store.end_confirmed(subject).await
    }

    async fn open_enrolments(&self, before: UnixTime) -> Result<Vec<(SubjectId, EnrolmentStage)>> {
        self.store.open_enrolments(before).await
    }

    async fn by_device(&self, jkt: &str) -> Result<Option<Subject>> {
        self.store.by_device(jkt).await
    }

    async fn by_key(&self, jkt: &str) -> Result<Option<Keyed>> {
        self.store.by_key(jkt).await
    }

    async fn keep_codes(&self, codes: &NewCodes) -> Result<bool> {
        let kept = self.store.keep_codes(codes);
        self.while_written(codes.jkts.clone(), kept).await
    }

    async fn use_code(&self, jkt: &str, now: UnixTime) -> Result<bool> {
        let used = self.store.use_code(jkt, now);
        self.while_written(vec![jkt.to_owned()], used).await
    }

    async fn holder(&self, jkt: &str) -> Result<Option<Holder>> {
        match Name::of(jkt).and_then(|name| self.remembered(name)) {
            Some(Known::Holder(holder)) => Ok(Some(holder)),
            Some(Known::Nobody) => Ok(None),
            None => self.store.holder(jkt).await,
        }
    }

    async fn holders_after(&self, after: &str, limit: u32) -> Result<Vec<(String, Holder)>> {
        self.store.holders_after(after, limit).await
    }

    async fn person_tag(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>> {
        self.store.person_tag(subject).await
    }

    async fn devices(&self, subject: &SubjectId) -> Result<Vec<SubjectDevice>> {
        self.store.devices(subject).await
    }

    async fn set_status(&self, subject: &SubjectId, status: SubjectStatus) -> Result<bool> {
        let mut devices = self.begin_writing(self.devices_of(subject).await?);
        let set = self.store.set_status(subject, status).await?;
        // What was enrolled meanwhile was read back as it stood before.
        devices.extend(self.begin_writing(self.devices_of(subject).await?));
        self.end_writing(devices).await?;
        Ok(set)
    }

    async fn turn(&self, change: &LifeChange) -> Result<Turned> {
        let mut devices = self.begin_writing(self.devices_of(&change.subject).await?);
        let turned = self.store.turn(change).await?;
        // As above.
        devices.extend(self.begin_writing(self.devices_of(&change.subject).await?));
        self.end_writing(devices).await?;
        Ok(turned)
    }

    async fn begin_pin_attempt(&self, subject: &SubjectId, now: UnixTime) -> Result<bool> {
        self.store.begin_pin_attempt(subject, now).await
    }

    async fn end_pin_attempt(
        &self,
        subject: &SubjectId,
        succeeded: bool,
        locked_until: Option<UnixTime>,
    ) -> Result<()> {
        self.store.end_pin_attempt(subject, succeeded, locked_until).await
    }

    async fn last_age_day(&self) -> Result<Option<UnixTime>> {
        self.store.last_age_day().await
    }

    /// Anybody may be changed by this: the store is asked for everybody until all were read again.
    async fn reach_ages(&self, tags: &[(Threshold, [u8; 32])], day: UnixTime) -> Result<u64> {
        // Nobody puts in afterwards what they read before.
        let _alone = self.reading_back.lock().await;
        self.changes.begun.fetch_add(1, Ordering::SeqCst);
        self.change(|state| state.whole = false);
        let reached = self.store.reach_ages(tags, day).await;
        self.changes.ended.fetch_add(1, Ordering::SeqCst);
        self.load.notify_one();
        reached
    }
}
