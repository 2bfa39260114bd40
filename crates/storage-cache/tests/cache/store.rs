//! A store that counts what it is asked, and can be told to hold a call back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use cyberid_domain::UnixTime;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::Result;
use cyberid_storage::counter::{Keyed, NewCodes};
use cyberid_storage::life::{LifeChange, Turned};
use cyberid_storage::subject::{
    EnrolmentStage, HashedPin, Holder, NewSubject, Subject, SubjectDevice, Subjects,
};
use cyberid_storage_cache::CachedSubjects;
use cyberid_storage_sqlite::RegistryDb;
use tokio::sync::Semaphore;

pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

const MANY: usize = 1 << 20;

/// Calls that can be held back.
pub(crate) struct Gate {
    open: Semaphore,
    waiting: Semaphore,
}

impl Gate {
    fn open() -> Self {
        Self {
            open: Semaphore::new(MANY),
            waiting: Semaphore::new(0),
        }
    }

    async fn pass(&self) {
        self.waiting.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// From now on calls wait.
    pub(crate) fn shut(&self) {
        self.open.forget_permits(usize::MAX);
        self.waiting.forget_permits(usize::MAX);
    }

    /// Completes when a call has come since the gate was shut.
    pub(crate) async fn somebody_waits(&self) {
        self.waiting.acquire().await.unwrap().forget();
    }

    /// Lets one pass.
    pub(crate) fn lift_for_one(&self) {
        self.open.add_permits(1);
    }

    /// Lets everybody pass.
    pub(crate) fn lift(&self) {
        self.open.add_permits(MANY);
    }
}

pub(crate) struct Store {
    db: RegistryDb,
    pub(crate) asked: AtomicU64,
    /// Before a status is written.
    pub(crate) before_write: Gate,
    /// After a status or an age was written, before the call returns.
    pub(crate) after_write: Gate,
    /// After a page was read, before it is given.
    pub(crate) after_page: Gate,
    /// After a holder was read, before it is given.
    pub(crate) after_holder: Gate,
    _directory: tempfile::TempDir,
}

impl Store {
    pub(crate) async fn open() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        Arc::new(Self {
            db: RegistryDb::open(directory.path().join("registry.db"))
                .await
                .unwrap(),
            asked: AtomicU64::new(0),
            before_write: Gate::open(),
            after_write: Gate::open(),
            after_page: Gate::open(),
            after_holder: Gate::open(),
            _directory: directory,
        })
    }

    /// How often a holder was asked for since the last look.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

/// A cache, at work in the background.
pub(crate) fn cache(store: &Arc<Store>, most: usize) -> Arc<CachedSubjects> {
    let cached = CachedSubjects::new(store.clone(), most);
    let at_work = Arc::clone(&cached);
    tokio::spawn(async move { at_work.keep_loaded().await });
    cached
}

pub(crate) async fn whole(cached: &CachedSubjects) {
    while !cached.is_whole() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

pub(crate) fn new_subject() -> NewSubject {
    let jkt: [u8; 32] = random(&SystemRng);
    NewSubject {
        subject: SubjectId::random(&SystemRng),
        number: NetworkNumber::random(&SystemRng),
        device: SubjectDevice {
            jkt: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(jkt),
            key: std::array::from_fn(|at| if at == 0 { 4 } else { jkt[at % 32] }),
            bound_at: NOW,
        },
        age_flags: AgeFlags::default().with(Threshold::Fourteen),
        age_tags: vec![(Threshold::Eighteen, [8; 32])],
        pin: HashedPin {
            salt: [1; 16],
            memory_kib: 65_536,
            passes: 3,
            tag: [2; 32],
        },
        person_tag: jkt,
        document_expires_at: NOW.plus(2000),
        credential_expires_at: NOW.plus(1000),
    }
}

pub(crate) async fn enrol(store: &dyn Subjects) -> NewSubject {
    let new = new_subject();
    store.begin_enrolment(&new.subject, NOW).await.unwrap();
    assert!(store.commit_enrolment(&new).await.unwrap());
    store.end_enrolment(&new.subject).await.unwrap();
    new
}

#[async_trait]
impl Subjects for Store {
    async fn begin_enrolment(&self, subject: &SubjectId, now: UnixTime) -> Result<()> {
        self.db.begin_enrolment(subject, now).await
    }

    async fn commit_enrolment(&self, new: &NewSubject) -> Result<bool> {
        self.db.commit_enrolment(new).await
    }

    async fn end_enrolment(&self, subject: &SubjectId) -> Result<()> {
        self.db.end_enrolment(subject).await
    }

    async fn open_enrolments(&self, before: UnixTime) -> Result<Vec<(SubjectId, EnrolmentStage)>> {
        self.db.open_enrolments(before).await
    }

    async fn by_device(&self, jkt: &str) -> Result<Option<Subject>> {
        self.db.by_device(jkt).await
    }

    async fn by_key(&self, jkt: &str) -> Result<Option<Keyed>> {
        self.db.by_key(jkt).await
    }

    async fn keep_codes(&self, codes: &NewCodes) -> Result<bool> {
        self.db.keep_codes(codes).await
    }

    async fn use_code(&self, jkt: &str, now: UnixTime) -> Result<bool> {
        self.db.use_code(jkt, now).await
    }

    async fn holder(&self, jkt: &str) -> Result<Option<Holder>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let holder = self.db.holder(jkt).await;
        self.after_holder.pass().await;
        holder
    }

    async fn holders_after(&self, after: &str, limit: u32) -> Result<Vec<(String, Holder)>> {
        let page = self.db.holders_after(after, limit).await;
        self.after_page.pass().await;
        page
    }

    async fn person_tag(&self, subject: &SubjectId) -> Result<Option<[u8; 32]>> {
        self.db.person_tag(subject).await
    }

    async fn devices(&self, subject: &SubjectId) -> Result<Vec<SubjectDevice>> {
        self.db.devices(subject).await
    }

    async fn set_status(&self, subject: &SubjectId, status: SubjectStatus) -> Result<bool> {
        self.before_write.pass().await;
        let set = self.db.set_status(subject, status).await;
        self.after_write.pass().await;
        set
    }

    async fn turn(&self, change: &LifeChange) -> Result<Turned> {
        self.before_write.pass().await;
        let turned = self.db.turn(change).await;
        self.after_write.pass().await;
        turned
    }

    async fn begin_pin_attempt(&self, subject: &SubjectId, now: UnixTime) -> Result<bool> {
        self.db.begin_pin_attempt(subject, now).await
    }

    async fn end_pin_attempt(
        &self,
        subject: &SubjectId,
        succeeded: bool,
        locked_until: Option<UnixTime>,
    ) -> Result<()> {
        self.db.end_pin_attempt(subject, succeeded, locked_until).await
    }

    async fn last_age_day(&self) -> Result<Option<UnixTime>> {
        self.db.last_age_day().await
    }

    async fn reach_ages(&self, tags: &[(Threshold, [u8; 32])], day: UnixTime) -> Result<u64> {
        let reached = self.db.reach_ages(tags, day).await;
        self.after_write.pass().await;
        reached
    }
}
