//! What [`Subjects::turn`], [`Lives`], [`IdentityActs`] and [`Renumberings`] promise.

use std::sync::Arc;

use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, IdentityActId, LeafId, SubjectId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::{LifeReason, SubjectStatus};

use super::sample::{self, NOW};
use super::subject::{enrol, enrolled, new_subject};
use super::{CALLERS, count, together};
use crate::life::{
    IdentityAct, IdentityActs, LifeChange, LifeLeaf, Lives, OperatorAct, Renumbering, Renumberings, Turn,
    Turned,
};
use crate::official::{NumberSalts, OfficialAccesses};
use crate::promise::{PromisedLeaf, Promises};
use crate::subject::{NewSubject, Subjects};

/// Asks every sentence of the contract.
pub async fn all<S>(make: impl AsyncFn() -> Arc<S>)
where
    S: Subjects + Lives + IdentityActs + Renumberings + Promises + NumberSalts + OfficialAccesses + 'static,
{
    a_suspension_lasts_while_a_reason_stands(&make().await).await;
    no_turn_leads_where_no_arrow_leads(&make().await).await;
    a_status_is_set_along_the_arrows_only(&make().await).await;
    what_has_ended_expires_and_a_renewal_brings_it_back(&make().await).await;
    a_renewed_document_brings_nobody_back(&make().await).await;
    a_reinstatement_does_not_bring_back_what_has_ended(&make().await).await;
    a_death_in_error_leaves_a_suspension(&make().await).await;
    a_leaf_is_promised_with_its_turn_and_only_then(&make().await).await;
    what_happened_once_does_not_happen_again_by_its_leaf(&make().await).await;
    an_act_waits_for_another_operator(&make().await).await;
    a_drawn_number_replaces_the_old_one_when_it_is_signed_for(&make().await).await;
    a_number_that_was_given_up_is_nobodys_again(&make().await).await;
}

fn change(new: &NewSubject, turn: Turn, at: UnixTime) -> LifeChange {
    LifeChange {
        subject: new.subject,
        turn,
        at,
        leaf: None,
    }
}

async fn turn<S: Subjects>(store: &Arc<S>, new: &NewSubject, turn: Turn) -> Turned {
    store.turn(&change(new, turn, NOW)).await.unwrap()
}

async fn status<S: Subjects>(store: &Arc<S>, new: &NewSubject) -> SubjectStatus {
    let subject = store.by_device(&new.device.jkt).await.unwrap();
    let holder = store.holder(&new.device.jkt).await.unwrap().unwrap();
    assert_eq!(subject.as_ref().unwrap().status, holder.status);
    holder.status
}

async fn a_suspension_lasts_while_a_reason_stands<S: Subjects + Lives>(store: &Arc<S>) {
    use LifeReason::{Holder, Misuse, Operator};
    let new = enrolled(store).await;
    let suspended = Turned::Now(SubjectStatus::Suspended);
    assert_eq!(turn(store, &new, Turn::Suspend(Holder)).await, suspended);
    assert_eq!(turn(store, &new, Turn::Suspend(Holder)).await, Turned::Before);
    let later = change(&new, Turn::Suspend(Operator), NOW.plus(1));
    assert_eq!(store.turn(&later).await.unwrap(), suspended);
    let reasons = store.suspensions(&new.subject).await.unwrap();
    let reasons: Vec<_> = reasons.iter().map(|it| (it.reason, it.since)).collect();
    assert_eq!(reasons, [(Holder, NOW), (Operator, NOW.plus(1))]);
    assert_eq!(turn(store, &new, Turn::Reinstate(Misuse)).await, Turned::Before);
    assert_eq!(turn(store, &new, Turn::Reinstate(Holder)).await, suspended);
    assert_eq!(status(store, &new).await, SubjectStatus::Suspended);
    let active = Turned::Now(SubjectStatus::Active);
    assert_eq!(turn(store, &new, Turn::Reinstate(Operator)).await, active);
    assert_eq!(status(store, &new).await, SubjectStatus::Active);
    assert_eq!(turn(store, &new, Turn::Reinstate(Operator)).await, Turned::Before);
    assert_eq!(store.suspensions(&new.subject).await.unwrap(), []);
}

async fn no_turn_leads_where_no_arrow_leads<S: Subjects>(store: &Arc<S>) {
    let renew = Turn::Renew {
        document_expires_at: NOW.plus(9),
        credential_expires_at: NOW.plus(9),
    };
    let turns = [
        Turn::Suspend(LifeReason::Operator),
        Turn::Reinstate(LifeReason::Operator),
        Turn::Expire,
        renew,
        Turn::Document {
            expires_at: NOW.plus(9),
        },
        Turn::Decease,
    ];
    let cancelled = enrolled(store).await;
    let set = store
        .set_status(&cancelled.subject, SubjectStatus::Cancelled)
        .await;
    assert!(set.unwrap());
    let stranger = new_subject();
    for one in turns {
        assert_eq!(turn(store, &cancelled, one).await, Turned::Refused, "{one:?}");
        assert_eq!(turn(store, &stranger, one).await, Turned::Refused, "{one:?}");
    }
    assert_eq!(status(store, &cancelled).await, SubjectStatus::Cancelled);
    let active = enrolled(store).await;
    assert_eq!(
        turn(store, &active, Turn::Suspend(LifeReason::Death)).await,
        Turned::Refused
    );
}

async fn a_status_is_set_along_the_arrows_only<S: Subjects>(store: &Arc<S>) {
    for from in SubjectStatus::ALL
        .iter()
        .filter(|from| **from != SubjectStatus::Applied)
    {
        for to in SubjectStatus::ALL {
            let new = enrolled(store).await;
            if *from != SubjectStatus::Active {
                assert!(store.set_status(&new.subject, *from).await.unwrap());
            }
            let set = store.set_status(&new.subject, *to).await.unwrap();
            assert_eq!(set, from == to || from.may_become(*to), "{from:?} to {to:?}");
            let expected = if set { *to } else { *from };
            assert_eq!(status(store, &new).await, expected, "{from:?} to {to:?}");
        }
    }
}

async fn what_has_ended_expires_and_a_renewal_brings_it_back<S: Subjects + Lives>(store: &Arc<S>) {
    let (new, mut other) = (enrolled(store).await, new_subject());
    other.credential_expires_at = NOW.plus(5000);
    enrol(store, &other).await;
    assert_eq!(turn(store, &new, Turn::Expire).await, Turned::Before);
    assert_eq!(store.ended(NOW.plus(999), 9).await.unwrap(), []);
    assert_eq!(store.ended(NOW.plus(1000), 9).await.unwrap(), [new.subject]);
    // The document of the other one ends before its certificate.
    let both = store.ended(NOW.plus(2000), 9).await.unwrap();
    assert_eq!(both, [new.subject, other.subject]);
    assert_eq!(store.ended(NOW.plus(2000), 1).await.unwrap(), [new.subject]);
    let end = NOW.plus(1000);
    let expire = change(&new, Turn::Expire, end);
    let expired = Turned::Now(SubjectStatus::Expired);
    assert_eq!(store.turn(&expire).await.unwrap(), expired);
    assert_eq!(store.turn(&expire).await.unwrap(), Turned::Before);
    assert_eq!(store.ended(end, 9).await.unwrap(), []);
    let renew = |credential| Turn::Renew {
        document_expires_at: NOW.plus(9000),
        credential_expires_at: credential,
    };
    let still = store.turn(&change(&new, renew(end), end)).await.unwrap();
    assert_eq!(still, expired);
    let renewed = store.turn(&change(&new, renew(end.plus(1)), end)).await.unwrap();
    assert_eq!(renewed, Turned::Now(SubjectStatus::Active));
    let subject = store.by_device(&new.device.jkt).await.unwrap().unwrap();
    assert_eq!(subject.document_expires_at, NOW.plus(9000));
    assert_eq!(subject.credential_expires_at, end.plus(1));
}

async fn a_renewed_document_brings_nobody_back<S: Subjects>(store: &Arc<S>) {
    let new = enrolled(store).await;
    let end = new.credential_expires_at;
    let ends = async || {
        let subject = store.by_device(&new.device.jkt).await.unwrap().unwrap();
        (subject.document_expires_at, subject.credential_expires_at)
    };
    let document = |expires_at| change(&new, Turn::Document { expires_at }, end);
    let expired = Turned::Now(SubjectStatus::Expired);
    store.turn(&change(&new, Turn::Expire, end)).await.unwrap();
    let later = document(end.plus(9000));
    assert_eq!(store.turn(&later).await.unwrap(), expired);
    assert_eq!(status(store, &new).await, SubjectStatus::Expired);
    assert_eq!(ends().await, (end.plus(9000), end));
    let sooner = document(end.minus(1));
    assert_eq!(store.turn(&sooner).await.unwrap(), expired);
    assert_eq!(ends().await, (end.minus(1), end.minus(1)));
}

async fn a_reinstatement_does_not_bring_back_what_has_ended<S: Subjects>(store: &Arc<S>) {
    let new = enrolled(store).await;
    turn(store, &new, Turn::Suspend(LifeReason::Holder)).await;
    let reinstate = Turn::Reinstate(LifeReason::Holder);
    let late = change(&new, reinstate, new.credential_expires_at);
    let turned = store.turn(&late).await.unwrap();
    assert_eq!(turned, Turned::Now(SubjectStatus::Expired));
    assert_eq!(status(store, &new).await, SubjectStatus::Expired);
}

async fn a_death_in_error_leaves_a_suspension<S: Subjects + Lives>(store: &Arc<S>) {
    let new = enrolled(store).await;
    assert_eq!(
        turn(store, &new, Turn::Decease).await,
        Turned::Now(SubjectStatus::Deceased)
    );
    assert_eq!(turn(store, &new, Turn::Decease).await, Turned::Before);
    let refused = turn(store, &new, Turn::Reinstate(LifeReason::Operator)).await;
    assert_eq!(refused, Turned::Refused);
    let back = turn(store, &new, Turn::Reinstate(LifeReason::Death)).await;
    assert_eq!(back, Turned::Now(SubjectStatus::Suspended));
    let active = turn(store, &new, Turn::Reinstate(LifeReason::Operator)).await;
    assert_eq!(active, Turned::Now(SubjectStatus::Active));
}

async fn a_leaf_is_promised_with_its_turn_and_only_then<S>(store: &Arc<S>)
where
    S: Subjects + Lives + Promises + 'static,
{
    let new = enrolled(store).await;
    let leaf = || LifeLeaf {
        leaf: PromisedLeaf {
            id: LeafId::new(NOW, &SystemRng),
            body: "{}".into(),
        },
        salt: sample::bytes(),
        device_jkt: new.device.jkt.clone(),
    };
    let answers = together(|_| {
        let (store, suspend) = (Arc::clone(store), Turn::Suspend(LifeReason::Operator));
        let with_leaf = LifeChange {
            leaf: Some(leaf()),
            ..change(&new, suspend, NOW)
        };
        async move { store.turn(&with_leaf).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, &Turned::Now(SubjectStatus::Suspended)), 1);
    assert_eq!(count(&answers, &Turned::Before), CALLERS - 1);
    let kept = store.life_leaves(&new.subject).await.unwrap();
    assert_eq!(kept.len(), 1);
    let outstanding = store.outstanding(9).await.unwrap();
    assert_eq!(outstanding, [kept[0].leaf.clone()]);
}

/// Whoever does not know whether it did something does it again, after others have undone it.
async fn what_happened_once_does_not_happen_again_by_its_leaf<S>(store: &Arc<S>)
where
    S: Subjects + Lives + Promises + 'static,
{
    let new = enrolled(store).await;
    let with_leaf = |turn| LifeChange {
        leaf: Some(LifeLeaf {
            leaf: PromisedLeaf {
                id: LeafId::new(NOW, &SystemRng),
                body: "{}".into(),
            },
            salt: sample::bytes(),
            device_jkt: new.device.jkt.clone(),
        }),
        ..change(&new, turn, NOW)
    };
    let suspended = with_leaf(Turn::Suspend(LifeReason::Document));
    let lifted = with_leaf(Turn::Reinstate(LifeReason::Document));
    let happens = async |change: &LifeChange| store.turn(change).await.unwrap();
    assert_eq!(happens(&suspended).await, Turned::Now(SubjectStatus::Suspended));
    assert_eq!(happens(&lifted).await, Turned::Now(SubjectStatus::Active));
    for again in [&suspended, &lifted] {
        assert_eq!(happens(again).await, Turned::Before);
        assert_eq!(status(store, &new).await, SubjectStatus::Active);
    }
    assert_eq!(store.life_leaves(&new.subject).await.unwrap().len(), 2);
}

fn act(subjects: usize, in_force: bool) -> IdentityAct {
    IdentityAct {
        id: IdentityActId::random(&SystemRng),
        act: OperatorAct::Suspend,
        reason: LifeReason::Misuse,
        reference: "case 7".into(),
        subjects: (0..subjects)
            .map(|_| sample::subject())
            .collect::<Vec<SubjectId>>(),
        applied_by: ClientId::random(&SystemRng),
        applied_at: NOW,
        approved_by: None,
        in_force,
        done_at: None,
    }
}

async fn an_act_waits_for_another_operator<S: IdentityActs>(store: &Arc<S>) {
    let (single, several) = (act(1, true), act(3, false));
    for one in [&single, &several] {
        store.apply_act(one).await.unwrap();
        store.apply_act(one).await.unwrap();
        assert_eq!(store.act(&one.id).await.unwrap().as_ref(), Some(one));
    }
    assert_eq!(store.acts_to_do().await.unwrap(), std::slice::from_ref(&single));
    assert!(!store.approve_act(&several.id, &several.applied_by).await.unwrap());
    assert!(!store.approve_act(&single.id, &several.applied_by).await.unwrap());
    let other = ClientId::random(&SystemRng);
    assert!(store.approve_act(&several.id, &other).await.unwrap());
    assert!(!store.approve_act(&several.id, &other).await.unwrap());
    store.act_done(&single.id, NOW).await.unwrap();
    store.act_done(&single.id, NOW.plus(1)).await.unwrap();
    let approved_for = several.applied_by.clone();
    let approved = IdentityAct {
        approved_by: Some(other),
        in_force: true,
        ..several
    };
    assert_eq!(store.acts_to_do().await.unwrap(), [approved]);
    let done = store.act(&single.id).await.unwrap().unwrap();
    assert_eq!(done.done_at, Some(NOW));
    let alone = async |operator: &ClientId, since| store.acts_alone(operator, since).await.unwrap();
    assert_eq!(alone(&single.applied_by, NOW).await, 1);
    assert_eq!(alone(&single.applied_by, NOW.plus(1)).await, 0);
    assert_eq!(alone(&approved_for, NOW).await, 0, "another approved it");
    // The store itself refuses what one operator alone may not do.
    for alone in [
        act(2, true),
        IdentityAct {
            act: OperatorAct::Reinstate,
            ..act(1, true)
        },
    ] {
        assert!(store.apply_act(&alone).await.is_err());
    }
}

fn drawn(new: &NewSubject, number: &NetworkNumber) -> Renumbering {
    Renumbering {
        subject: new.subject,
        number: number.clone(),
        salt: sample::bytes(),
        drawn_at: NOW,
        message: None,
    }
}

async fn a_drawn_number_replaces_the_old_one_when_it_is_signed_for<S>(store: &Arc<S>)
where
    S: Subjects + Lives + Renumberings + NumberSalts + OfficialAccesses,
{
    let new = enrolled(store).await;
    let [first, second] = [(); 2].map(|()| drawn(&new, &NetworkNumber::random(&SystemRng)));
    assert!(!store.sign_renumbering(&new.subject, "m").await.unwrap());
    assert!(store.draw_number(&first).await.unwrap());
    assert!(
        !store.renumber(&new.subject, NOW).await.unwrap(),
        "not signed for"
    );
    assert!(store.draw_number(&second).await.unwrap());
    assert_eq!(
        store.renumbering(&new.subject).await.unwrap(),
        Some(second.clone())
    );
    assert_eq!(store.signed_renumberings().await.unwrap(), []);
    assert!(store.sign_renumbering(&new.subject, "signed").await.unwrap());
    assert!(store.sign_renumbering(&new.subject, "again").await.unwrap());
    assert!(!store.draw_number(&first).await.unwrap(), "the holder has signed");
    let signed = store.signed_renumberings().await.unwrap();
    assert_eq!(signed.len(), 1);
    assert_eq!(signed[0].message.as_deref(), Some("again"));
    assert_eq!(store.renumbered_at(&new.subject).await.unwrap(), None);
    assert!(store.renumber(&new.subject, NOW.plus(7)).await.unwrap());
    assert!(!store.renumber(&new.subject, NOW.plus(8)).await.unwrap());
    let subject = store.by_device(&new.device.jkt).await.unwrap().unwrap();
    assert_eq!(subject.number, second.number);
    assert_eq!(store.number_salt(&new.subject).await.unwrap(), Some(second.salt));
    assert_eq!(store.subject_of(&second.number).await.unwrap(), Some(new.subject));
    assert_eq!(store.subject_of(&new.number).await.unwrap(), None);
    assert_eq!(
        store.whose_number(&second.number).await.unwrap(),
        Some(new.subject)
    );
    assert_eq!(store.whose_number(&new.number).await.unwrap(), None);
    assert_eq!(
        store.renumbered_at(&new.subject).await.unwrap(),
        Some(NOW.plus(7))
    );
    assert_eq!(store.signed_renumberings().await.unwrap(), []);
}

async fn a_number_that_was_given_up_is_nobodys_again<S>(store: &Arc<S>)
where
    S: Subjects + Renumberings + NumberSalts,
{
    let (new, other) = (enrolled(store).await, enrolled(store).await);
    let fresh = drawn(&new, &NetworkNumber::random(&SystemRng));
    assert!(store.draw_number(&fresh).await.unwrap());
    assert!(
        !store.draw_number(&drawn(&other, &fresh.number)).await.unwrap(),
        "drawn for another"
    );
    assert!(!store.draw_number(&drawn(&other, &new.number)).await.unwrap());
    store.sign_renumbering(&new.subject, "m").await.unwrap();
    assert!(store.renumber(&new.subject, NOW).await.unwrap());
    for taken in [&new.number, &fresh.number] {
        assert!(!store.draw_number(&drawn(&other, taken)).await.unwrap());
        let late = NewSubject {
            number: taken.clone(),
            ..new_subject()
        };
        let salt = store.keep_number_salt(&late.subject, taken, &[1; 32]).await;
        assert!(!salt.unwrap());
        store.begin_enrolment(&late.subject, NOW).await.unwrap();
        assert!(!store.commit_enrolment(&late).await.unwrap());
    }
}
