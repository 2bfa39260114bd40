//! The faults campaign: every system call that one append and one release make on files fails once, in every way; then
//! pairs, the second while the server recovers from the first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::Serialize;
use tempfile::TempDir;

use super::dice::Dice;
use super::home::{Home, scratch};
use super::server::{NotStarted, Server};
use super::snapshot::survives;
use super::strace::{self, Attached, Injection};
use super::syscall::{Call, Moment, Reader, bytes, descriptor};
use super::verdict::{self, Verdict};
use super::workload::{Done, Fact, Worker};
use super::{Progress, block_on};

/// What becomes of a call.
const FATES: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// The calls that can fail on the way to a disk.
const FAILING: [&str; 14] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "openat",
    "ftruncate",
    "fallocate",
    "unlink",
    "mkdir",
];

/// How often a fault is tried that did not happen, because another thread made the call.
const TRIES: usize = 4;

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// At most so many sites, evenly; all of them by default.
    pub sites: Option<usize>,
    /// So many pairs of faults.
    pub pairs: usize,
    /// What the dice begin with.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// System calls on files that one append and one release make.
    pub sites: usize,
    /// Of these, in each way that a call can fail.
    pub faults: usize,
    /// Faults that happened, by strace's own word.
    pub hits: usize,
    /// Pairs of faults, the second at the start after the first.
    pub pairs: usize,
    /// Pairs of which the second happened.
    pub pair_hits: usize,
    /// What was acknowledged, over all.
    pub acknowledged: usize,
    /// Acknowledgements that were not found afterwards.
    pub lost: usize,
    /// Leaves that were there twice.
    pub doubled: usize,
    /// Deliveries whose intent the log did not have.
    pub undeclared: usize,
    /// Servers that did not start or work again without a fault, and findings of the auditor.
    pub broken: usize,
    /// Operations and starts that neither succeeded nor failed in time.
    pub hung: usize,
    /// Servers that a fault ended.
    pub ended: usize,
    /// The first thing that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

impl Report {
    /// Whether every fault happened, nothing was lost, doubled, undeclared or broken, and nobody was kept hanging.
    pub fn is_clean(&self) -> bool {
        let wrong = self.lost + self.doubled + self.undeclared + self.broken + self.hung;
        wrong == 0 && self.hits == self.faults && self.pair_hits == self.pairs && self.faults > 0
    }
}

/// One call of a server at work: the first, second, .. of its kind that a thread makes on a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    call: String,
    /// Relative to the directory.
    path: PathBuf,
    when: usize,
}

/// What is tried.
#[derive(Debug, Clone)]
enum Trial {
    Fault(Site, &'static str),
    /// The second while the server recovers from the first.
    Pair([(Site, &'static str); 2]),
}

/// Runs it. Each of the homes has a part of the sites: the names of its files are its own.
pub fn run(homes: &[Home], plan: Plan, progress: Progress<'_>) -> Report {
    let (report, done, all) = (
        Mutex::new(Report::default()),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    thread::scope(|scope| {
        for (number, home) in homes.iter().enumerate() {
            let (report, done, all) = (&report, &done, &all);
            scope.spawn(move || {
                let part = Part {
                    sites: every(&Place::new(home).sites(), homes.len(), number),
                    recovery: Place::new(home).recovery_sites(),
                };
                let trials = part.trials(plan, homes.len(), number);
                report.lock().unwrap().sites += part.sites.len();
                all.fetch_add(trials.len(), Ordering::Relaxed);
                for trial in &trials {
                    let tried = Place::new(home).tried(trial);
                    report.lock().unwrap().add(trial, &tried);
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    progress(done, all.load(Ordering::Relaxed), "faults");
                }
            });
        }
    });
    report.into_inner().unwrap()
}

/// What one home has to do.
struct Part {
    sites: Vec<Site>,
    recovery: Vec<Site>,
}

impl Part {
    fn trials(&self, plan: Plan, parts: usize, number: usize) -> Vec<Trial> {
        let mut trials: Vec<Trial> = match plan.sites {
            None => self
                .sites
                .iter()
                .flat_map(|site| FATES.map(|fate| Trial::Fault(site.clone(), fate)))
                .collect(),
            // Of fewer sites, the ways of failing take turns.
            Some(most) => {
                let step = self.sites.len().div_ceil(most.div_ceil(parts).max(1)).max(1);
                every(&self.sites, step, 0)
                    .into_iter()
                    .zip(FATES.into_iter().cycle())
                    .map(|(site, fate)| Trial::Fault(site, fate))
                    .collect()
            }
        };
        let mut dice = Dice::new(plan.seed).split(number);
        let mut chosen = |sites: &[Site]| {
            let site = sites.get(dice.below(sites.len())).unwrap().clone();
            (site, *FATES.get(dice.below(FATES.len())).unwrap())
        };
        let pairs = plan.pairs.div_ceil(parts);
        trials.extend((0..pairs).map(|_| Trial::Pair([chosen(&self.sites), chosen(&self.recovery)])));
        trials
    }
}

/// One in so many, from this one on.
fn every<T: Clone>(all: &[T], step: usize, from: usize) -> Vec<T> {
    all.iter().skip(from).step_by(step).cloned().collect()
}

/// What came of one trial.
#[derive(Debug, Default)]
struct Tried {
    /// Of the first fault, and of the second.
    hits: (usize, usize),
    done: Done,
    hung: usize,
    ended: bool,
    verdict: Verdict,
}

impl Report {
    fn add(&mut self, trial: &Trial, tried: &Tried) {
        let (first, second) = (usize::from(tried.hits.0 > 0), usize::from(tried.hits.1 > 0));
        match trial {
            Trial::Fault(..) => {
                self.faults += 1;
                self.hits += first;
            }
            Trial::Pair(_) => {
                self.pairs += 1;
                self.pair_hits += second;
            }
        }
        self.acknowledged += tried.done.acknowledged.len();
        self.lost += tried.verdict.lost.len();
        self.doubled += tried.verdict.doubled.len();
        self.undeclared += tried.verdict.undeclared.len();
        self.broken += usize::from(tried.verdict.broken.is_some());
        self.hung += tried.hung + tried.done.hung;
        self.ended += usize::from(tried.ended);
        let missed = match trial {
            Trial::Fault(..) => first == 0,
            Trial::Pair(_) => second == 0,
        };
        let wrong = missed || !tried.verdict.is_clean() || tried.hung + tried.done.hung > 0;
        if wrong && self.first.is_none() {
            self.first = Some(format!("{trial:?}: {tried:?}"));
        }
    }
}

/// A directory for one trial, always at the same place below its folder.
struct Place<'a> {
    home: &'a Home,
    folder: TempDir,
}

impl<'a> Place<'a> {
    fn new(home: &'a Home) -> Self {
        let folder = scratch();
        home.at_rest().write(&folder.path().join("data"));
        Self { home, folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn trace(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Tries until the last fault has happened; a thread that another had the work of makes fewer calls.
    fn tried(self, trial: &Trial) -> Tried {
        let (home, mut place, mut trial) = (self.home, self, trial.clone());
        for _ in 1..TRIES {
            let tried = block_on(place.once(&trial));
            let happened = match trial {
                Trial::Fault(..) => tried.hits.0 > 0,
                Trial::Pair(_) => tried.hits.1 > 0,
            };
            if happened || !tried.verdict.is_clean() {
                return tried;
            }
            trial.sooner();
            place = Self::new(home);
        }
        block_on(place.once(&trial))
    }

    async fn once(&self, trial: &Trial) -> Tried {
        let mut tried = Tried::default();
        let mut worker = Worker::new(&Dice::new(1), 0);
        let (first, second) = match trial {
            Trial::Fault(site, fate) => ((site, *fate), None),
            Trial::Pair([(site, fate), (again, other)]) => ((site, *fate), Some((again, *other))),
        };
        self.work_under(first, &mut worker, &mut tried).await;
        if let Some(second) = second {
            self.recover_under(second, &mut tried).await;
        }
        tried.verdict = self.recovered(&mut worker, &mut tried).await;
        tried.done = worker.done;
        tried
    }

    /// One append and one release under the fault, and once more after it.
    async fn work_under(&self, (site, fate): (&Site, &str), worker: &mut Worker, tried: &mut Tried) {
        let mut server = self.start(&[]).await.unwrap();
        let cast = self.home.cast(server.url()).await.unwrap();
        let trace = self.trace("first");
        let injection = self.injection(site, fate);
        let attached = Attached::to(server.id(), &injection.options(&trace));
        worker.append_and_release(&cast).await;
        attached.detach();
        tried.hits.0 = injection.hits(&trace);
        tried.ended = server.has_ended();
        if !tried.ended {
            worker.append_and_release(&cast).await;
        }
        server.kill().await;
    }

    /// A start under the second fault. It may fail, and it may not hang.
    async fn recover_under(&self, (site, fate): (&Site, &str), tried: &mut Tried) {
        let trace = self.trace("second");
        let injection = self.injection(site, fate);
        let mut under = vec!["strace".to_owned(), "-D".to_owned()];
        under.extend(injection.options(&trace));
        match self.start(&under).await {
            Ok(server) => server.kill().await,
            Err(NotStarted::Ended) => {}
            Err(NotStarted::Hung) => tried.hung += 1,
        }
        tried.hits.1 = injection.hits(&trace);
    }

    /// A start without a fault: everything works, and everything that was acknowledged is there.
    async fn recovered(&self, worker: &mut Worker, tried: &mut Tried) -> Verdict {
        let begun = self.start(&[]).await;
        let server = match begun {
            Ok(server) => server,
            Err(error) => {
                tried.hung += usize::from(error == NotStarted::Hung);
                return Verdict::broken(&error, &facts(&worker.done));
            }
        };
        let Some(cast) = self.home.cast(server.url()).await else {
            return Verdict::broken(&"a server that does not introduce itself", &facts(&worker.done));
        };
        let refused = worker.done.refused;
        worker.append_and_release(&cast).await;
        if worker.done.refused > refused {
            let refusal = worker.done.last_refusal.clone().unwrap_or_default();
            return Verdict::broken(&refusal, &[]);
        }
        let verdict = verdict::of(self.home, &server, &facts(&worker.done), worker.done.seen).await;
        server.kill().await;
        verdict
    }

    async fn start(&self, under: &[String]) -> Result<Server, NotStarted> {
        let (config, data) = (self.home.config(), self.data());
        Server::start(&self.home.launch(&config, &data, self.home.address, under)).await
    }

    fn injection(&self, site: &Site, fate: &str) -> Injection {
        Injection {
            call: site.call.clone(),
            path: self.data().join(&site.path),
            when: site.when,
            fate: fate.into(),
        }
    }

    /// The calls of one append and one release.
    fn sites(&self) -> Vec<Site> {
        let trace = self.trace("clean");
        block_on(async {
            let server = self.start(&[]).await.unwrap();
            let cast = self.home.cast(server.url()).await.unwrap();
            let mut worker = Worker::new(&Dice::new(1), 0);
            let attached = Attached::to(server.id(), &strace::watching(&trace));
            worker.append_and_release(&cast).await;
            attached.detach();
            assert_eq!(worker.done.refused, 0, "{:?}", worker.done.last_refusal);
            server.kill().await;
        });
        sites(&trace, &self.data())
    }

    /// The calls of a start after a kill in the middle of work.
    fn recovery_sites(&self) -> Vec<Site> {
        let trace = self.trace("recovery");
        block_on(async {
            let server = self.start(&[]).await.unwrap();
            let cast = self.home.cast(server.url()).await.unwrap();
            let mut worker = Worker::new(&Dice::new(1), 0);
            worker.append_and_release(&cast).await;
            server.kill().await;
            let recovered = self.start(&strace::recording(&trace)).await.unwrap();
            recovered.kill().await;
        });
        sites(&trace, &self.data())
    }
}

fn facts(done: &Done) -> Vec<&Fact> {
    let acknowledged = done.acknowledged.iter();
    acknowledged.map(|acknowledged| &acknowledged.fact).collect()
}

impl Trial {
    /// The last fault at an earlier call of a thread.
    fn sooner(&mut self) {
        let (Self::Fault(site, _) | Self::Pair([_, (site, _)])) = self;
        site.when = (site.when / 2).max(1);
    }
}

/// The calls on files below this directory, each numbered among its thread's calls of its kind on its file.
fn sites(trace: &Path, data: &Path) -> Vec<Site> {
    let (mut reader, mut sites) = (Reader::default(), Vec::new());
    let mut made: HashMap<(String, PathBuf, u64), usize> = HashMap::new();
    for line in std::fs::read(trace).unwrap().split(|byte| *byte == b'\n') {
        let Some(Moment::Begins(call) | Moment::Whole(call)) = reader.line(line) else {
            continue;
        };
        let Some(path) = subject(&call, data).filter(|_| FAILING.contains(&call.name.as_str())) else {
            continue;
        };
        let count = made
            .entry((call.name.clone(), path.clone(), call.thread))
            .or_default();
        *count += 1;
        let (call, when) = (call.name, *count);
        sites.push(Site { call, path, when });
    }
    sites
}

/// The file below the directory that a call is about.
fn subject(call: &Call, data: &Path) -> Option<PathBuf> {
    let first = call.arguments.first()?;
    let named = call.arguments.iter().find(|argument| argument.starts_with(b"\""));
    let path = match (descriptor(first), call.name.as_str()) {
        (Some((_, path)), name) if name != "openat" => PathBuf::from(path),
        _ => PathBuf::from(str::from_utf8(&bytes(named?)).ok()?),
    };
    let below = path.strip_prefix(data).ok()?.to_owned();
    survives(&below).then_some(below)
}
