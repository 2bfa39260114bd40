//! Stopping a service, or failing it, at one place of many: every call of a store and every step of a witness or a key
//! holder is a place, named by what is done there and how often that was done before.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ConsentId, LeafId, ReleaseId, SubjectId};
use cyberid_domain::release::ReleaseStatus;
use cyberid_storage::cancellation::{Cancellations, OpenCancellation};
use cyberid_storage::event::NewEvent;
use cyberid_storage::idempotency::{KeptAnswer, KeptAnswers};
use cyberid_storage::promise::{Pledges, PromisedLeaf, Promises};
use cyberid_storage::release::{Grant, OwedErasure, Release, Releases, Step, Stepped};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::{Result, StorageError};
use cyberid_storage_sqlite::RegistryDb;
use tokio::sync::Notify;

/// What happens at the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process ends before it.
    StopBefore,
    /// It is done, and the process ends before anybody hears so.
    StopAfter,
    /// It fails, and nothing was done.
    FailBefore,
    /// It is done, and the caller is told that it failed.
    FailAfter,
}

impl Fault {
    pub(super) const ALL: [Self; 4] = [
        Self::StopBefore,
        Self::StopAfter,
        Self::FailBefore,
        Self::FailAfter,
    ];

    /// Whether the process ends by it.
    pub(super) fn stops(self) -> bool {
        matches!(self, Self::StopBefore | Self::StopAfter)
    }
}

/// What is done at a place, and how often that was done before.
pub(super) type Place = (&'static str, usize);

/// What is to happen where, and where the service has been.
#[derive(Default)]
pub(super) struct Script {
    state: Mutex<State>,
    stopped: Notify,
}

#[derive(Default)]
struct State {
    reached: Vec<Place>,
    plan: Option<(Place, Fault)>,
    hit: bool,
}

impl Script {
    /// Begins to count anew, and does this at that place.
    pub(super) fn plan(&self, plan: Option<(Place, Fault)>) {
        *self.state.lock().unwrap() = State {
            plan,
            ..State::default()
        };
    }

    /// The places that were reached since.
    pub(super) fn reached(&self) -> Vec<Place> {
        self.state.lock().unwrap().reached.clone()
    }

    /// Whether the plan was carried out.
    pub(super) fn hit(&self) -> bool {
        self.state.lock().unwrap().hit
    }

    /// What the process comes to, or nothing if it ends before.
    pub(super) async fn run<T>(&self, process: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.stopped.notified() => None,
            outcome = process => Some(outcome),
        }
    }

    /// Does the work of a place, or what is planned there.
    pub(super) async fn reach<T, E>(
        &self,
        name: &'static str,
        work: impl Future<Output = std::result::Result<T, E>>,
        failure: impl FnOnce() -> E,
    ) -> std::result::Result<T, E> {
        match self.arrive(name) {
            None => work.await,
            Some(Fault::FailBefore) => Err(failure()),
            Some(Fault::FailAfter) => work.await.and_then(|_| Err(failure())),
            Some(Fault::StopBefore) => self.stop().await,
            Some(Fault::StopAfter) => {
                let _ = work.await;
                self.stop().await
            }
        }
    }

    fn arrive(&self, work: &'static str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let before = state.reached.iter().filter(|(done, _)| *done == work);
        let here = (work, before.count());
        state.reached.push(here);
        let (_, fault) = state.plan.filter(|(at, _)| *at == here)?;
        state.hit = true;
        Some(fault)
    }

    async fn stop<T>(&self) -> T {
        self.stopped.notify_one();
        std::future::pending().await
    }
}

/// The registry's ports that a release goes through, each of whose calls is a place.
pub(super) struct Scripted {
    pub(super) db: RegistryDb,
    pub(super) script: Arc<Script>,
}

impl Scripted {
    async fn at<T>(&self, place: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let failure = || StorageError::Unknown("scripted".into());
        self.script.reach(place, work, failure).await
    }
}

#[async_trait]
impl Releases for Scripted {
    async fn request(&self, release: &Release) -> Result<()> {
        self.at("request", self.db.request(release)).await
    }

    async fn release(&self, id: &ReleaseId) -> Result<Option<Release>> {
        self.at("release", self.db.release(id)).await
    }

    async fn keep_request_object(&self, id: &ReleaseId, locale: &str, compact: &str) -> Result<String> {
        let keep = self.db.keep_request_object(id, locale, compact);
        self.at("keep_request_object", keep).await
    }

    async fn request_objects(&self, id: &ReleaseId) -> Result<Vec<String>> {
        self.at("request_objects", self.db.request_objects(id)).await
    }

    async fn by_consent(&self, id: &ConsentId) -> Result<Option<Release>> {
        self.at("by_consent", self.db.by_consent(id)).await
    }

    async fn of_subject(&self, subject: &SubjectId) -> Result<Vec<Release>> {
        self.at("of_subject", self.db.of_subject(subject)).await
    }

    async fn grant(
        &self,
        id: &ReleaseId,
        grant: &Grant,
        leaf: &PromisedLeaf,
        uses: &SingleUse,
    ) -> Result<Stepped> {
        self.at("grant", self.db.grant(id, grant, leaf, uses)).await
    }

    async fn step(&self, step: &Step<'_>) -> Result<Stepped> {
        let place = match step.to {
            ReleaseStatus::Intended => "step to intended",
            ReleaseStatus::Delivered => "step to delivered",
            ReleaseStatus::Presumed => "step to presumed",
            ReleaseStatus::Withdrawn => "step to withdrawn",
            _ => "step",
        };
        self.at(place, self.db.step(step)).await
    }

    async fn withdraw_delivered(&self, step: &Step<'_>, erase_by: UnixTime) -> Result<Stepped> {
        let withdraw = self.db.withdraw_delivered(step, erase_by);
        self.at("withdraw_delivered", withdraw).await
    }

    async fn confirm_erasure(&self, id: &ReleaseId, leaf: &PromisedLeaf) -> Result<bool> {
        self.at("confirm_erasure", self.db.confirm_erasure(id, leaf))
            .await
    }

    async fn overdue_erasures(&self, now: UnixTime) -> Result<Vec<OwedErasure>> {
        self.at("overdue_erasures", self.db.overdue_erasures(now)).await
    }

    async fn record_overdue(&self, id: &ReleaseId, leaf: &PromisedLeaf, event: &NewEvent) -> Result<bool> {
        let record = self.db.record_overdue(id, leaf, event);
        self.at("record_overdue", record).await
    }

    async fn in_status(&self, status: ReleaseStatus) -> Result<Vec<Release>> {
        self.at("in_status", self.db.in_status(status)).await
    }
}

#[async_trait]
impl Promises for Scripted {
    async fn outstanding(&self, limit: u32) -> Result<Vec<PromisedLeaf>> {
        self.at("outstanding", self.db.outstanding(limit)).await
    }

    async fn kept(&self, id: &LeafId, index: u64) -> Result<()> {
        self.at("kept", self.db.kept(id, index)).await
    }

    async fn place(&self, id: &LeafId) -> Result<Option<u64>> {
        self.at("place", self.db.place(id)).await
    }
}

#[async_trait]
impl Pledges for Scripted {
    async fn pledge(&self, leaves: &[PromisedLeaf]) -> Result<u64> {
        self.at("pledge", self.db.pledge(leaves)).await
    }
}

#[async_trait]
impl KeptAnswers for Scripted {
    async fn kept_answer(&self, digest: &[u8; 32], now: UnixTime) -> Result<Option<KeptAnswer>> {
        self.at("kept_answer", self.db.kept_answer(digest, now)).await
    }

    async fn keep_answer(&self, answer: &KeptAnswer) -> Result<()> {
        self.at("keep_answer", self.db.keep_answer(answer)).await
    }

    async fn forget_answers(&self, now: UnixTime) -> Result<u64> {
        self.at("forget_answers", self.db.forget_answers(now)).await
    }
}

#[async_trait]
impl Cancellations for Scripted {
    async fn begin_cancellation(&self, cancellation: &OpenCancellation) -> Result<bool> {
        let begin = self.db.begin_cancellation(cancellation);
        self.at("begin_cancellation", begin).await
    }

    async fn open_cancellations(&self) -> Result<Vec<OpenCancellation>> {
        self.at("open_cancellations", self.db.open_cancellations()).await
    }

    async fn erase_person(&self, subject: &SubjectId, events: &[NewEvent]) -> Result<bool> {
        self.at("erase_person", self.db.erase_person(subject, events))
            .await
    }

    async fn cool_off_people(&self, today: UnixTime, before: UnixTime) -> Result<u64> {
        let cool_off = self.db.cool_off_people(today, before);
        self.at("cool_off_people", cool_off).await
    }
}
