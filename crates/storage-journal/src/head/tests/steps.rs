//! Every step on the disk fails once: before it did anything, and after it was done.

use std::sync::Arc;

use cyberid_storage::head::{Head, LedgerHead};
use cyberid_storage::ledger::NewLeaf;

use super::{FileHead, Scene, grow, leaves};
use crate::tests::disks::{Dying, Failing};

/// How many groups are appended; they fill several segments, some of which are used again.
const GROUPS: usize = 24;

/// Appends groups until something fails; what was acknowledged, and the group that was under way then.
fn append(scene: &Scene, disk: &Arc<Dying>) -> (Vec<NewLeaf>, Vec<NewLeaf>) {
    let mut acknowledged: Vec<NewLeaf> = Vec::new();
    let Ok(head) = scene.on(disk) else {
        return (acknowledged, Vec::new());
    };
    let Ok(held) = head.load() else {
        return (acknowledged, Vec::new());
    };
    assert_eq!(held, None);
    let mut last: Option<Head> = None;
    for round in 0..GROUPS {
        let group = leaves(1 + round % 3, 1500);
        let Ok(next) = grow(&head, last.as_ref(), &group) else {
            assert!(
                head.stage(0, &[]).is_err(),
                "nothing is taken before it was read anew"
            );
            return (acknowledged, group);
        };
        last = Some(next);
        acknowledged.extend(group);
        // The store is behind by some groups.
        let _ = head.settled(acknowledged.len().saturating_sub(6) as u64);
    }
    (acknowledged, Vec::new())
}

/// Holds what is found against what was acknowledged.
fn assert_found(head: &FileHead, acknowledged: &[NewLeaf], unsure: &[NewLeaf], case: &str) -> Option<Head> {
    let Some(held) = head.load().unwrap() else {
        assert!(acknowledged.is_empty(), "{case}");
        return None;
    };
    let all = [acknowledged, unsure].concat();
    let size = usize::try_from(held.head.size).unwrap();
    assert!(size == acknowledged.len() || size == all.len(), "{case}: {size}");
    let first = usize::try_from(held.first()).unwrap();
    assert!(first <= acknowledged.len().saturating_sub(6), "{case}");
    assert_eq!(held.leaves, all[first..size], "{case}");
    Some(held.head)
}

#[test]
fn whatever_step_fails_nothing_acknowledged_is_lost() {
    let mut hits = 0;
    for failing in [Failing::Before, Failing::After, Failing::Once] {
        for step in 0.. {
            let (scene, disk) = (Scene::new(), Dying::at(step, failing));
            let case = format!("{failing:?} {step}");
            let (acknowledged, unsure) = append(&scene, &disk);
            if !disk.has_died() {
                break;
            }
            hits += 1;
            let healthy = Dying::never();
            let head = scene.on(&healthy).unwrap();
            let found = assert_found(&head, &acknowledged, &unsure, &case);
            let more = leaves(2, 100);
            let last = grow(&head, found.as_ref(), &more).unwrap();
            let held = head.load().unwrap().unwrap();
            assert_eq!(held.head, last, "{case}");
            assert!(held.leaves.ends_with(&more), "{case}");
        }
    }
    assert!(hits > 200, "{hits}");
}

#[test]
fn an_error_is_healed_by_reading_anew_in_the_same_process() {
    let mut hits = 0;
    for step in 0.. {
        let (scene, disk) = (Scene::new(), Dying::at(step, Failing::Once));
        let Ok(head) = scene.on(&disk) else { continue };
        let load = || head.load().or_else(|_| head.load()).unwrap();
        let (mut last, mut all) = (None, Vec::new());
        assert_eq!(load(), None);
        for _ in 0..12 {
            let group = leaves(2, 1500);
            let grown = grow(&head, last.as_ref(), &group);
            let held = load();
            let size = held.as_ref().map_or(0, |held| held.head.size);
            assert!(grown.is_err() || size == all.len() as u64 + 2);
            if size > all.len() as u64 {
                all.extend(group);
            }
            hits += usize::from(grown.is_err());
            assert_eq!(held.as_ref().map_or(Vec::new(), |held| held.leaves.clone()), all);
            last = held.map(|held| held.head);
        }
        if !disk.has_died() {
            break;
        }
    }
    assert!(hits > 20, "{hits}");
}

#[test]
fn a_second_fault_while_reading_is_an_error_and_the_third_time_all_is_there() {
    let mut hits = 0;
    for first in (0..).step_by(7) {
        let (scene, disk) = (Scene::new(), Dying::at(first, Failing::After));
        let (acknowledged, unsure) = append(&scene, &disk);
        if !disk.has_died() {
            break;
        }
        for second in 0.. {
            let (copy, dying) = (scene.copy(), Dying::at(second, Failing::Before));
            let failed = copy.on(&dying).is_ok_and(|head| head.load().is_err());
            if !dying.has_died() {
                break;
            }
            hits += usize::from(failed);
            let head = copy.on(&Dying::never()).unwrap();
            assert_found(&head, &acknowledged, &unsure, &format!("{first} {second}"));
        }
    }
    assert!(hits > 10, "{hits}");
}
