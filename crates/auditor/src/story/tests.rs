use super::*;

use LeafKind as K;

const RP: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn registered(time: u64) -> Leaf {
    Leaf {
        rp: Some(RP.parse().unwrap()),
        ..Leaf::new(K::RpRegistered, UnixTime(time))
    }
}

/// A release by its steps, each with the time it was made at.
fn release(steps: &[(LeafKind, u64)]) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = Vec::new();
    for (kind, time) in steps {
        leaves.push(match leaves.last() {
            Some(last) => last.followed_by(*kind, UnixTime(*time)).unwrap(),
            None => Leaf {
                request: Some("rel_AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
                rp: Some(RP.parse().unwrap()),
                ..Leaf::new(*kind, UnixTime(*time))
            },
        });
    }
    leaves
}

fn service(kind: LeafKind, reason: Option<NoHalt>) -> Leaf {
    Leaf {
        reason,
        ..Leaf::new(kind, UnixTime(0))
    }
}

#[test]
fn no_leaf_says_what_only_another_kind_says() {
    type Change = fn(&mut Leaf);
    let members: [(LeafKind, Change); 6] = [
        (K::OfficialRequested, |leaf| {
            leaf.authority = Some(RP.parse().unwrap());
        }),
        (K::OfficialRequested, |leaf| leaf.order_sha256 = Some("o".into())),
        (K::KeyRotated, |leaf| leaf.role = Some("ledger".into())),
        (K::KeyRotated, |leaf| leaf.kid = Some("k".into())),
        (K::KeyRotated, |leaf| {
            leaf.ended = Some(EndedLog {
                origin: "o".into(),
                vkey: "v".into(),
                size: 0,
                root: "r".into(),
            });
        }),
        (K::ServiceResumed, |leaf| leaf.reason = Some(NoHalt::First)),
    ];
    for (nth, (own, change)) in members.into_iter().enumerate() {
        for kind in [K::KeyRotated, K::ServiceResumed, K::ServiceHalted] {
            let mut leaf = Leaf::new(kind, UnixTime(0));
            change(&mut leaf);
            let taken = Story::default().leaf(leaf.to_text().unwrap().as_bytes());
            assert_eq!(taken.is_ok(), kind == own, "{nth} in {kind:?}");
        }
    }
}

#[test]
fn a_leaf_of_an_identity_says_whose_and_why_and_nothing_else() {
    type Change = fn(&mut Leaf);
    let taken = |kind, reason, change: Change| {
        let mut leaf = Leaf::of_identity(kind, UnixTime(0), "c".into(), reason);
        change(&mut leaf);
        Story::default().leaf(leaf.to_text().unwrap().as_bytes()).is_ok()
    };
    let kinds = [K::IdentitySuspended, K::IdentityReinstated, K::IdentityEnded];
    for (reason, fits) in [
        (LifeReason::Operator, [true, true, false]),
        (LifeReason::Document, [true, true, false]),
        (LifeReason::Misuse, [true, true, true]),
        (LifeReason::Death, [false, true, true]),
        (LifeReason::Holder, [false, false, false]),
    ] {
        assert_eq!(kinds.map(|kind| taken(kind, reason, |_| {})), fits, "{reason:?}");
    }
    let changes: [Change; 5] = [
        |leaf| leaf.subject_commitment = None,
        |leaf| leaf.life_reason = None,
        |leaf| leaf.rp = Some(RP.parse().unwrap()),
        |leaf| leaf.role = Some("ledger".into()),
        |leaf| leaf.kind = K::ServiceHalted,
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        assert!(
            !taken(K::IdentitySuspended, LifeReason::Operator, change),
            "{nth}"
        );
    }
}

fn warned(leaves: &[Leaf]) -> Vec<Warning> {
    let mut story = Story::default();
    for leaf in leaves {
        story.leaf(leaf.to_text().unwrap().as_bytes()).unwrap();
    }
    story.warnings().first
}

/// What is said of a release when the log goes on until `now`.
fn at(steps: &[(LeafKind, u64)], now: u64) -> Vec<Warning> {
    warned(&[vec![registered(0)], release(steps), vec![registered(now)]].concat())
}

#[test]
fn what_nothing_follows_in_time_is_overdue_by_the_clock_of_the_log() {
    let grant = &[(K::ConsentGranted, 100)][..];
    let intent = &[grant, &[(K::ReleaseIntended, 100)]].concat();
    let delivery = &[intent.as_slice(), &[(K::ReleaseDelivered, 100)]].concat();
    let withdrawal = &[delivery.as_slice(), &[(K::ConsentWithdrawn, 100)]].concat();
    for (steps, longest) in [(grant, 86_400), (intent, 600), (withdrawal, 30 * 86_400)] {
        let (kind, _) = *steps.last().unwrap();
        let seconds = longest + ALLOWANCE;
        assert_eq!(at(steps, 100 + seconds), [], "{kind:?}");
        let index = steps.len() as u64;
        let seconds = seconds + 1;
        assert_eq!(
            at(steps, 100 + seconds),
            [Warning::Overdue { index, kind, seconds }]
        );
    }
    let years = 100 * 365 * 86_400;
    let ends: [&[(LeafKind, u64)]; 3] = [
        &[(K::ConsentGranted, 100), (K::ConsentWithdrawn, 100)],
        &[(K::ConsentGranted, 100), (K::ConsentExpired, 100)],
        delivery,
    ];
    for steps in ends {
        assert_eq!(at(steps, years), []);
    }
}

#[test]
fn plaintext_that_left_too_late_is_said() {
    let late = |intended, delivered| {
        let steps = [
            (K::ConsentGranted, 100),
            (K::ReleaseIntended, intended),
            (K::ReleaseDelivered, delivered),
        ];
        at(&steps, delivered)
    };
    assert_eq!(late(100, 760), []);
    assert_eq!(late(86_560, 86_560), []);
    let (kind, index, seconds) = (K::ReleaseDelivered, 3, 661);
    assert_eq!(late(100, 761), [Warning::Late { index, kind, seconds }]);
    let (kind, index, seconds) = (K::ReleaseIntended, 2, 86_461);
    assert_eq!(late(86_561, 86_561), [Warning::Late { index, kind, seconds }]);
    // A platform that was down presumes when it is back.
    let presumed = [
        (K::ConsentGranted, 100),
        (K::ReleaseIntended, 100),
        (K::ReleasePresumed, 9_000),
    ];
    assert_eq!(at(&presumed, 9_000), []);
}

#[test]
fn a_clock_that_goes_back_is_said_beyond_the_skew() {
    assert_eq!(warned(&[registered(100), registered(40)]), []);
    assert_eq!(
        warned(&[registered(100), registered(39)]),
        [Warning::Behind {
            index: 1,
            seconds: 61
        }]
    );
}

#[test]
fn a_service_says_why_it_resumes() {
    let first = service(K::ServiceResumed, Some(NoHalt::First));
    let unclean = service(K::ServiceResumed, Some(NoHalt::Unclean));
    let resumed = service(K::ServiceResumed, None);
    let halted = service(K::ServiceHalted, None);
    assert_eq!(warned(&[first.clone(), halted.clone(), resumed.clone()]), []);
    assert_eq!(warned(&[first.clone(), unclean]), [Warning::CutOff { index: 1 }]);
    assert_eq!(
        warned(&[first.clone(), resumed.clone()]),
        [Warning::NotHalted { index: 1 }]
    );
    assert_eq!(warned(&[resumed]), [Warning::NotHalted { index: 0 }]);
    assert_eq!(
        warned(&[first.clone(), first.clone()]),
        [Warning::NotHalted { index: 1 }]
    );
    assert_eq!(
        warned(&[first, halted, registered(0)]),
        [Warning::AfterHalt { index: 2 }]
    );
}

#[test]
fn a_broken_leaf_leaves_the_story_as_it_was() {
    let mut story = Story::default();
    story.leaf(registered(1).to_text().unwrap().as_bytes()).unwrap();
    let before = story.clone();
    let leaves = release(&[(K::ConsentGranted, 1), (K::ReleaseDelivered, 1)]);
    let stranger = Leaf {
        rp: Some("BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap()),
        ..leaves[0].clone()
    };
    for bad in [
        b"\xff".to_vec(),
        b"{}".to_vec(),
        leaves[1].to_text().unwrap().into_bytes(),
        stranger.to_text().unwrap().into_bytes(),
    ] {
        assert!(story.leaf(&bad).is_err());
        assert_eq!(story, before);
    }
}
