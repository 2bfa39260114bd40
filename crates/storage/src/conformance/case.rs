//! What [`Cases`] promises.

use std::sync::Arc;

use cyberid_domain::case::{CaseKind, Verdict};
use cyberid_domain::id::{CaseId, ClientId, SubjectId};
use cyberid_domain::rng::SystemRng;

use super::sample::{self, NOW};
use super::subject;
use crate::case::{Case, Cases, Decided};
use crate::subject::{HashedPin, Subjects};

/// Asks every sentence of the contract.
pub async fn all<S: Cases + Subjects + 'static>(make: impl AsyncFn() -> Arc<S>) {
    a_case_is_kept_and_one_is_open_at_a_time(&make().await).await;
    two_operators_who_say_the_same_decide(&make().await).await;
    what_is_to_be_done_is_listed_until_it_is(&make().await).await;
    an_upheld_appeal_permits_its_own_key_for_a_while(&make().await).await;
}

pub(super) fn case(kind: CaseKind, jkt: &str, subject: Option<SubjectId>) -> Case {
    Case {
        id: CaseId::random(&SystemRng),
        kind,
        jkt: jkt.into(),
        key: sample::bytes(),
        subject,
        pin: subject.map(|_| HashedPin {
            salt: [1; 16],
            memory_kib: 8,
            passes: 1,
            tag: [2; 32],
        }),
        opened_at: NOW,
        halted: false,
        said: None,
        decided_at: None,
        done_at: None,
    }
}

fn operator() -> ClientId {
    ClientId::random(&SystemRng)
}

pub(super) async fn upheld<S: Cases>(store: &Arc<S>, case: &Case) {
    for decided in [Decided::Waiting, Decided::Now] {
        let said = store.say(&case.id, Verdict::Upheld, &operator(), NOW).await;
        assert_eq!(said.unwrap(), decided);
    }
}

async fn a_case_is_kept_and_one_is_open_at_a_time<S: Cases + Subjects>(store: &Arc<S>) {
    let own = subject::enrolled(store).await.subject;
    let misuse = case(CaseKind::Misuse, "a", Some(own));
    let appeal = case(CaseKind::Appeal, "a", None);
    for kept in [&appeal, &misuse] {
        assert!(store.open_case(kept).await.unwrap());
        assert_eq!(store.case(&kept.id).await.unwrap().as_ref(), Some(kept));
    }
    assert_eq!(store.case(&CaseId::random(&SystemRng)).await.unwrap(), None);
    // By the same key, or about the same identifier.
    assert!(!store.open_case(&case(CaseKind::Appeal, "a", None)).await.unwrap());
    assert!(
        !store
            .open_case(&case(CaseKind::Misuse, "b", Some(own)))
            .await
            .unwrap()
    );
    assert!(store.open_case(&case(CaseKind::Appeal, "b", None)).await.unwrap());
    let open = store.undecided_cases(2).await.unwrap();
    assert_eq!(
        open.iter().map(|case| &case.id).collect::<Vec<_>>(),
        [&misuse.id, &appeal.id]
    );
}

async fn two_operators_who_say_the_same_decide<S: Cases>(store: &Arc<S>) {
    let appeal = case(CaseKind::Appeal, "a", None);
    assert!(store.open_case(&appeal).await.unwrap());
    let (one, other, third) = (operator(), operator(), operator());
    let (upheld, dismissed) = (Verdict::Upheld, Verdict::Dismissed);
    for (operator, verdict, decided) in [
        (&one, upheld, Decided::Waiting),
        (&one, upheld, Decided::OwnWord),
        (&other, dismissed, Decided::Waiting),
        (&other, dismissed, Decided::OwnWord),
        (&one, upheld, Decided::Waiting),
        (&third, upheld, Decided::Now),
        (&third, upheld, Decided::Before),
        (&one, upheld, Decided::Before),
        (&other, dismissed, Decided::Otherwise),
    ] {
        let said = store.say(&appeal.id, verdict, operator, NOW.plus(5)).await;
        assert_eq!(said.unwrap(), decided, "{operator} {verdict:?}");
    }
    let kept = store.case(&appeal.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.verdict(), kept.decided_at),
        (Some(upheld), Some(NOW.plus(5)))
    );
    let nothing = store.say(&CaseId::random(&SystemRng), upheld, &one, NOW).await;
    assert_eq!(nothing.unwrap(), Decided::NotThere);
    assert_eq!(store.undecided_cases(10).await.unwrap(), []);
}

async fn what_is_to_be_done_is_listed_until_it_is<S: Cases + Subjects>(store: &Arc<S>) {
    let own = subject::enrolled(store).await.subject;
    let misuse = case(CaseKind::Misuse, "a", Some(own));
    let appeal = case(CaseKind::Appeal, "a", None);
    for kept in [&misuse, &appeal] {
        assert!(store.open_case(kept).await.unwrap());
    }
    let to_do = async || -> Vec<CaseId> {
        let cases = store.cases_to_do().await.unwrap();
        cases.into_iter().map(|case| case.id).collect()
    };
    assert_eq!(
        to_do().await.as_slice(),
        std::slice::from_ref(&misuse.id),
        "it is not halted"
    );
    for _ in 0..2 {
        store.case_halted(&misuse.id).await.unwrap();
        assert_eq!(to_do().await, [], "nothing is decided");
    }
    upheld(store, &misuse).await;
    upheld(store, &appeal).await;
    assert_eq!(to_do().await, [misuse.id.clone(), appeal.id.clone()]);
    for at in [5, 6] {
        store.case_done(&misuse.id, NOW.plus(at)).await.unwrap();
    }
    assert_eq!(to_do().await.as_slice(), std::slice::from_ref(&appeal.id));
    let done = store.case(&misuse.id).await.unwrap().unwrap();
    assert_eq!(
        (done.done_at, done.pin, done.halted),
        (Some(NOW.plus(5)), None, true)
    );
    // It is done: another may be brought.
    assert!(
        store
            .open_case(&case(CaseKind::Misuse, "a", Some(own)))
            .await
            .unwrap()
    );
}

async fn an_upheld_appeal_permits_its_own_key_for_a_while<S: Cases + Subjects>(store: &Arc<S>) {
    let (granted, refused) = (
        case(CaseKind::Appeal, "a", None),
        case(CaseKind::Appeal, "b", None),
    );
    for kept in [&granted, &refused] {
        assert!(store.open_case(kept).await.unwrap());
    }
    let permitted = async |jkt: &str, since| store.is_permitted(jkt, since).await.unwrap();
    assert!(!permitted("a", NOW).await);
    upheld(store, &granted).await;
    for operator in [operator(), operator()] {
        store
            .say(&refused.id, Verdict::Dismissed, &operator, NOW)
            .await
            .unwrap();
    }
    assert!(permitted("a", NOW).await && !permitted("a", NOW.plus(1)).await);
    assert!(!permitted("b", NOW).await && !permitted("c", NOW).await);
    let own = subject::enrolled(store).await.subject;
    let misuse = case(CaseKind::Misuse, "d", Some(own));
    assert!(store.open_case(&misuse).await.unwrap());
    upheld(store, &misuse).await;
    assert!(!permitted("d", NOW).await, "no appeal");
    store.forget_appeals(NOW).await.unwrap();
    assert!(permitted("a", NOW).await);
    store.forget_appeals(NOW.plus(1)).await.unwrap();
    assert!(!permitted("a", NOW).await);
    assert_eq!(store.case(&refused.id).await.unwrap(), None);
}
