//! A ledger in a directory, whole and altered in every way: the audit accepts the one and names the other.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::path::Path;

use cyberid_auditor::{AuditAnchors, AuditFailure, DirectorySource, Finding, audit, export};
use cyberid_domain::UnixTime;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{Tile, TileKind, TilePath, encode_bundle, new_tiles};
use cyberid_tlog::tree::{Frontier, root_from_leaves};

const ORIGIN: &str = "ledger.example/cyberid";

fn log_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn witness_signer() -> Ed25519Signer {
    Ed25519Signer::cosigner_from_seed("witness.example", &[2; 32]).unwrap()
}

fn anchors() -> (VerifierKey, Policy) {
    let log = log_signer().verifier_key().clone();
    let policy = Policy::k_of_n(Some(log.clone()), &[witness_signer().verifier_key().clone()], 1).unwrap();
    (log, policy)
}

/// Lives of releases one after the other, so that every kind has its place.
fn leaves(count: usize) -> Vec<String> {
    let life = [
        LeafKind::ReleaseIntended,
        LeafKind::ReleaseDelivered,
        LeafKind::ConsentWithdrawn,
    ];
    let mut leaves = Vec::new();
    while leaves.len() < count {
        let id = format!("rel_{:021}A", leaves.len());
        let mut leaf = Leaf {
            request: Some(id.parse().unwrap()),
            ..Leaf::new(LeafKind::ConsentGranted, UnixTime(9))
        };
        leaves.push(leaf.to_text().unwrap());
        for kind in life {
            leaf = leaf.followed_by(kind, UnixTime(9)).unwrap();
            leaves.push(leaf.to_text().unwrap());
        }
    }
    leaves.truncate(count);
    leaves
}

fn write(directory: &Path, path: &str, bytes: &[u8]) {
    let target = directory.join(path);
    std::fs::create_dir_all(target.parent().unwrap()).unwrap();
    std::fs::write(target, bytes).unwrap();
}

fn publish(directory: &Path, leaves: &[String], witnessed: bool) {
    let mut tree = Frontier::new();
    let mut levels: Vec<Vec<Hash>> = vec![Vec::new(); 3];
    for leaf in leaves {
        for node in tree.append(leaf_hash(leaf.as_bytes())).unwrap() {
            if node.node.level() % 8 == 0 {
                levels[usize::from(node.node.level() / 8)].push(node.hash);
            }
        }
    }
    for path in new_tiles(0, tree.size()) {
        let TileKind::Hashes { level } = path.kind() else {
            continue;
        };
        let start = usize::try_from(path.index()).unwrap() * 256;
        let range = start..start + usize::from(path.width());
        write(
            directory,
            &path.to_string(),
            &Tile::from_hashes(levels[usize::from(level)][range.clone()].to_vec())
                .unwrap()
                .to_bytes(),
        );
        if level == 0 {
            let entries = TilePath::new(TileKind::Entries, path.index(), path.width()).unwrap();
            write(
                directory,
                &entries.to_string(),
                &encode_bundle(&leaves[range]).unwrap(),
            );
        }
    }
    let mut checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root())
        .unwrap()
        .sign(&log_signer())
        .unwrap();
    if witnessed {
        let cosignature = cosign(&checkpoint, 9, &witness_signer()).unwrap();
        checkpoint.add_cosignature(cosignature).unwrap();
    }
    write(directory, "checkpoint", checkpoint.note().to_string().as_bytes());
}

fn kept(leaves: &[String]) -> (u64, Hash) {
    let root = root_from_leaves(leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes()))).unwrap();
    (leaves.len() as u64, root)
}

async fn run(directory: &Path, kept: Option<(u64, Hash)>) -> Result<u64, AuditFailure> {
    let (log, policy) = anchors();
    let report = audit(
        &DirectorySource::new(directory),
        &log,
        &policy,
        kept,
        &mut |_, _| {},
    )
    .await?;
    assert_eq!(report.kinds.values().sum::<u64>(), report.size);
    Ok(report.size)
}

fn found(result: Result<u64, AuditFailure>) -> Finding {
    match result {
        Err(AuditFailure::Found(finding)) => finding,
        other => panic!("nothing was found: {other:?}"),
    }
}

#[tokio::test]
async fn a_whole_ledger_of_any_size_is_accepted() {
    for size in [0, 1, 2, 255, 256, 257, 1000] {
        let folder = tempfile::tempdir().unwrap();
        publish(folder.path(), &leaves(size), true);
        assert_eq!(run(folder.path(), None).await, Ok(size as u64), "{size}");
    }
}

#[tokio::test]
async fn every_flipped_byte_is_noticed_and_an_altered_leaf_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = leaves(12);
    publish(folder.path(), &whole, true);
    let bundle = folder.path().join("tile/entries/000.p/12");
    let bytes = std::fs::read(&bundle).unwrap();
    let starts: Vec<usize> = whole
        .iter()
        .scan(0, |at, leaf| {
            let start = *at;
            *at += 2 + leaf.len();
            Some(start)
        })
        .collect();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        std::fs::write(&bundle, &altered).unwrap();
        let leaf = starts.iter().rposition(|start| *start <= at).unwrap();
        // Whether or not the past was kept, the leaf is to blame.
        let past = (at % 2 == 0).then(|| kept(&whole));
        let finding = found(run(folder.path(), past).await);
        if at - starts[leaf] >= 2 {
            assert_eq!(finding, Finding::LeafAltered { index: leaf as u64 }, "byte {at}");
        }
    }
}

#[tokio::test]
async fn every_flipped_byte_of_tile_and_checkpoint_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), &leaves(300), true);
    for path in ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"] {
        let file = folder.path().join(path);
        let bytes = std::fs::read(&file).unwrap();
        for at in (0..bytes.len()).step_by(if path == "tile/0/000" { 97 } else { 1 }) {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            std::fs::write(&file, &altered).unwrap();
            let finding = found(run(folder.path(), None).await);
            assert!(
                path == "checkpoint" || finding == Finding::Tile { path: path.into() },
                "{path} {at}: {finding:?}"
            );
        }
        std::fs::write(&file, &bytes).unwrap();
    }
}

#[tokio::test]
async fn a_log_that_nobody_witnessed_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), &leaves(3), false);
    assert!(matches!(
        found(run(folder.path(), None).await),
        Finding::NotWitnessed(_)
    ));
}

#[tokio::test]
async fn a_past_that_was_cut_or_rewritten_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = leaves(20);
    publish(folder.path(), &whole, true);
    for size in [0, 1, 13, 20] {
        assert_eq!(run(folder.path(), Some(kept(&whole[..size]))).await, Ok(20));
    }
    publish(folder.path(), &whole[..16], true);
    assert_eq!(
        found(run(folder.path(), Some(kept(&whole))).await),
        Finding::Cut { size: 16, kept: 20 }
    );
    let mut other = leaves(40);
    other.drain(..20);
    publish(folder.path(), &other, true);
    assert_eq!(
        found(run(folder.path(), Some(kept(&whole[..4]))).await),
        Finding::Rewritten { kept: 4 }
    );
}

#[tokio::test]
async fn a_signed_log_whose_kinds_are_out_of_order_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut swapped = leaves(8);
    swapped.remove(5);
    publish(folder.path(), &swapped, true);
    assert!(matches!(
        found(run(folder.path(), None).await),
        Finding::Chain { index: 5, .. }
    ));
    publish(folder.path(), &[r#"{"v":1}"#.into()], true);
    assert_eq!(
        found(run(folder.path(), None).await),
        Finding::LeafFormat { index: 0 }
    );
}

#[tokio::test]
async fn an_export_is_audited_as_its_source_is() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(from.path(), &leaves(700), true);
    let (log, policy) = anchors();
    let anchors = AuditAnchors {
        vkey: log.to_string(),
        policy: String::from_utf8(policy.to_bytes()).unwrap(),
    };
    let source = DirectorySource::new(from.path());
    assert_eq!(
        export(&source, &anchors, to.path(), &mut |_, _| {}).await,
        Ok(700)
    );
    assert_eq!(run(to.path(), None).await, Ok(700));
}
