//! A ledger of a thousand leaves, whole and altered in every way: the audit accepts the one, and names the place of what
//! is wrong with the other.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod ledger;
mod memory;

use cyberid_auditor::{AuditFailure, Finding, Report, State, audit, audit_on};
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::tree::root_from_leaves;
use ledger::{anchors, checkpoint, leaves};
use memory::{Memory, in_memory};

const SIZE: usize = 1000;

fn thousand() -> Vec<String> {
    leaves().take(SIZE).collect()
}

async fn run(source: &Memory, kept: Option<(u64, Hash)>) -> Result<Report, AuditFailure> {
    let (log, policy) = anchors();
    audit(source, &log, &policy, kept, &mut |_, _| {}).await
}

async fn run_on(source: &Memory, state: &mut State) -> Result<Report, AuditFailure> {
    let (log, policy) = anchors();
    audit_on(source, &log, &policy, state, &mut |_, _| {}, &mut |_| Ok(())).await
}

fn found(result: Result<Report, AuditFailure>) -> Finding {
    match result {
        Err(AuditFailure::Found(finding)) => finding,
        other => panic!("nothing was found: {other:?}"),
    }
}

fn tree(leaves: &[String]) -> (u64, Hash) {
    let root = root_from_leaves(leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes()))).unwrap();
    (leaves.len() as u64, root)
}

/// The state of an auditor that read this many of the leaves.
async fn having_read(whole: &[String], size: usize) -> State {
    let mut state = State::default();
    run_on(&in_memory(&whole[..size]), &mut state).await.unwrap();
    state
}

/// Where each leaf of a bundle begins, its length included, and after them the end.
fn starts(bundle: &[u8]) -> Vec<usize> {
    let mut starts = vec![0];
    while let Some(len) = bundle
        .get(starts[starts.len() - 1]..)
        .and_then(<[u8]>::first_chunk::<2>)
    {
        starts.push(starts[starts.len() - 1] + 2 + usize::from(u16::from_be_bytes(*len)));
    }
    starts
}

fn bundles(ledger: &Memory) -> Vec<String> {
    let paths = ledger.0.keys().filter(|path| path.starts_with("tile/entries/"));
    paths.cloned().collect()
}

#[tokio::test]
async fn a_whole_ledger_of_any_size_is_accepted() {
    for size in [0, 1, 2, 255, 256, 257, 512, SIZE] {
        let report = run(&in_memory(leaves().take(size)), None).await.unwrap();
        assert_eq!(report.size, size as u64);
        assert_eq!(report.kinds.values().sum::<u64>(), report.size);
        assert_eq!(
            (report.warnings.count, report.from, report.continues),
            (0, 0, None)
        );
    }
    // Two levels of tiles above the leaves.
    let many = (1..=66_000).map(|time| format!(r#"{{"kind":"key.rotated","time":{time},"v":1}}"#));
    let report = run(&in_memory(many), None).await.unwrap();
    assert_eq!(report.size, 66_000);
}

/// From the state of an auditor who has read all bundles before: two altered bytes of every leaf, and both bytes of
/// its length. (Every byte of every leaf: `bundle::tests`.)
#[tokio::test]
async fn an_altered_leaf_is_named_wherever_it_is_altered() {
    let whole = thousand();
    let mut ledger = in_memory(&whole);
    for (number, path) in bundles(&ledger).into_iter().enumerate() {
        let before = having_read(&whole, number * 256).await;
        let bytes = ledger.0[&path].clone();
        let starts = starts(&bytes);
        for (leaf, range) in starts.windows(2).enumerate() {
            let index = (number * 256 + leaf) as u64;
            let some = 2 + (leaf * 37) % (range[1] - range[0] - 2);
            for at in [0, 1, some, range[1] - range[0] - 1] {
                let altered = ledger.0.get_mut(&path).unwrap();
                altered[range[0] + at] ^= 1 << (leaf % 8);
                let finding = found(run_on(&ledger, &mut before.clone()).await);
                assert_eq!(finding, Finding::LeafAltered { index }, "{path} {at}");
                ledger.0.insert(path.clone(), bytes.clone());
            }
        }
    }
}

#[tokio::test]
async fn an_audit_from_the_first_leaf_names_the_same_place() {
    let whole = thousand();
    let ledger = in_memory(&whole);
    for path in bundles(&ledger) {
        let bytes = &ledger.0[&path];
        for at in (0..bytes.len()).step_by(bytes.len() / 5) {
            let leaf = starts(bytes).iter().rposition(|start| *start <= at).unwrap();
            let first: u64 = path[13..16].parse().unwrap();
            let index = first * 256 + leaf as u64;
            let mut altered = ledger.clone();
            altered.0.get_mut(&path).unwrap()[at] ^= 1;
            // Whether or not the past was kept, the leaf is to blame.
            for kept in [None, Some(tree(&whole)), Some(tree(&whole[..300]))] {
                assert_eq!(found(run(&altered, kept).await), Finding::LeafAltered { index });
            }
        }
    }
}

#[tokio::test]
async fn every_flipped_byte_of_a_tile_is_noticed_and_the_tile_is_named() {
    let whole = thousand();
    let mut ledger = in_memory(&whole);
    let paths: Vec<String> = ledger
        .0
        .keys()
        .filter(|path| path.starts_with("tile/") && !path.contains("entries"))
        .cloned()
        .collect();
    assert_eq!(
        paths,
        [
            "tile/0/000",
            "tile/0/001",
            "tile/0/002",
            "tile/0/003.p/232",
            "tile/1/000.p/3"
        ]
    );
    for path in paths {
        let number: usize = if path.starts_with("tile/0/") {
            path[7..10].parse().unwrap()
        } else {
            0
        };
        let before = having_read(&whole, number * 256).await;
        for at in 0..ledger.0[&path].len() {
            // Every byte of the small tile, and of each hash of the others a byte in turn.
            if path.starts_with("tile/0") && at % 32 != (at / 32) % 32 {
                continue;
            }
            ledger.0.get_mut(&path).unwrap()[at] ^= 1;
            let finding = found(run_on(&ledger, &mut before.clone()).await);
            assert_eq!(finding, Finding::Tile { path: path.clone() }, "{at}");
            ledger.0.get_mut(&path).unwrap()[at] ^= 1;
        }
    }
}

#[tokio::test]
async fn every_flipped_byte_of_the_checkpoint_is_noticed() {
    let mut ledger = in_memory(leaves().take(3));
    for at in 0..ledger.0["checkpoint"].len() {
        for bit in 0..8 {
            ledger.0.get_mut("checkpoint").unwrap()[at] ^= 1 << bit;
            let finding = found(run(&ledger, None).await);
            assert_eq!(
                finding.path().unwrap_or("checkpoint"),
                "checkpoint",
                "{at}: {finding:?}"
            );
            ledger.0.get_mut("checkpoint").unwrap()[at] ^= 1 << bit;
        }
    }
    assert!(run(&ledger, None).await.is_ok());
}

#[tokio::test]
async fn a_missing_file_is_named_and_so_is_what_was_added() {
    let ledger = in_memory(thousand());
    for path in ledger.0.keys().filter(|path| *path != "checkpoint") {
        let mut cut = ledger.clone();
        cut.0.remove(path);
        assert_eq!(
            found(run(&cut, None).await),
            Finding::Missing { path: path.clone() }
        );
    }
    for path in bundles(&ledger) {
        let mut longer = ledger.clone();
        longer.0.get_mut(&path).unwrap().extend([0, 0]);
        let first: u64 = path[13..16].parse().unwrap();
        let first_index = first * 256;
        assert_eq!(
            found(run(&longer, None).await),
            Finding::Bundle { path, first_index }
        );
    }
}

/// What somebody can do who holds the files and not the keys: move whole entries.
#[tokio::test]
async fn entries_that_were_deleted_swapped_doubled_or_cut_are_named_by_the_first_place_that_differs() {
    let whole = thousand();
    let ledger = in_memory(&whole);
    let entries = |leaves: &[String]| {
        let other = in_memory(leaves);
        let mut altered = ledger.clone();
        altered.0.retain(|path, _| !path.starts_with("tile/entries/"));
        altered.0.extend(
            other
                .0
                .into_iter()
                .filter(|(path, _)| path.starts_with("tile/entries/")),
        );
        // The last bundle is where it was, whatever it holds now.
        if let Some(last) = altered
            .0
            .keys()
            .rfind(|path| path.starts_with("tile/entries/003"))
            .cloned()
        {
            let bytes = altered.0.remove(&last).unwrap();
            altered.0.insert("tile/entries/003.p/232".into(), bytes);
        }
        altered
    };
    for at in [0, 1, 100, 255, 256, 511, 700, 998] {
        let index = at as u64;
        let mut deleted = whole.clone();
        deleted.remove(at);
        assert_eq!(
            found(run(&entries(&deleted), None).await),
            Finding::LeafAltered { index }
        );
        let mut swapped = whole.clone();
        swapped.swap(at, at + 1);
        assert_eq!(
            found(run(&entries(&swapped), None).await),
            Finding::LeafAltered { index }
        );
        let mut doubled = whole.clone();
        doubled.insert(at, whole[at].clone());
        let index = index + 1;
        assert_eq!(
            found(run(&entries(&doubled), None).await),
            Finding::LeafAltered { index }
        );
    }
    for left in [999, 800, 769] {
        let index = left as u64;
        assert_eq!(
            found(run(&entries(&whole[..left]), None).await),
            Finding::LeafAltered { index }
        );
    }
    let path = "tile/entries/003.p/232".into();
    assert_eq!(
        found(run(&entries(&whole[..768]), None).await),
        Finding::Missing { path }
    );
}

/// What somebody can do who holds the keys too: sign another log. Then order and links tell, or the past that was kept.
#[tokio::test]
async fn a_signed_log_that_breaks_a_chain_is_named_by_its_leaf() {
    let whole = thousand();
    let mut noticed = 0;
    for at in (2..SIZE - 20).step_by(31) {
        let mut deleted = whole.clone();
        let gone = deleted.remove(at);
        let mut doubled = whole.clone();
        doubled.insert(at + 1, gone.clone());
        let index = at as u64 + 1;
        assert!(
            matches!(found(run(&in_memory(&doubled), None).await), Finding::Chain { index: i, .. } if i == index)
        );
        match run(&in_memory(&deleted), None).await {
            // The last leaf of a release is missed only by whoever kept the past.
            Ok(report) => assert_eq!(report.size, SIZE as u64 - 1),
            other => {
                assert!(matches!(found(other), Finding::Chain { index, .. } if index >= at as u64));
                noticed += 1;
            }
        }
        let kept = found(run(&in_memory(&deleted), Some(tree(&whole[..SIZE - 1]))).await);
        assert_eq!(kept, Finding::Forked { size: 999 });
        let kept = found(run(&in_memory(&deleted), Some(tree(&whole[..=at]))).await);
        assert_eq!(kept, Finding::Rewritten { kept: at as u64 + 1 });
    }
    assert!(noticed > 15, "{noticed}");
    let unformed = in_memory([r#"{"v":1}"#]);
    assert_eq!(
        found(run(&unformed, None).await),
        Finding::LeafFormat { index: 0 }
    );
    let unregistered = in_memory(leaves().skip(2).take(1));
    assert!(matches!(
        found(run(&unregistered, None).await),
        Finding::Party { index: 0, .. }
    ));
}

#[tokio::test]
async fn a_successor_has_to_continue_the_log_that_ended() {
    let whole = thousand();
    for (claimed, index) in [(0, 300), (299, 300), (300, 300), (1, 1), (301, 300)] {
        for other in [false, true] {
            let (size, root) = tree(&whole[..claimed]);
            let root = if other { leaf_hash(b"other") } else { root };
            let succession = format!(
                r#"{{"ended":{{"origin":"old","root":"{}","size":{size},"vkey":"k"}},"kind":"key.rotated","time":{},"v":1}}"#,
                root.to_base64(),
                ledger::START,
            );
            let mut leaves = whole[..index].to_vec();
            leaves.push(succession);
            let result = run(&in_memory(&leaves), None).await;
            if other || claimed > index {
                let index = index as u64;
                assert_eq!(found(result), Finding::Succession { index });
            } else {
                assert_eq!(result.unwrap().size, index as u64 + 1);
            }
        }
    }
}

#[tokio::test]
async fn an_older_or_shorter_log_than_was_kept_is_noticed() {
    let whole = thousand();
    let kept = Some(tree(&whole));
    for size in [0, 1, 256, 999] {
        let cut = found(run(&in_memory(&whole[..size]), kept).await);
        let (size, kept) = (size as u64, SIZE as u64);
        assert_eq!(cut, Finding::Cut { size, kept });
    }
    for size in [0, 1, 255, 256, 300, 768, SIZE] {
        let report = run(&in_memory(&whole), Some(tree(&whole[..size]))).await.unwrap();
        assert_eq!(report.continues, Some(size as u64));
    }
}

#[tokio::test]
async fn a_log_that_nobody_witnessed_or_that_signs_what_it_does_not_show_is_noticed() {
    let whole: Vec<String> = leaves().take(300).collect();
    let (size, root) = tree(&whole);
    let mut ledger = in_memory(&whole);
    let mut sign = |size, root, time| {
        ledger
            .0
            .insert("checkpoint".into(), checkpoint(size, root, time).into_bytes());
        ledger.clone()
    };
    let alone = found(run(&sign(size, root, None), None).await);
    assert!(matches!(alone, Finding::NotWitnessed(_)));
    let other = sign(size, leaf_hash(b"other"), Some(1));
    assert_eq!(found(run(&other, None).await), Finding::Root { size });
    let more = found(run(&sign(size + 1, root, Some(1)), None).await);
    let path = "tile/0/001.p/45".into();
    assert_eq!(more, Finding::Missing { path });
}

/// The long form: every byte of every file, each by an audit from the state before its bundle. Minutes, in release:
/// `cargo test --release -p cyberid-auditor --test mutation -- --ignored --nocapture`
#[tokio::test]
#[ignore = "takes minutes"]
async fn every_flipped_byte_of_every_file_is_noticed() {
    let whole = thousand();
    let mut ledger = in_memory(&whole);
    let paths: Vec<String> = ledger.0.keys().cloned().collect();
    let mut flips = 0_u64;
    for path in paths {
        let number: usize = match path
            .strip_prefix("tile/entries/")
            .or(path.strip_prefix("tile/0/"))
        {
            Some(number) => number[..3].parse().unwrap(),
            None => 0,
        };
        let before = having_read(&whole, number * 256).await;
        let starts = starts(&ledger.0[&path]);
        for at in 0..ledger.0[&path].len() {
            ledger.0.get_mut(&path).unwrap()[at] ^= 1 << (at % 8);
            let finding = found(run_on(&ledger, &mut before.clone()).await);
            if path.starts_with("tile/entries") {
                let leaf = starts.iter().rposition(|start| *start <= at).unwrap();
                let index = (number * 256 + leaf) as u64;
                assert_eq!(finding, Finding::LeafAltered { index });
            } else {
                assert_eq!(finding.path().unwrap_or("checkpoint"), path);
            }
            ledger.0.get_mut(&path).unwrap()[at] ^= 1 << (at % 8);
            flips += 1;
        }
    }
    println!("{{\"flips\":{flips},\"noticed\":{flips},\"named\":{flips}}}");
}
