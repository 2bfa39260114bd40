//! Ending a log whose key is not to be trusted any more, and beginning the one that takes its place: another name,
//! another key, and the same tree, so that whoever remembers the old log can hold the new one to it.
//!
//! Nothing here is done twice: where a crash cuts it short, the same command goes on.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_crypto::digest;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::LeafId;
use cyberid_keystore::{Keystore, RoleName, State, Unlock, role};
use cyberid_ledger::{Ledger, LogKey};
use cyberid_protocol::leaf::{EndedLog, Leaf, LeafKind};
use cyberid_storage::ledger::NewLeaf;
use cyberid_storage_sqlite::LedgerDb;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::Hash;
use cyberid_tlog::note::NoteSigner as _;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::ConsistencyProof;
use serde::{Deserialize, Serialize};

use super::stores::LogStores;
use super::{DataDirectory, StartError};

/// Where a succession that was begun is written down.
const PLAN: &str = "succession.json";

/// Where the successor is built.
const SUCCESSOR: &str = "successor";

/// Where logs that ended are kept, each in a folder of its own.
const ENDED: &str = "ended";

/// How many leaves are carried over at once.
const PAGE: u32 = 1_000;

/// What takes the place of what.
pub(crate) struct Names<'a> {
    /// The name of the log that ends.
    pub(crate) ending: &'a str,
    /// The name of the log that takes its place.
    pub(crate) successor: &'a str,
}

/// A log that took another's place.
#[derive(Debug, Serialize)]
pub(crate) struct Succeeded {
    pub(crate) ended: EndedLog,
    /// The successor's name.
    pub(crate) origin: String,
    /// The successor's verifier key.
    pub(crate) vkey: String,
    /// The number of its leaves.
    pub(crate) size: u64,
    /// Where what is left of the ended log is kept.
    pub(crate) kept: PathBuf,
}

/// Why a log does not take another's place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SuccessionError {
    /// The names do not fit each other, or what was begun.
    #[error(
        "the two logs need two names, the same ones until the succession is done: it was begun from {ending} to {successor}"
    )]
    Names {
        /// The log that ends.
        ending: String,
        /// The log that takes its place.
        successor: String,
    },
    /// A log of this name has ended here, and a name tells one log from another.
    #[error("a log of the name {0} has ended here: the successor needs a name of its own")]
    Ended(String),
    /// A log was begun that is to take another's place, and is not in it.
    #[error("the ledger's succession is not done: go on with `cyberid ledger succeed`")]
    Begun,
    /// Leaves are in the log that no quorum has seen.
    #[error(
        "the log has {size} leaves, and the witnesses have cosigned {cosigned}: start the platform until they have \
         cosigned all, or, where they will not, say `--uncosigned`"
    )]
    Uncosigned {
        /// The number of leaves.
        size: u64,
        /// How many the witnesses have cosigned.
        cosigned: u64,
    },
    /// What was built is not what it should be; nothing was changed.
    #[error("what was built does not continue the log")]
    Differs,
}

/// A succession that was begun: written before the old key goes, and gone when all is in its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    ended: EndedLog,
    successor: String,
    /// The service had halted in good order.
    halted: bool,
    /// The successor is whole, and is being put in its place.
    built: bool,
}

/// Ends the log and begins its successor, while nobody else works in the data directory.
///
/// # Errors
///
/// Before the old key is gone, nothing has changed; afterwards the same call goes on.
pub(crate) async fn succeed(
    data: &DataDirectory,
    unlock: &Unlock,
    names: &Names<'_>,
    uncosigned: bool,
) -> Result<Succeeded, StartError> {
    let keystore = data.keystore(unlock, &[RoleName::Ledger])?;
    let mut plan = match load(data)? {
        Some(plan) => plan,
        None => end(data, &keystore, names, uncosigned).await?,
    };
    let begun = (plan.ended.origin.as_str(), plan.successor.as_str());
    if begun != (names.ending, names.successor) || names.ending == names.successor {
        return Err(failed(SuccessionError::Names {
            ending: plan.ended.origin,
            successor: plan.successor,
        }));
    }
    save(data, &plan)?;
    if log_key(&keystore, names.ending)?.verifier_key().to_string() == plan.ended.vkey {
        keystore.rotate(RoleName::Ledger)?;
    }
    let kept = data.folder(ENDED)?.folder(&short_name(names.ending))?;
    if !plan.built {
        build(data, &keystore, &plan).await?;
        plan.built = true;
        save(data, &plan)?;
    }
    put_in_place(data, &kept).map_err(disk)?;
    // From here on the successor is the log, and whatever is opened of it is its own.
    fs::remove_file(data.file(PLAN))
        .and_then(|()| sync(data.path()))
        .map_err(disk)?;
    succeeded(data, &keystore, plan, kept.path()).await
}

/// Refuses a data directory in which a succession was begun and not ended: what the log took on now would be lost.
pub(super) fn require_none_begun(data: &DataDirectory) -> Result<(), StartError> {
    match load(data)? {
        Some(_) => Err(failed(SuccessionError::Begun)),
        None => Ok(()),
    }
}

/// Finds the end of the log that ends, with everything that a crash had left undone.
async fn end(
    data: &DataDirectory,
    keystore: &Keystore,
    names: &Names<'_>,
    uncosigned: bool,
) -> Result<Plan, StartError> {
    if data.file(ENDED).join(short_name(names.successor)).exists() {
        return Err(failed(SuccessionError::Ended(names.successor.to_owned())));
    }
    let stores = LogStores::open(data).await?;
    let key = log_key(keystore, names.ending)?;
    let vkey = key.verifier_key().clone();
    let ledger = open(&stores, key).await?;
    let latest = published(&ledger).await?;
    let newest = ledger.reader().checkpoint().await;
    ledger.close().await;
    let newest = newest.map_err(cyberid_ledger::LedgerError::from)?;
    let cosigned = VerifiedCheckpoint::open(newest.as_bytes(), &vkey);
    let cosigned = cosigned.map_or(0, |checkpoint| {
        let witnessed = checkpoint.note().signatures().len() > 1;
        if witnessed { checkpoint.size() } else { 0 }
    });
    let halted = last_kind(&stores.ledger, latest.size()).await? == Some(LeafKind::ServiceHalted);
    stores.close().await;
    if cosigned < latest.size() && !uncosigned {
        let size = latest.size();
        return Err(failed(SuccessionError::Uncosigned { size, cosigned }));
    }
    Ok(Plan {
        ended: EndedLog {
            origin: names.ending.to_owned(),
            vkey: vkey.to_string(),
            size: latest.size(),
            root: latest.root().to_base64(),
        },
        successor: names.successor.to_owned(),
        halted,
        built: false,
    })
}

/// Builds the successor beside the log that ended, and holds it against that.
async fn build(data: &DataDirectory, keystore: &Keystore, plan: &Plan) -> Result<(), StartError> {
    let place = data.file(SUCCESSOR);
    if place.exists() {
        fs::remove_dir_all(&place).map_err(disk)?;
    }
    let old = LogStores::open(data).await?;
    let stores = LogStores::open(&data.folder(SUCCESSOR)?).await?;
    let ledger = open(&stores, log_key(keystore, &plan.successor)?).await?;
    carry_over(&old.ledger, &ledger, plan.ended.size).await?;
    ledger.append_all(own_leaves(keystore, plan)?).await?;
    let continued = continues(&ledger, &plan.ended).await?;
    ledger.close().await;
    stores.close().await;
    old.close().await;
    continued
        .then_some(())
        .ok_or_else(|| failed(SuccessionError::Differs))
}

async fn carry_over(old: &LedgerDb, ledger: &Ledger, size: u64) -> Result<(), StartError> {
    let mut done = 0;
    while done < size {
        let left = u32::try_from(size - done).map_or(PAGE, |left| left.min(PAGE));
        let page = old.named_leaves(done, left).await?;
        if page.is_empty() {
            return Err(failed(SuccessionError::Differs));
        }
        done += page.len() as u64;
        ledger.append_all(page).await?;
    }
    Ok(())
}

/// The successor's first leaf of its own, and the halt that stood last in the log that ended.
fn own_leaves(keystore: &Keystore, plan: &Plan) -> Result<Vec<NewLeaf>, StartError> {
    let mut keys = keystore.list().into_iter();
    let active = keys.find(|key| key.role == RoleName::Ledger && key.state == State::Active);
    let key_id = active.map(|key| key.id).unwrap_or_default();
    let rotated = LeafKind::KeyRotated;
    let role = RoleName::Ledger.as_str();
    // The name by which the platform records each of its keys once.
    let named = [rotated.as_str(), role, &key_id].join("\n");
    let mut leaves = vec![(
        named,
        Leaf {
            role: Some(role.to_owned()),
            kid: Some(key_id.clone()),
            ended: Some(plan.ended.clone()),
            ..Leaf::new(rotated, SystemClock.now())
        },
    )];
    if plan.halted {
        let halt = LeafKind::ServiceHalted;
        leaves.push((
            [halt.as_str(), role, &key_id].join("\n"),
            Leaf::new(halt, SystemClock.now()),
        ));
    }
    leaves
        .into_iter()
        .map(|(name, leaf)| new_leaf(&name, &leaf))
        .collect()
}

fn new_leaf(name: &str, leaf: &Leaf) -> Result<NewLeaf, StartError> {
    let id = format!("{}{}", LeafId::PREFIX, digest::sha256_base64url(name.as_bytes()));
    let unusable = || failed(SuccessionError::Differs);
    Ok(NewLeaf {
        id: id.parse().map_err(|_| unusable())?,
        body: leaf.to_text().map_err(|_| unusable())?,
    })
}

/// Whether the successor's tree continues the one that ended.
async fn continues(ledger: &Ledger, ended: &EndedLog) -> Result<bool, StartError> {
    let latest = ledger.latest();
    ledger.published(latest.size().saturating_sub(1)).await?;
    let Some(root) = Hash::from_base64(&ended.root) else {
        return Ok(false);
    };
    let hashes = ledger
        .reader()
        .consistency(ended.size, latest.size())
        .await
        .map_err(cyberid_ledger::LedgerError::from)?;
    let proof = ConsistencyProof { hashes };
    let proved = proof.verify(ended.size, root, latest.size(), latest.root());
    Ok(proved.is_ok() && latest.size() > ended.size)
}

/// Moves the log that ended away, and its successor to its place: each move once, however often this is called.
fn put_in_place(data: &DataDirectory, kept: &DataDirectory) -> io::Result<()> {
    let successor = data.file(SUCCESSOR);
    for name in LogStores::FILES {
        let (new, here, old) = (successor.join(name), data.file(name), kept.file(name));
        if !old.exists() && here.exists() {
            fs::rename(&here, &old)?;
        }
        sync(kept.path())?;
        if new.exists() {
            fs::rename(&new, &here)?;
        }
        sync(data.path())?;
    }
    if successor.exists() {
        fs::remove_dir_all(&successor)?;
    }
    sync(data.path())
}

async fn succeeded(
    data: &DataDirectory,
    keystore: &Keystore,
    plan: Plan,
    kept: &Path,
) -> Result<Succeeded, StartError> {
    let stores = LogStores::open(data).await?;
    let key = log_key(keystore, &plan.successor)?;
    let vkey = key.verifier_key().to_string();
    let ledger = open(&stores, key).await?;
    let size = ledger.latest().size();
    ledger.close().await;
    stores.close().await;
    Ok(Succeeded {
        ended: plan.ended,
        origin: plan.successor,
        vkey,
        size,
        kept: kept.to_owned(),
    })
}

/// The ledger over these stores, with nobody to cosign: nothing is released while a log takes another's place.
async fn open(stores: &LogStores, key: LogKey) -> Result<Arc<Ledger>, StartError> {
    let policy = Policy::without_witnesses(key.verifier_key().clone())
        .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))?;
    let parts = cyberid_ledger::Parts {
        store: stores.ledger.clone(),
        head: stores.head.clone(),
        key: Arc::new(key),
        witnesses: Vec::new(),
        policy,
        allow_unwitnessed: true,
    };
    Ok(Ledger::open(parts).await?)
}

/// The last checkpoint, once all of the log is in its store.
async fn published(ledger: &Ledger) -> Result<VerifiedCheckpoint, StartError> {
    let latest = ledger.latest();
    if let Some(last) = latest.size().checked_sub(1) {
        ledger.published(last).await?;
    }
    Ok(latest)
}

async fn last_kind(ledger: &LedgerDb, size: u64) -> Result<Option<LeafKind>, StartError> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(None);
    };
    let leaves = ledger.named_leaves(last, 1).await?;
    let leaf = leaves.first().and_then(|leaf| Leaf::from_text(&leaf.body).ok());
    Ok(leaf.map(|leaf| leaf.kind))
}

fn log_key(keystore: &Keystore, origin: &str) -> Result<LogKey, StartError> {
    LogKey::new(origin, &keystore.note_key::<role::Ledger>()?)
        .map_err(|error| StartError::other("the ledger's name cannot be used")(error.into()))
}

/// A folder's name for a log's.
fn short_name(origin: &str) -> String {
    let digest = digest::sha256_base64url(origin.as_bytes());
    digest.get(..16).unwrap_or_default().to_owned()
}

fn load(data: &DataDirectory) -> Result<Option<Plan>, StartError> {
    match fs::read(data.file(PLAN)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => {
            let plan = serde_json::from_slice(&read.map_err(disk)?);
            plan.map(Some)
                .map_err(|error| StartError::other("succession.json is damaged")(error.into()))
        }
    }
}

fn save(data: &DataDirectory, plan: &Plan) -> Result<(), StartError> {
    let (path, fresh) = (data.file(PLAN), data.file("succession.new"));
    let written = || -> io::Result<()> {
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(plan)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        sync(data.path())
    };
    written().map_err(disk)
}

fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn disk(error: io::Error) -> StartError {
    StartError::other("the succession could not be written")(error.into())
}

fn failed(error: SuccessionError) -> StartError {
    StartError::other("the log is not succeeded")(error.into())
}

#[cfg(test)]
mod tests;
