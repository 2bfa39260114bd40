//! The life of an identifier after its enrolment: halted and resumed, expired and renewed, and turned by operators.

use std::sync::Arc;

use cyberid_crypto::Sign as _;
use cyberid_domain::UnixTime;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::{ClientId, Nonce, SubjectId};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::{LifeReason, SubjectStatus};
use cyberid_keystore::{Opener, role};
use cyberid_protocol::certificate::Certificate;
use cyberid_protocol::enrolment::{Enrolled, Me};
use cyberid_protocol::leaf::{Leaf, LeafKind, subject_commitment};
use cyberid_protocol::life::{
    ActStatus, IdentityActView, LifeAnswer, MAX_LIFE, Renewed, Resumption, SealedResumption, Suspension,
};
use cyberid_protocol::message::{self, Message as _};
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::life::Lives as _;
use cyberid_storage::promise::Promises as _;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::{Value, json};

use super::applicant::Applicant;
use super::platform::{Answer, ISSUER, TestPlatform};

use LifeReason as R;
use SubjectStatus as S;

async fn with(people: &[&Applicant]) -> TestPlatform {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    for person in people {
        assert_eq!(test.enrol(person).await.status, StatusCode::CREATED);
    }
    test
}

fn halt(test: &TestPlatform) -> Suspension {
    let iat = test.clock.now();
    Suspension {
        aud: ISSUER.into(),
        iat,
        exp: iat.plus(MAX_LIFE),
        jti: Nonce::random(&SystemRng),
    }
}

fn word(test: &TestPlatform) -> Resumption {
    let Suspension { aud, iat, exp, jti } = halt(test);
    Resumption { aud, iat, exp, jti }
}

async fn suspend(test: &TestPlatform, message: String) -> Answer {
    let body = json!({"suspension": message}).to_string();
    test.post("/v1/me/suspend", body).await
}

async fn resume(test: &TestPlatform, message: &str, pin: &str) -> Answer {
    let opener: Opener<role::Message> = test.keys().opener().unwrap();
    let pin = Pin::chosen(pin.into()).unwrap();
    let sealed = SealedResumption::seal(&opener.public_key(), message, &pin).unwrap();
    test.post("/v1/me/resume", json!({"sealed": sealed}).to_string())
        .await
}

async fn me(test: &TestPlatform, person: &Applicant) -> Me {
    test.me(Some(&person.jkt())).await.json()
}

async fn subject(test: &TestPlatform, person: &Applicant) -> SubjectId {
    let subject = test.db.by_device(&person.jkt()).await.unwrap();
    subject.unwrap().subject
}

#[tokio::test]
async fn a_holder_halts_at_once_and_lifts_it_with_the_pin() {
    let alice = Applicant::new(1);
    let test = with(&[&alice]).await;
    let halted = halt(&test).sign(&alice.device).unwrap();
    let answer: LifeAnswer = suspend(&test, halted.clone()).await.json();
    assert_eq!(
        (answer.status, answer.suspended_for),
        (S::Suspended, vec![R::Holder])
    );
    let seen = me(&test, &alice).await;
    assert_eq!((seen.status, seen.suspended_for), (S::Suspended, vec![R::Holder]));
    let again = halt(&test).sign(&alice.device).unwrap();
    assert_eq!(
        suspend(&test, again).await.json::<LifeAnswer>().status,
        S::Suspended
    );

    let wrong = word(&test).sign(&alice.device).unwrap();
    let answer = resume(&test, &wrong, "27182845").await;
    assert_eq!(answer.problem(), ProblemType::EvidenceRefused);
    assert_eq!(me(&test, &alice).await.status, S::Suspended);
    let right = word(&test).sign(&alice.device).unwrap();
    let answer: LifeAnswer = resume(&test, &right, &alice.pin).await.json();
    assert_eq!((answer.status, answer.suspended_for), (S::Active, vec![]));

    // Neither word is good a second time.
    let replayed = suspend(&test, halted).await;
    assert_eq!(replayed.problem(), ProblemType::ReplayedMessage);
    assert_eq!(me(&test, &alice).await.status, S::Active);
    let replayed = resume(&test, &right, &alice.pin).await;
    assert_eq!(replayed.problem(), ProblemType::ReplayedMessage);
    // What the holder does alone is in no ledger.
    assert_eq!(test.db.outstanding(9).await.unwrap(), []);
}

#[tokio::test]
async fn only_the_holders_own_device_halts_or_resumes_here_and_now() {
    type Alter = fn(&mut Suspension);
    let (alice, bob) = (Applicant::new(1), Applicant::new(2));
    let test = with(&[&alice]).await;
    let alterations: [(&str, Alter, ProblemType); 4] = [
        (
            "another platform",
            |it| it.aud = "https://other.example".into(),
            ProblemType::InvalidMessage,
        ),
        (
            "too long",
            |it| it.exp = it.exp.plus(1),
            ProblemType::InvalidMessage,
        ),
        (
            "over",
            |it| {
                it.iat = it.iat.minus(MAX_LIFE + 100);
                it.exp = it.iat.plus(1);
            },
            ProblemType::ExpiredMessage,
        ),
        (
            "of the future",
            |it| {
                it.iat = it.iat.plus(100);
                it.exp = it.iat.plus(1);
            },
            ProblemType::ExpiredMessage,
        ),
    ];
    for (why, alter, problem) in alterations {
        let mut message = halt(&test);
        alter(&mut message);
        let answer = suspend(&test, message.sign(&alice.device).unwrap()).await;
        assert_eq!(answer.problem(), problem, "{why}");
    }
    let strangers = halt(&test).sign(&bob.device).unwrap();
    let other_kind = word(&test).sign(&alice.device).unwrap();
    let (header, _) = other_kind.split_once('.').unwrap();
    let (_, rest) = strangers.split_once('.').unwrap();
    for message in [
        strangers.clone(),
        other_kind.clone(),
        format!("{header}.{rest}"),
        "a.b.c".into(),
    ] {
        let answer = suspend(&test, message).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    }
    let halted = halt(&test).sign(&alice.device).unwrap();
    let answer = resume(&test, &halted, &alice.pin).await;
    assert_eq!(answer.problem(), ProblemType::InvalidMessage);
    assert_eq!(me(&test, &alice).await.status, S::Active);
}

fn act(act: &str, reason: &str, numbers: &[&Enrolled]) -> Value {
    let numbers: Vec<_> = numbers.iter().map(|it| it.network_number.to_string()).collect();
    json!({"act": act, "reason": reason, "reference": "2026-117", "network_numbers": numbers})
}

/// Gives every promised leaf its place, as the ledger does.
fn keep_leaves(test: &TestPlatform) -> tokio::task::JoinHandle<()> {
    let db = Arc::clone(&test.db);
    tokio::spawn(async move {
        let mut index = 0;
        loop {
            for leaf in db.outstanding(9).await.unwrap() {
                db.kept(&leaf.id, index).await.unwrap();
                index += 1;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
}

#[tokio::test]
async fn one_operator_halts_one_person_and_only_two_lift_it() {
    let alice = Applicant::new(1);
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let enrolled: Enrolled = test.enrol(&alice).await.json();
    let ledger = keep_leaves(&test);
    let [one, two] = [(); 2].map(|()| ClientId::random(&SystemRng));
    let answer = test
        .as_operator("/v1/identity-acts", &one, &act("suspend", "misuse", &[&enrolled]))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let view: IdentityActView = answer.json();
    assert_eq!((view.status, view.identifiers), (ActStatus::Done, 1));
    assert_eq!(me(&test, &alice).await.suspended_for, [R::Misuse]);

    // The holder's own halt comes and goes beside it.
    suspend(&test, halt(&test).sign(&alice.device).unwrap()).await;
    let lifted = word(&test).sign(&alice.device).unwrap();
    let answer: LifeAnswer = resume(&test, &lifted, &alice.pin).await.json();
    assert_eq!(
        (answer.status, answer.suspended_for),
        (S::Suspended, vec![R::Misuse])
    );

    let waiting: IdentityActView = test
        .as_operator(
            "/v1/identity-acts",
            &one,
            &act("reinstate", "misuse", &[&enrolled]),
        )
        .await
        .json();
    assert_eq!(waiting.status, ActStatus::Waiting);
    assert_eq!(me(&test, &alice).await.status, S::Suspended);
    let path = format!("/v1/identity-acts/{}/approve", waiting.id);
    let alone = test.as_operator(&path, &one, &json!({})).await;
    assert_eq!(alone.problem(), ProblemType::TwoPersonsRequired);
    assert_eq!(me(&test, &alice).await.status, S::Suspended);
    let done: IdentityActView = test.as_operator(&path, &two, &json!({})).await.json();
    assert_eq!(
        (done.status, done.approved_by),
        (ActStatus::Done, Some(two.clone()))
    );
    let again: IdentityActView = test.as_operator(&path, &two, &json!({})).await.json();
    assert_eq!(again.status, ActStatus::Done);
    assert_eq!(me(&test, &alice).await.status, S::Active);
    ledger.abort();

    // Each is a leaf, that only who has the salt relates to anybody.
    let leaves = test.db.life_leaves(&subject(&test, &alice).await).await.unwrap();
    let read: Vec<Leaf> = leaves
        .iter()
        .map(|leaf| Leaf::from_text(&leaf.leaf.body).unwrap())
        .collect();
    let kinds: Vec<_> = read.iter().map(|leaf| (leaf.kind, leaf.life_reason)).collect();
    let expected = [
        (LeafKind::IdentitySuspended, Some(R::Misuse)),
        (LeafKind::IdentityReinstated, Some(R::Misuse)),
    ];
    assert_eq!(kinds, expected);
    assert_ne!(read[0].subject_commitment, read[1].subject_commitment);
    for (leaf, kept) in read.iter().zip(&leaves) {
        let commitment = subject_commitment(&kept.salt, &alice.jkt());
        assert_eq!(leaf.subject_commitment, Some(commitment));
        assert!(!kept.leaf.body.contains(&enrolled.network_number.compact()));
    }
}

/// One operator does not halt many by halting one after the other.
#[tokio::test]
async fn beyond_a_few_in_a_day_one_operator_halts_nobody_alone() {
    let alice = Applicant::new(1);
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let enrolled: Enrolled = test.enrol(&alice).await.json();
    let ledger = keep_leaves(&test);
    let [one, two] = [(); 2].map(|()| ClientId::random(&SystemRng));
    let halted = async |operator| {
        let body = act("suspend", "misuse", &[&enrolled]);
        let act = test.as_operator("/v1/identity-acts", operator, &body).await;
        act.json::<IdentityActView>().status
    };
    for _ in 0..20 {
        assert_eq!(halted(&one).await, ActStatus::Done);
    }
    assert_eq!(halted(&one).await, ActStatus::Waiting);
    assert_eq!(halted(&two).await, ActStatus::Done, "another one may");
    test.clock.advance(86_401);
    assert_eq!(halted(&one).await, ActStatus::Done, "and tomorrow again");
    ledger.abort();
}

#[tokio::test]
async fn several_people_are_halted_by_two_operators_whatever_crashes_in_between() {
    let people = [Applicant::new(1), Applicant::new(2), Applicant::new(3)];
    let mut test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let mut enrolled: Vec<Enrolled> = Vec::new();
    for person in &people {
        enrolled.push(test.enrol(person).await.json());
    }
    let [one, two] = [(); 2].map(|()| ClientId::random(&SystemRng));
    let both = act("suspend", "operator", &[&enrolled[0], &enrolled[1]]);
    let waiting: IdentityActView = test.as_operator("/v1/identity-acts", &one, &both).await.json();
    assert_eq!(waiting.status, ActStatus::Waiting);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(
        me(&test, &people[0]).await.status,
        S::Active,
        "nobody approved it"
    );
    // Approved, and the process dies before it does anything.
    let store = cyberid_storage::life::IdentityActs::approve_act(&*test.db, &waiting.id, &two).await;
    assert!(store.unwrap());
    test.issuance = test.another_on_disk(Threshold::Fourteen);
    for _ in 0..2 {
        test.issuance.housekeep().await.unwrap();
    }
    for (person, status) in people.iter().zip([S::Suspended, S::Suspended, S::Active]) {
        assert_eq!(me(&test, person).await.status, status);
    }
    assert_eq!(test.db.outstanding(9).await.unwrap().len(), 2, "one leaf each");
}

#[tokio::test]
async fn an_act_of_another_form_is_refused_whole() {
    let alice = Applicant::new(1);
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let enrolled: Enrolled = test.enrol(&alice).await.json();
    let stranger = Enrolled {
        network_number: cyberid_domain::number::NetworkNumber::random(&SystemRng),
        ..enrolled.clone()
    };
    let operator = ClientId::random(&SystemRng);
    let malformed = ProblemType::MalformedRequest;
    let mut long = act("suspend", "operator", &[&enrolled]);
    long["reference"] = "x".repeat(201).into();
    let mut control = act("suspend", "operator", &[&enrolled]);
    control["reference"] = "a\nb".into();
    for (body, problem) in [
        (act("suspend", "holder", &[&enrolled]), malformed),
        (act("suspend", "death", &[&enrolled]), malformed),
        (act("suspend", "document", &[&enrolled]), malformed),
        (act("suspend", "operator", &[]), malformed),
        (act("suspend", "operator", &[&enrolled, &enrolled]), malformed),
        (act("end", "operator", &[&enrolled]), malformed),
        (long, malformed),
        (control, malformed),
        (
            act("suspend", "operator", &[&enrolled, &stranger]),
            ProblemType::NotFound,
        ),
    ] {
        let answer = test.as_operator("/v1/identity-acts", &operator, &body).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
    let body = act("suspend", "operator", &[&enrolled]);
    let holder = test
        .as_holder("POST", "/v1/identity-acts", &alice.jkt(), Some(body))
        .await;
    assert_eq!(holder.problem(), ProblemType::Forbidden);
    assert_eq!(me(&test, &alice).await.status, S::Active);
}

fn certificate(test: &TestPlatform, compact: &str) -> Certificate {
    message::open(compact, &test.certificate_key()).unwrap()
}

async fn renew(test: &TestPlatform, person: &Applicant, body: Value) -> Answer {
    test.as_holder("POST", "/v1/me/renewal", &person.jkt(), Some(body))
        .await
}

fn proof(person: &Applicant) -> Value {
    let body = person.body("");
    json!({"proof": {"document": body["document"], "evidence": body["evidence"]}})
}

#[tokio::test]
async fn a_certificate_is_renewed_until_the_documents_end_at_most() {
    let mut alice = Applicant::new(1);
    // 300 days after the start.
    alice.valid_until = "2027-09-18".into();
    let test = with(&[&alice]).await;
    let first = me(&test, &alice).await.credential_expires_at;
    test.clock.advance(100 * 86_400);
    let renewed: Renewed = renew(&test, &alice, json!({})).await.json();
    assert_eq!(renewed.credential_expires_at, first.plus(100 * 86_400));
    let certified = certificate(&test, &renewed.credential);
    assert_eq!(certified.exp, renewed.credential_expires_at);
    assert_eq!(certified.cnf.jkt, alice.jkt());
    assert_eq!(certified.iat, test.clock.now().day_start());
    test.clock.advance(100 * 86_400);
    let last: Renewed = renew(&test, &alice, json!({})).await.json();
    let subject = test.db.by_device(&alice.jkt()).await.unwrap().unwrap();
    assert_eq!(last.credential_expires_at, subject.document_expires_at);
    assert!(last.credential_expires_at < renewed.credential_expires_at.plus(100 * 86_400));
}

#[tokio::test]
async fn what_has_ended_expires_and_comes_back_with_the_document_and_its_person() {
    let (alice, bob) = (Applicant::new(1), Applicant::new(2));
    let test = with(&[&alice, &bob]).await;
    let end = me(&test, &alice).await.credential_expires_at;
    test.clock.advance(end.since(test.clock.now()) - 1);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(me(&test, &alice).await.status, S::Active);
    renew(&test, &bob, json!({})).await.json::<Renewed>();
    test.clock.advance(1);
    // Before the clock's work has said so, and after it.
    assert_eq!(
        renew(&test, &alice, json!({})).await.problem(),
        ProblemType::EvidenceRefused
    );
    test.issuance.housekeep().await.unwrap();
    assert_eq!(me(&test, &alice).await.status, S::Expired);
    assert_eq!(me(&test, &bob).await.status, S::Active);
    assert_eq!(
        renew(&test, &alice, json!({})).await.problem(),
        ProblemType::EvidenceRefused
    );
    // Somebody else's document, wrong evidence, and another document of the same number.
    let mut wrong = Applicant::new(1);
    wrong.evidence = "false".into();
    let mut other_end = Applicant::new(1);
    other_end.valid_until = "2035-05-01".into();
    for refused in [&bob, &wrong, &other_end] {
        let answer = renew(&test, &alice, proof(refused)).await;
        assert_eq!(answer.problem(), ProblemType::EvidenceRefused);
    }
    assert_eq!(me(&test, &alice).await.status, S::Expired);
    let renewed: Renewed = renew(&test, &alice, proof(&alice)).await.json();
    assert_eq!(renewed.status, S::Active);
    assert_eq!(me(&test, &alice).await.status, S::Active);
}

#[tokio::test]
async fn two_processes_expire_each_identifier_and_none_too_early() {
    let people: Vec<Applicant> = (1..=8).map(Applicant::new).collect();
    let refs: Vec<&Applicant> = people.iter().collect();
    let test = with(&refs).await;
    let other = test.another_on_disk(Threshold::Fourteen);
    test.clock.advance(200 * 86_400);
    let (one, two) = tokio::join!(test.issuance.housekeep(), other.housekeep());
    one.and(two).unwrap();
    for person in &people {
        assert_eq!(me(&test, person).await.status, S::Expired);
    }
}

#[tokio::test]
async fn what_is_halted_or_ended_is_not_renewed() {
    let alice = Applicant::new(1);
    let test = with(&[&alice]).await;
    suspend(&test, halt(&test).sign(&alice.device).unwrap()).await;
    for body in [json!({}), proof(&alice)] {
        let answer = renew(&test, &alice, body).await;
        assert_eq!(answer.problem(), ProblemType::IdentifierInactive);
    }
    // A halt outlasts the end, and what is lifted then has expired.
    test.clock.advance(200 * 86_400);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(me(&test, &alice).await.status, S::Suspended);
    let lifted = word(&test).sign(&alice.device).unwrap();
    let answer: LifeAnswer = resume(&test, &lifted, &alice.pin).await.json();
    assert_eq!(answer.status, S::Expired);
    let subject = subject(&test, &alice).await;
    test.db.set_status(&subject, S::Cancelled).await.unwrap();
    for body in [json!({}), proof(&alice)] {
        let answer = renew(&test, &alice, body).await;
        assert_eq!(answer.problem(), ProblemType::IdentifierInactive);
    }
    let halted = halt(&test).sign(&alice.device).unwrap();
    assert_eq!(
        suspend(&test, halted).await.problem(),
        ProblemType::IdentifierInactive
    );
    let _: UnixTime = test.clock.now();
    let _ = alice.device.public_key();
}

/// A custodian that is away for days keeps nobody valid, and nobody young.
#[tokio::test]
async fn a_key_holder_that_is_away_holds_up_no_other_work_of_the_clock() {
    let alice = Applicant::new(1);
    let test = with(&[&alice]).await;
    let gone = cyberid_storage::device::BeginningDevice {
        subject: subject(&test, &alice).await,
        jkt: Applicant::new(2).jkt(),
        key: *Applicant::new(2).device.public_key().as_sec1(),
        now: test.clock.now(),
        undo_at: test.clock.now().plus(1),
        replaces_all: false,
    };
    cyberid_storage::device::Devices::begin_device(&*test.db, &gone)
        .await
        .unwrap();
    test.custodian
        .fail("/v1/unbindings", super::holder_peer::Fault::Refused, usize::MAX);
    let last_day = test.db.last_age_day().await.unwrap();
    test.clock.advance(200 * 86_400);
    test.issuance.housekeep().await.unwrap();
    assert!(test.custodian.faults_left() < usize::MAX, "it was asked");
    assert_eq!(me(&test, &alice).await.status, S::Expired);
    assert!(test.db.last_age_day().await.unwrap() > last_day);
}

/// Whoever hangs up while the source is asked has not seen it fail, and what they asked for is done.
#[tokio::test]
async fn a_renewal_is_done_though_its_caller_hangs_up() {
    let alice = Applicant::new(1);
    let test = with(&[&alice]).await;
    test.clock.advance(200 * 86_400);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(me(&test, &alice).await.status, S::Expired);
    test.source.misbehave(super::source_peer::Fault::Late);
    let asked = test.source.asked();
    tokio::select! {
        answer = renew(&test, &alice, proof(&alice)) => panic!("{answer:?}"),
        () = until(async || test.source.asked() > asked) => {}
    }
    until(async || me(&test, &alice).await.status == S::Active).await;
}

async fn until(holds: impl AsyncFn() -> bool) {
    let patience = std::time::Duration::from_secs(30);
    let wait = async {
        while !holds().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(patience, wait).await.unwrap();
}

/// A record does not become another person's by that person's document and evidence.
#[tokio::test]
async fn a_holder_proves_no_document_of_somebody_else() {
    let (alice, bob) = (Applicant::new(1), Applicant::new(2));
    let test = with(&[&alice]).await;
    let prove = async |of: &Applicant| {
        let body = Some(proof(of)["proof"].clone());
        test.as_holder("POST", "/v1/me/document", &alice.jkt(), body)
            .await
    };
    assert_eq!(prove(&bob).await.problem(), ProblemType::EvidenceRefused);
    assert_eq!(prove(&alice).await.status, StatusCode::OK);
}

/// What takes a document's number and evidence is metered, also from a holder.
#[tokio::test]
async fn a_holder_who_proves_what_is_not_theirs_is_metered() {
    for path in ["/v1/me/renewal", "/v1/me/document"] {
        let alice = Applicant::new(1);
        let mut test = with(&[&alice]).await;
        test.allow_refusals(3);
        let mut wrong = Applicant::new(2);
        wrong.evidence = "false".into();
        let body = match path {
            "/v1/me/renewal" => proof(&wrong),
            _ => proof(&wrong)["proof"].clone(),
        };
        for tried in 0..4 {
            let answer = test
                .as_holder("POST", path, &alice.jkt(), Some(body.clone()))
                .await;
            let expected = match tried {
                3 => ProblemType::RateLimited,
                _ => ProblemType::EvidenceRefused,
            };
            assert_eq!(answer.problem(), expected, "{path} {tried}");
        }
    }
}

/// Changes of numbers and cases wait for key holders, and operators who halt somebody for neither.
#[tokio::test]
async fn operators_wait_for_no_key_holder() {
    let alice = Applicant::new(1);
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let enrolled: Enrolled = test.enrol(&alice).await.json();
    let ledger = keep_leaves(&test);
    let _waiting = (
        test.issuance.numbering.lock().await,
        test.issuance.deciding.lock().await,
    );
    let body = act("suspend", "misuse", &[&enrolled]);
    let operator = ClientId::random(&SystemRng);
    let act = test.as_operator("/v1/identity-acts", &operator, &body);
    let act = tokio::time::timeout(std::time::Duration::from_secs(30), act).await;
    let view: IdentityActView = act.unwrap().json();
    assert_eq!(view.status, ActStatus::Done);
    ledger.abort();
}
