//! The kills campaign: a server that is killed again and again in the middle of its work, on one directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use super::dice::Dice;
use super::home::{Home, scratch};
use super::server::Server;
use super::verdict;
use super::workload::{Cast, Done, Fact, Worker};
use super::{Progress, block_on};

/// The longest time between a moment that was chosen by counting and the kill, in milliseconds: for it to fall anywhere.
const LATER: usize = 30;

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How often the server is killed.
    pub kills: usize,
    /// How many operations are asked for, at least.
    pub operations: usize,
    /// How many ask at once.
    pub workers: usize,
    /// What the dice begin with.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How often the server was killed.
    pub kills: usize,
    /// Operations that were asked for.
    pub operations: usize,
    /// Those that were acknowledged.
    pub acknowledged: usize,
    /// Acknowledgements that were not found at the end.
    pub lost: usize,
    /// Leaves that were there twice.
    pub doubled: usize,
    /// Deliveries whose intent the log did not have.
    pub undeclared: usize,
    /// Starts that came to nothing, and findings of the auditor.
    pub broken: usize,
    /// Operations that were neither answered nor refused in time.
    pub hung: usize,
    /// The first thing that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

impl Report {
    /// Whether nothing was lost, doubled, undeclared or broken, and nobody was kept hanging.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.undeclared + self.broken + self.hung == 0
    }
}

/// Runs it.
pub fn run(home: &Home, plan: Plan, progress: Progress<'_>) -> Report {
    block_on(lives(home, plan, progress))
}

async fn lives(home: &Home, plan: Plan, progress: Progress<'_>) -> Report {
    let folder = scratch();
    let (data, config) = (folder.path().join("data"), home.config());
    home.at_rest().write(&data);
    let mut dice = Dice::new(plan.seed);
    let mut workers: Vec<Worker> = (0..plan.workers)
        .map(|number| Worker::new(&dice, number))
        .collect();
    let launch = home.launch(&config, &data, home.address, &[]);
    let each = plan.operations / (plan.kills + 1);
    for life in 0..plan.kills {
        progress(life, plan.kills, "kills");
        let begun = async {
            let server = Server::start(&launch).await.map_err(|error| error.to_string())?;
            let cast = home.cast(server.url()).await;
            Ok((server, cast.ok_or("a server that does not introduce itself")?))
        };
        let (server, cast) = match begun.await {
            Ok(begun) => begun,
            Err(error) => return broken(&workers, life, error),
        };
        let end = Kill {
            operations: dice.below(2 * each + 1),
            later: Duration::from_millis(dice.below(LATER) as u64),
        };
        workers = killed(server, cast, workers, end).await;
    }
    last(home, &data, workers, plan).await
}

/// When a server is killed: so long after so many operations.
struct Kill {
    operations: usize,
    later: Duration,
}

/// Everybody works, until the server is killed under them.
async fn killed(server: Server, cast: Cast, workers: Vec<Worker>, end: Kill) -> Vec<Worker> {
    let (cast, done, over) = (
        Arc::new(cast),
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut working = JoinSet::new();
    for mut worker in workers {
        let (cast, done, over) = (Arc::clone(&cast), Arc::clone(&done), Arc::clone(&over));
        working.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                worker.act(&cast).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
            worker
        });
    }
    while done.load(Ordering::Relaxed) < end.operations {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(end.later).await;
    over.store(true, Ordering::Relaxed);
    server.kill().await;
    working.join_all().await
}

/// The last life ends with what is left to do, and with the audit.
async fn last(home: &Home, data: &std::path::Path, mut workers: Vec<Worker>, plan: Plan) -> Report {
    let config = home.config();
    let server = match Server::start(&home.launch(&config, data, home.address, &[])).await {
        Ok(server) => server,
        Err(error) => return broken(&workers, plan.kills, error.to_string()),
    };
    let Some(cast) = home.cast(server.url()).await else {
        return broken(
            &workers,
            plan.kills,
            "a server that does not introduce itself".into(),
        );
    };
    while Done::of(&workers).operations < plan.operations {
        for worker in &mut workers {
            worker.act(&cast).await;
        }
    }
    let done = Done::of(&workers);
    let facts: Vec<&Fact> = done
        .acknowledged
        .iter()
        .map(|acknowledged| &acknowledged.fact)
        .collect();
    let verdict = verdict::of(home, &server, &facts, done.seen).await;
    server.kill().await;
    Report {
        lost: verdict.lost.len(),
        doubled: verdict.doubled.len(),
        undeclared: verdict.undeclared.len(),
        broken: usize::from(verdict.broken.is_some()),
        first: (!verdict.is_clean()).then(|| format!("{verdict:?}")),
        ..counted(&workers, plan.kills)
    }
}

fn counted(workers: &[Worker], kills: usize) -> Report {
    let done = Done::of(workers);
    Report {
        kills,
        operations: done.operations,
        acknowledged: done.acknowledged.len(),
        hung: done.hung,
        ..Report::default()
    }
}

/// A server that does not come back has lost everything.
fn broken(workers: &[Worker], kills: usize, why: String) -> Report {
    Report {
        lost: Done::of(workers).acknowledged.len(),
        broken: 1,
        first: Some(why),
        ..counted(workers, kills)
    }
}
