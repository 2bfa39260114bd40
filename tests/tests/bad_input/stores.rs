//! What is stored, so that it can be compared.

use std::collections::BTreeMap;
use std::path::Path;

use cyberid_crypto::digest;
use cyberid_domain::clock::{Clock as _, DAY, SystemClock};
use cyberid_domain::release::ReleaseStatus;
use cyberid_storage::ledger::LedgerRead as _;
use cyberid_storage::promise::Promises as _;
use cyberid_storage::release::Releases as _;
use cyberid_storage::relying_party::RelyingParties as _;
use cyberid_storage::subject::Subjects as _;
use cyberid_storage_sqlite::{LedgerDb, RegistryDb};
use journeys::{Part, SplitPlatform};

const STATUSES: [&str; 8] = [
    "requested",
    "declined",
    "expired",
    "granted",
    "intended",
    "delivered",
    "presumed",
    "withdrawn",
];

/// What is stored: the ledger and the registry by their counts, the journal and the key holders' stores by every
/// byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inventory {
    leaves: u64,
    kinds: BTreeMap<String, u64>,
    relying_parties: Vec<String>,
    journal: String,
    releases: BTreeMap<&'static str, usize>,
    open_enrolments: usize,
    outstanding_leaves: usize,
    key_holders: Vec<String>,
}

impl Inventory {
    /// Counts in copies: what is counted stays as it is.
    pub(crate) async fn of(split: &SplitPlatform) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = |name: &str| {
            let data = split.data(Part::Platform);
            // Without its log a database is what it was at its last checkpoint; after a clean end there may be none.
            for name in [name.to_owned(), format!("{name}-wal")] {
                if data.join(&name).exists() {
                    std::fs::copy(data.join(&name), folder.path().join(&name)).unwrap();
                }
            }
            folder.path().join(name)
        };
        let ledger = LedgerDb::open(copy("ledger.db")).await.unwrap();
        let registry = RegistryDb::open(copy("registry.db")).await.unwrap();
        let kinds = kinds(&ledger).await;
        let tomorrow = SystemClock.now().plus(DAY);
        Self {
            leaves: kinds.values().sum(),
            kinds,
            relying_parties: relying_parties(&registry).await,
            journal: journal(&split.data(Part::Platform).join("journal")),
            releases: releases(&registry).await,
            open_enrolments: registry.open_enrolments(tomorrow).await.unwrap().len(),
            outstanding_leaves: registry.outstanding(100).await.unwrap().len(),
            key_holders: [(Part::Vault, "vault.db"), (Part::Custodian, "custodian.db")]
                .map(|(part, name)| {
                    let pages = pages(&split.data(part).join(name));
                    let bytes: Vec<u8> = pages.into_values().flatten().collect();
                    format!("{name} {} {}", bytes.len(), digest::sha256_base64url(&bytes))
                })
                .into(),
        }
    }
}

/// The leaves by kind, without those that say that the platform was stopped to look at it.
async fn kinds(ledger: &LedgerDb) -> BTreeMap<String, u64> {
    let size = ledger.size().await.unwrap();
    let mut kinds = BTreeMap::new();
    for (kind, _, count) in ledger.counts(size).await.unwrap() {
        *kinds.entry(kind).or_default() += count;
    }
    kinds.retain(|kind, _| !kind.starts_with("service."));
    kinds
}

async fn relying_parties(registry: &RegistryDb) -> Vec<String> {
    let parties = registry.relying_parties(SystemClock.now()).await.unwrap();
    let mut parties: Vec<String> = parties.iter().map(|party| format!("{party:?}")).collect();
    parties.sort();
    parties
}

async fn releases(registry: &RegistryDb) -> BTreeMap<&'static str, usize> {
    let mut releases = BTreeMap::new();
    for name in STATUSES {
        let status = ReleaseStatus::named(name).unwrap();
        releases.insert(name, registry.in_status(status).await.unwrap().len());
    }
    releases
}

/// What was written to the journal: every page of its files that is not empty, but those that name a file, which a new
/// file has before anything is written to it.
fn journal(folder: &Path) -> String {
    const PAGE: usize = 4096;
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut written = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        let pages = bytes.chunks(PAGE).skip(1);
        written.extend(
            pages
                .filter(|page| page.iter().any(|byte| *byte != 0))
                .flatten()
                .copied(),
        );
    }
    format!("{} {}", written.len(), digest::sha256_base64url(&written))
}

/// The pages of a SQLite database as of its last commit: the file's, and over them those that still stand in the log
/// beside it (sqlite.org/fileformat2.html, sections 1.3 and 4.1). No page changes unless something is written.
fn pages(file: &Path) -> BTreeMap<u32, Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    let size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let mut pages: BTreeMap<u32, Vec<u8>> = (1..).zip(bytes.chunks(size).map(<[u8]>::to_vec)).collect();
    let log = std::fs::read(file.with_extension("db-wal")).unwrap_or_default();
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap());
    let mut begun = Vec::new();
    for frame in log.get(32..).unwrap_or_default().chunks_exact(24 + size) {
        // A frame of an earlier round of the log has other salts.
        if frame[8..16] != log[16..24] {
            break;
        }
        begun.push((number(frame), frame[24..].to_vec()));
        let pages_after_commit = number(&frame[4..]);
        if pages_after_commit != 0 {
            pages.extend(begun.drain(..));
            pages.retain(|page, _| *page <= pages_after_commit);
        }
    }
    pages
}
