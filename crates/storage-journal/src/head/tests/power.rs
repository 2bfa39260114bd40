//! The power goes: of what was not synced, half of the pages are there afterwards.

use cyberid_storage::head::LedgerHead;

use super::{Scene, grow, leaves};
use crate::disk::PAGE;
use crate::tests::disks::Powered;

/// Cuts the power while a group is staged and another may be sealed; returns how often an acknowledged leaf was lost, and
/// how many pages.
fn losses(lies: bool) -> (usize, usize) {
    let (mut losses, mut pages) = (0, 0);
    for round in 0..60 {
        let (scene, disk) = (Scene::new(), Powered::new(lies));
        let head = scene.on(&disk).unwrap();
        head.load().unwrap();
        let (mut last, mut all) = (None, Vec::new());
        for _ in 0..=round % 9 {
            let group = leaves(3, 2500);
            last = Some(grow(&head, last.as_ref(), &group).unwrap());
            all.extend(group);
        }
        let _on_its_way = head.stage(all.len() as u64, &leaves(4, 2500)).unwrap();
        let (found, lost) = disk.cut(|| scene.copy(), Scene::directory);
        let held = found.open().load().ok().flatten();
        losses += usize::from(held.map_or(Vec::new(), |held| held.leaves) != all);
        pages += lost;
    }
    (losses, pages)
}

#[test]
fn what_was_acknowledged_survives_the_power() {
    let (losses, pages) = losses(false);
    assert_eq!(losses, 0);
    assert!(pages > 50, "{pages}");
}

#[test]
fn without_its_syncs_it_would_not() {
    assert!(losses(true).0 > 20);
}

#[test]
fn a_group_whose_pages_came_in_any_order_is_whole_or_none() {
    for torn in 0..16_u8 {
        let scene = Scene::new();
        let head = scene.create();
        head.load().unwrap();
        let first = grow(&head, None, &leaves(1, 10)).unwrap();
        let before = std::fs::read(&scene.segments()[0]).unwrap();
        let second = grow(&head, Some(&first), &leaves(1, 14_000)).unwrap();
        drop(head);
        let mut after = std::fs::read(&scene.segments()[0]).unwrap();
        for page in (0..4).filter(|page| torn >> page & 1 == 1) {
            let page = (2 + page) * PAGE;
            after[page..page + PAGE].copy_from_slice(&before[page..page + PAGE]);
        }
        std::fs::write(&scene.segments()[0], after).unwrap();
        let head = scene.open();
        let found = head.load().unwrap().unwrap().head;
        assert_eq!(found, if torn == 0 { second } else { first }, "{torn:04b}");
        grow(&head, Some(&found), &leaves(2, 10)).unwrap();
        assert_eq!(head.load().unwrap().unwrap().head.size, found.size + 2);
    }
}
