//! What was acknowledged stays: short forms of `cargo xtask powercut`, `faults` and `kills`, on the executable of this build.

use journeys::durability::{Home, Progress, Synchronous, faults, kills, powercut, require_strace};
use journeys::executable;

const SEED: u64 = 20_261_123;
const SILENT: Progress<'static> = &|_, _, _| {};

fn powercut(synchronous: Synchronous, cuts: usize) -> powercut::Report {
    require_strace();
    let home = Home::prepare(&executable(), synchronous);
    let plan = powercut::Plan {
        cuts,
        operations: 16,
        workers: 2,
        jobs: 6,
        seed: SEED,
    };
    powercut::run(&home, plan, SILENT)
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let report = powercut(Synchronous::Full, 12);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.acknowledged, report.operations, "{report:?}");
    assert!(report.cuts == 12 && report.checked > 50, "{report:?}");
}

/// The same test finds what a platform loses that does not sync: it can fail.
#[test]
fn a_platform_that_does_not_sync_is_caught() {
    let report = powercut(Synchronous::Normal, 12);
    assert!(report.lost > 0, "{report:?}");
}

#[test]
fn a_system_call_that_fails_loses_and_doubles_nothing() {
    require_strace();
    let homes = [(); 2].map(|()| Home::prepare(&executable(), Synchronous::Full));
    let plan = faults::Plan {
        sites: Some(12),
        pairs: 2,
        seed: SEED,
    };
    let report = faults::run(&homes, plan, SILENT);
    assert!(report.is_clean(), "{report:?}");
    assert!(report.sites > 50 && report.faults >= 12, "{report:?}");
}

#[test]
fn a_server_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let home = Home::prepare(&executable(), Synchronous::Full);
    let plan = kills::Plan {
        kills: 5,
        operations: 120,
        workers: 4,
        seed: SEED,
    };
    let report = kills::run(&home, plan, SILENT);
    assert!(report.is_clean(), "{report:?}");
    assert!(report.kills == 5 && report.acknowledged > 50, "{report:?}");
}
