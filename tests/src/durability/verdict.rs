//! Whether a platform has kept its word: its whole log is audited from outside, and compared with what was acknowledged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cyberid_auditor::{AuditFailure, Finding, HttpSource, LedgerSource, SourceError, audit};
use cyberid_client::Client;
use cyberid_client::ledger::Tree;
use cyberid_domain::id::{ClientId, ReleaseId};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_tlog::tile::{TilePath, decode_bundle};

use super::home::Home;
use super::server::Server;
use super::workload::Fact;

/// For how long a platform may take to show what it has acknowledged: witnesses see it first.
const SHOWN: Duration = Duration::from_secs(8);

/// What is wrong with a platform's word. Nothing, if it kept it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Acknowledged, and not in the log, or not where and as it was.
    pub(super) lost: Vec<String>,
    /// In the log twice.
    pub(super) doubled: Vec<String>,
    /// Delivered, and the log never intended it.
    pub(super) undeclared: Vec<String>,
    /// What an auditor finds wrong, or why there is nothing to audit.
    pub(super) broken: Option<String>,
}

impl Verdict {
    /// There is nothing to audit: everything that was acknowledged is out of reach.
    pub(super) fn broken(why: &impl ToString, facts: &[&Fact]) -> Self {
        Self {
            lost: facts.iter().map(|fact| format!("{fact:?}")).collect(),
            broken: Some(why.to_string()),
            ..Self::default()
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// Audits a server's log until it shows everything that was acknowledged, and gives up after a while. `seen` is the last
/// checkpoint that a client believed: the log has to continue it.
pub(super) async fn of(home: &Home, server: &Server, facts: &[&Fact], seen: Tree) -> Verdict {
    let since = Instant::now();
    loop {
        let verdict = once(home, server, facts, seen).await;
        // What is not witnessed yet is not shown yet.
        if verdict.is_clean() || since.elapsed() > SHOWN {
            return verdict;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn once(home: &Home, server: &Server, facts: &[&Fact], seen: Tree) -> Verdict {
    let client = Client::new(server.url()).unwrap();
    let regulator = home.regulator(&client);
    let (log, policy) = home.anchors.parse().unwrap();
    let source = Remembering {
        source: HttpSource::new(client, regulator),
        leaves: Mutex::default(),
    };
    let kept = (seen.size > 0).then_some((seen.size, seen.root));
    let audited = audit(&source, &log, &policy, kept, &mut |_, _| {}).await;
    let mut verdict = compare(&source.leaves.into_inner().unwrap(), facts);
    match audited {
        Ok(_) => {}
        Err(AuditFailure::Found(Finding::Cut { .. } | Finding::Rewritten { .. })) => {
            verdict.lost.push("a checkpoint that was believed".into());
        }
        Err(failure) => verdict.broken = Some(failure.to_string()),
    }
    verdict
}

fn compare(leaves: &[String], facts: &[&Fact]) -> Verdict {
    let log = Log::of(leaves);
    let mut verdict = Verdict {
        doubled: log.doubled.clone(),
        ..Verdict::default()
    };
    for fact in facts {
        match fact {
            Fact::Leaf { index, text } if !log.has(*index, text) => {
                verdict.lost.push(format!("leaf {index}: {text}"));
            }
            Fact::Delivered { index, text } if !log.has(*index, text) => {
                verdict.lost.push(format!("leaf {index}: {text}"));
                verdict.undeclared.push(text.clone());
            }
            Fact::About { kind, rp } if !log.about.contains_key(&(*kind, rp.clone())) => {
                verdict.lost.push(format!("{} of {rp}", kind.as_str()));
            }
            _ => {}
        }
    }
    verdict
}

/// A log as far as it was read.
struct Log<'a> {
    leaves: &'a [String],
    about: HashMap<(LeafKind, ClientId), usize>,
    doubled: Vec<String>,
}

impl<'a> Log<'a> {
    fn of(leaves: &'a [String]) -> Self {
        let (mut log, mut texts) = (Self::empty(leaves), HashSet::new());
        let mut steps: BTreeMap<ReleaseId, HashSet<LeafKind>> = BTreeMap::new();
        for (index, text) in leaves.iter().enumerate() {
            let Ok(leaf) = Leaf::from_text(text) else { continue };
            let step = leaf
                .request
                .is_none_or(|release| steps.entry(release).or_default().insert(leaf.kind));
            let about = match (leaf.kind, leaf.rp) {
                (LeafKind::RpRegistered | LeafKind::RpSuspended, Some(rp)) => {
                    log.about.insert((leaf.kind, rp), index).is_none()
                }
                _ => true,
            };
            // Two starts within one second say the same.
            let start = leaf.kind == LeafKind::ServiceResumed;
            if !((start || texts.insert(text)) && step && about) {
                log.doubled.push(format!("leaf {index}: {text}"));
            }
        }
        log
    }

    fn empty(leaves: &'a [String]) -> Self {
        Self {
            leaves,
            about: HashMap::new(),
            doubled: Vec::new(),
        }
    }

    fn has(&self, index: u64, text: &str) -> bool {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.leaves.get(index).is_some_and(|leaf| leaf == text)
    }
}

/// Remembers the leaves that an audit reads.
struct Remembering {
    source: HttpSource,
    leaves: Mutex<Vec<String>>,
}

#[async_trait]
impl LedgerSource for Remembering {
    async fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let bytes = self.source.read(path).await?;
        if path.starts_with("tile/entries/")
            && let Ok(tile) = path.parse::<TilePath>()
            && let Ok(entries) = decode_bundle(&bytes, tile.width())
        {
            let texts = entries
                .into_iter()
                .map(|entry| String::from_utf8_lossy(entry).into_owned());
            self.leaves.lock().unwrap().extend(texts);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::UnixTime;

    use super::*;

    fn leaf(kind: LeafKind, time: u64) -> String {
        let leaf = Leaf {
            request: Some("rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
            ..Leaf::new(kind, UnixTime(time))
        };
        leaf.to_text().unwrap()
    }

    #[test]
    fn what_is_elsewhere_or_otherwise_is_lost() {
        let leaves = [
            leaf(LeafKind::ConsentGranted, 1),
            leaf(LeafKind::ReleaseIntended, 2),
        ];
        let there = |index: u64, text: &str| {
            let text = text.to_owned();
            Fact::Leaf { index, text }
        };
        assert!(compare(&leaves, &[&there(0, &leaves[0])]).is_clean());
        for lost in [there(1, &leaves[0]), there(0, "x"), there(2, &leaves[0])] {
            assert_eq!(compare(&leaves, &[&lost]).lost.len(), 1, "{lost:?}");
        }
        let (index, text) = (3, leaves[1].clone());
        let verdict = compare(&leaves, &[&Fact::Delivered { index, text }]);
        assert_eq!((verdict.lost.len(), verdict.undeclared.len()), (1, 1));
        let (kind, rp) = (LeafKind::RpRegistered, "Kc1mX5n0cQnVYjWb3Yp1Hg".parse().unwrap());
        assert_eq!(compare(&leaves, &[&Fact::About { kind, rp }]).lost.len(), 1);
    }

    #[test]
    fn a_step_that_is_there_twice_is_doubled() {
        for again in [1, 2] {
            let leaves = [
                leaf(LeafKind::ConsentGranted, 1),
                leaf(LeafKind::ConsentGranted, again),
            ];
            assert_eq!(compare(&leaves, &[]).doubled.len(), 1);
        }
    }
}
