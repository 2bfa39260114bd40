//! Witnesses that are down delay nobody who can do without them, and are asked as soon as nobody can.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cyberid_tlog::note::NoteSigner as _;
use cyberid_tlog::policy::Policy;

use super::stub_witness::Mood;
use super::witnessing::{LONG, Setting, is_no_quorum};
use super::{append, bodies, vkey};

/// Appends leaf `number` and has it witnessed.
async fn witnessed(ledger: &crate::Ledger, number: u64) {
    append(ledger, &bodies(number..number + 1)).await;
    assert_eq!(ledger.witnessed(number, LONG).await.unwrap().size(), number + 1);
}

#[tokio::test]
async fn who_failed_is_left_alone_while_the_others_suffice() {
    let setting = Setting::new(3, 2).await;
    let ledger = setting.open().await;
    let down = &setting.witnesses[0];
    down.feel(Mood::Down);
    witnessed(&ledger, 0).await;
    while down.requests() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Its failure is noted a moment after its answer.
    tokio::time::sleep(Duration::from_millis(50)).await;
    for number in 1..6 {
        witnessed(&ledger, number).await;
    }
    assert_eq!(down.requests(), 1, "asked again while it rests");

    // It is back, and nobody knows; another one goes: it is asked at once.
    down.feel(Mood::Honest);
    setting.witnesses[1].feel(Mood::Down);
    let begun = Instant::now();
    witnessed(&ledger, 6).await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "it waited for a rest"
    );
    assert_eq!(down.latest().size, 7);
}

#[tokio::test]
async fn who_hangs_costs_the_others_nothing() {
    let setting = Setting::new(3, 2).await;
    let ledger = setting.open().await;
    setting.witnesses[2].feel(Mood::Hanging);
    let begun = Instant::now();
    for number in 0..20 {
        witnessed(&ledger, number).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(setting.witnesses[2].requests(), 1);
}

#[tokio::test]
async fn who_is_slow_comes_to_see_the_log_too() {
    let setting = Setting::new(2, 1).await;
    let ledger = setting.open().await;
    let slow = &setting.witnesses[1];
    slow.feel(Mood::Slow);
    let begun = Instant::now();
    witnessed(&ledger, 0).await;
    assert!(begun.elapsed() < Duration::from_millis(350));
    let deadline = begun + Duration::from_secs(5);
    while slow.latest().size == 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(slow.latest().size, 1);
}

/// The regulator or the court, and two of three universities.
#[tokio::test]
async fn a_policy_of_groups_is_waited_for() {
    let mut setting = Setting::new(5, 5).await;
    let mut text = format!("log {}\n", vkey());
    for (name, stub) in ["regulator", "court", "u1", "u2", "u3"]
        .iter()
        .zip(&setting.witnesses)
    {
        writeln!(text, "witness {name} {}", stub.key.verifier_key()).unwrap();
    }
    text += "group offices any regulator court\ngroup universities 2 u1 u2 u3\n\
             group both all offices universities\nquorum both\n";
    setting.policy = Policy::parse(text.as_bytes()).unwrap();
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..1)).await;
    let down = |numbers: &[usize]| {
        setting.feel(Mood::Honest);
        numbers
            .iter()
            .for_each(|&number| setting.witnesses[number].feel(Mood::Down));
    };
    for too_many in [[0, 1].as_slice(), &[2, 3], &[0, 1, 2, 3, 4]] {
        down(too_many);
        assert!(is_no_quorum(&ledger.witnessed(0, LONG).await, 0), "{too_many:?}");
    }
    down(&[0, 4]);
    let cosigned = ledger.witnessed(0, LONG).await.unwrap();
    assert!(cosigned.cosignatures().len() >= 3);
}

#[tokio::test]
async fn who_hangs_is_given_up_long_before_the_deadline() {
    let setting = Setting::new(1, 1).await;
    let ledger = setting.open().await;
    append(&ledger, &bodies(0..1)).await;
    setting.feel(Mood::Hanging);
    let begun = Instant::now();
    assert!(is_no_quorum(&ledger.witnessed(0, LONG).await, 0));
    assert!(
        begun.elapsed() < crate::submitter::PATIENCE * 2,
        "{:?}",
        begun.elapsed()
    );
    setting.feel(Mood::Honest);
    assert_eq!(ledger.witnessed(0, LONG).await.unwrap().size(), 1);
}
