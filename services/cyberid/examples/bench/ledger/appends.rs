//! Appends by some at once, beside the same bytes appended to a bare file.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Log, leaf};

/// How often each of the two is measured, in turns.
const ROUNDS: usize = 4;

/// What several rounds came to.
#[derive(Default)]
pub(super) struct Appends {
    leaves: usize,
    groups: usize,
    elapsed: Duration,
    published: Duration,
    times: Vec<Duration>,
    bare: Duration,
    bare_times: Vec<Duration>,
}

impl Appends {
    /// Has so many callers append leaves, each its next when its last is answered.
    pub(super) async fn measure(log: &Log, folder: &Path, waiting: usize, leaves: usize) -> Value {
        let mut all = Self::default();
        let mut file = File::create(folder.join("bare")).unwrap();
        all.round(log, waiting, leaves / 4).await;
        all = Self::default();
        for _ in 0..ROUNDS {
            let groups = all.round(log, waiting, leaves).await;
            all.bare_round(&mut file, leaves, groups);
        }
        all.told()
    }

    async fn round(&mut self, log: &Log, waiting: usize, leaves: usize) -> usize {
        let (groups, begun) = (log.head.groups(), Instant::now());
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..waiting {
            let ledger = Arc::clone(&log.ledger);
            let leaves: Vec<_> = (0..leaves / waiting).map(|_| leaf()).collect();
            callers.spawn(async move {
                let (mut times, begun) = (Vec::with_capacity(leaves.len()), Instant::now());
                for leaf in leaves {
                    let asked = Instant::now();
                    ledger.append(leaf.id, leaf.body).await.unwrap();
                    times.push(asked.elapsed());
                }
                (times, begun)
            });
        }
        let mut first = Instant::now();
        let mut times = Vec::new();
        for (own, began) in callers.join_all().await {
            times.extend(own);
            first = first.min(began);
        }
        self.elapsed += first.elapsed();
        self.leaves += times.len();
        let last = log.ledger.latest().size() - 1;
        log.ledger.published(last).await.unwrap();
        self.published += begun.elapsed();
        self.times.append(&mut times);
        let groups = log.head.groups() - groups;
        self.groups += groups;
        groups
    }

    /// The same bytes in as many groups: one write and one sync for each.
    fn bare_round(&mut self, file: &mut File, leaves: usize, groups: usize) {
        let group = vec![b'x'; leaf().body.len() * leaves / groups];
        let begun = Instant::now();
        for _ in 0..groups {
            let written = Instant::now();
            file.write_all(&group).unwrap();
            file.sync_data().unwrap();
            self.bare_times.push(written.elapsed());
        }
        self.bare += begun.elapsed();
    }

    fn told(self) -> Value {
        let leaves = self.leaves as f64;
        let (rate, bare) = (
            leaves / self.elapsed.as_secs_f64(),
            leaves / self.bare.as_secs_f64(),
        );
        json!({
            "leaves": self.leaves, "group": leaves / self.groups as f64,
            "per_second": rate.round(), "bare_per_second": bare.round(), "ratio": rate / bare,
            "published_per_second": (leaves / self.published.as_secs_f64()).round(),
            "ms": percentiles(self.times), "bare_ms": percentiles(self.bare_times),
        })
    }
}

/// The median, the 99th percentile and the longest, in ms.
pub(super) fn percentiles(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    json!({"p50": at(50), "p99": at(99), "max": at(100)})
}
