//! The power-cut campaign: one server at work under strace, and then a server on what a disk would have kept, for each of
//! many moments.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use cyberid_client::ledger::Tree;
use serde::Serialize;

use super::dice::Dice;
use super::home::{Home, scratch};
use super::replay::{Disk, Unsynced};
use super::server::{Launch, Server};
use super::snapshot::Snapshot;
use super::syscall::find;
use super::trace::{Event, Trace};
use super::verdict::{self, Verdict};
use super::workload::{Acknowledged, Done, Fact, work};
use super::{Progress, block_on, strace};

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// At how many moments the power is cut.
    pub cuts: usize,
    /// How many operations are asked for.
    pub operations: usize,
    /// How many ask at once.
    pub workers: usize,
    /// How many servers are started at once.
    pub jobs: usize,
    /// What the dice begin with.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Moments at which the power was cut.
    pub cuts: usize,
    /// Moments at which it could have been: everything that happened to a file, and every answer.
    pub moments: usize,
    /// Syncs that were completed.
    pub syncs: usize,
    /// Operations that were asked for.
    pub operations: usize,
    /// Those that were acknowledged.
    pub acknowledged: usize,
    /// What the last one that was not was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Acknowledgements that were looked for, over all cuts.
    pub checked: usize,
    /// Those that were not found.
    pub lost: usize,
    /// Leaves that were there twice.
    pub doubled: usize,
    /// Deliveries whose intent the log did not have.
    pub undeclared: usize,
    /// Cuts after which no server started, or an auditor found the log wrong.
    pub broken: usize,
    /// The first thing that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

impl Report {
    /// Whether nothing was lost, doubled, undeclared or broken.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.undeclared + self.broken == 0
    }
}

/// A moment, and what becomes of what no sync covers.
type Cut = (usize, Unsynced);

/// Runs it.
pub fn run(home: &Home, plan: Plan, progress: Progress<'_>) -> Report {
    let recorded = Recorded::of(home, plan, progress);
    let cuts = recorded.cuts(plan);
    let report = Mutex::new(Report {
        cuts: cuts.len(),
        moments: recorded.events.len(),
        syncs: recorded.syncs(),
        operations: recorded.done.operations,
        acknowledged: recorded.facts.len(),
        refusal: recorded.done.last_refusal.clone(),
        ..Report::default()
    });
    let images = Mutex::new(Images::new(&recorded, &cuts, plan.seed));
    let job = || {
        loop {
            let next = images.lock().unwrap().next();
            let Some((done, cut, image)) = next else { return };
            let judged = block_on(judge(home, &recorded, cut, &image));
            report.lock().unwrap().add(cut, judged);
            progress(done, cuts.len(), "cuts");
        }
    };
    thread::scope(|scope| {
        for _ in 0..plan.jobs {
            scope.spawn(job);
        }
    });
    report.into_inner().unwrap()
}

impl Report {
    fn add(&mut self, (moment, unsynced): Cut, (checked, verdict): (usize, Verdict)) {
        self.checked += checked;
        self.lost += verdict.lost.len();
        self.doubled += verdict.doubled.len();
        self.undeclared += verdict.undeclared.len();
        self.broken += usize::from(verdict.broken.is_some());
        if !verdict.is_clean() && self.first.is_none() {
            self.first = Some(format!("cut at {moment} ({unsynced:?}): {verdict:?}"));
        }
    }
}

/// What a server did, and what it acknowledged while it did.
struct Recorded {
    before: Snapshot,
    events: Vec<Event>,
    done: Done,
    /// Everything acknowledged, with the moment at which its answer began to leave.
    facts: Vec<(usize, Fact)>,
}

impl Recorded {
    fn of(home: &Home, plan: Plan, progress: Progress<'_>) -> Self {
        let folder = scratch();
        let (data, trace) = (folder.path().join("data"), folder.path().join("trace"));
        let (config, listen) = (home.config(), home.address);
        let before = home.at_rest();
        before.write(&data);
        let under = strace::recording(&trace);
        let launch = home.launch(&config, &data, listen, &under);
        let done = block_on(worked(home, &launch, plan, progress));
        let events = Trace::read(&trace, &data, listen);
        require_whole(&before, &events, &Snapshot::read(&data));
        let facts = answered(&events, &done.acknowledged);
        Self {
            before,
            events,
            done,
            facts,
        }
    }

    fn syncs(&self) -> usize {
        let ended = |event: &&Event| matches!(event, Event::SyncEnds { .. });
        self.events.iter().filter(ended).count()
    }

    /// The moments at which the power is cut: first those at which an answer has just begun to leave, where a platform that
    /// answers too early is caught; then others, evenly.
    fn cuts(&self, plan: Plan) -> Vec<Cut> {
        let wanted = plan.cuts.min(self.events.len());
        let answers = self.facts.iter().map(|(moment, _)| (*moment, Unsynced::Lost));
        let step = self.facts.len().div_ceil((plan.cuts / 2).max(1)).max(1);
        let mut cuts: BTreeSet<Cut> = answers.step_by(step).collect();
        let rest = wanted.saturating_sub(cuts.len());
        for (number, unsynced) in (0..rest).zip(
            [Unsynced::Torn, Unsynced::Lost, Unsynced::Kept]
                .into_iter()
                .cycle(),
        ) {
            let mut moment = (number + 1) * self.events.len() / (rest + 1);
            while !cuts.insert((moment, unsynced)) {
                moment = (moment + 1) % self.events.len();
            }
        }
        cuts.into_iter().collect()
    }
}

/// Works in front of a server that is recorded, and stops it.
async fn worked(home: &Home, launch: &Launch<'_>, plan: Plan, progress: Progress<'_>) -> Done {
    let server = Server::start(launch).await.unwrap();
    let cast = home.cast(server.url()).await.unwrap();
    let done = work(
        cast,
        &Dice::new(plan.seed),
        plan.workers,
        plan.operations,
        progress,
    )
    .await;
    assert!(server.stop().await, "a clean stop");
    done
}

/// Whoever replays everything that was recorded has exactly what is there: nothing escapes the record.
fn require_whole(before: &Snapshot, events: &[Event], after: &Snapshot) {
    let mut disk = Disk::of(before);
    events.iter().for_each(|event| disk.apply(event));
    let replayed = disk.after_a_cut(Unsynced::Kept, &mut Dice::new(0));
    let differ = replayed.differences(after);
    assert!(differ.is_empty(), "the record is not whole: {differ:?}");
}

/// Finds the answer that each acknowledgement came with.
fn answered(events: &[Event], acknowledged: &[Acknowledged]) -> Vec<(usize, Fact)> {
    let mut open: Vec<&Acknowledged> = acknowledged.iter().collect();
    let mut facts = Vec::new();
    for (moment, event) in events.iter().enumerate() {
        let Event::Answered(bytes) = event else { continue };
        open.retain(|acknowledged| {
            let says = acknowledged
                .says
                .iter()
                .all(|part| find(bytes, part.as_bytes()).is_some());
            if says {
                // From the moment after it on.
                facts.push((moment + 1, acknowledged.fact.clone()));
            }
            !says
        });
    }
    assert!(open.is_empty(), "acknowledged, and never answered: {open:?}");
    facts
}

/// What the disk would have kept at each cut, one after the other.
struct Images<'a> {
    recorded: &'a Recorded,
    cuts: std::iter::Enumerate<std::slice::Iter<'a, Cut>>,
    disk: Disk,
    applied: usize,
    dice: Dice,
}

impl<'a> Images<'a> {
    fn new(recorded: &'a Recorded, cuts: &'a [Cut], seed: u64) -> Self {
        Self {
            recorded,
            cuts: cuts.iter().enumerate(),
            disk: Disk::of(&recorded.before),
            applied: 0,
            dice: Dice::new(seed),
        }
    }

    fn next(&mut self) -> Option<(usize, Cut, Snapshot)> {
        let (number, (moment, unsynced)) = self.cuts.next()?;
        let events = self.recorded.events.get(self.applied..*moment);
        events
            .into_iter()
            .flatten()
            .for_each(|event| self.disk.apply(event));
        self.applied = *moment;
        let image = self.disk.after_a_cut(*unsynced, &mut self.dice);
        Some((number, (*moment, *unsynced), image))
    }
}

/// Starts a server on what was kept, and holds it to what was acknowledged before the cut; with how much that was.
async fn judge(home: &Home, recorded: &Recorded, (moment, _): Cut, image: &Snapshot) -> (usize, Verdict) {
    let folder = scratch();
    let data = folder.path().join("data");
    image.write(&data);
    let before = recorded.facts.iter().filter(|(answered, _)| *answered <= moment);
    let facts: Vec<&Fact> = before.map(|(_, fact)| fact).collect();
    let server = match home.start(&data).await {
        Ok(server) => server,
        Err(error) => return (facts.len(), Verdict::broken(&error, &facts)),
    };
    let verdict = verdict::of(home, &server, &facts, Tree::default()).await;
    server.kill().await;
    (facts.len(), verdict)
}
