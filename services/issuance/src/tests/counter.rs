//! A counter that assists people without a device: sheets of codes, each a device key that acts once.

use cyberid_domain::age::Threshold;
use cyberid_domain::clock::Clock as _;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::counter::{CounterEnrolled, CounterRecovered, MOST_CODES};
use cyberid_protocol::enrolment::Me;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::counter::{Keyed, NewCodes};
use cyberid_storage::held::Held as _;
use cyberid_storage::subject::Subjects as _;
use http::StatusCode;
use serde_json::json;

use super::applicant::Applicant;
use super::holder_peer::Fault;
use super::platform::{Answer, START, TestPlatform};

const COOLING_OFF: u64 = 72 * 3_600;

/// So many codes of the same person.
fn sheet(which: u16, codes: usize) -> Vec<Applicant> {
    (0..codes).map(|_| Applicant::new(which)).collect()
}

impl TestPlatform {
    async fn proofs(&self, sheet: &[Applicant]) -> Vec<String> {
        let mut proofs = Vec::new();
        for code in sheet {
            proofs.push(code.proof(&self.nonce().await, self.clock.now()));
        }
        proofs
    }

    async fn enrol_with(&self, station: &ClientId, sheet: &[Applicant]) -> Answer {
        let proofs = self.proofs(sheet).await;
        let body = json!({"enrolment": sheet[0].body(&proofs[0]), "sheet": proofs[1..]});
        self.as_operator("/v1/counter/enrolments", station, &body).await
    }

    async fn recover_with(&self, station: &ClientId, sheet: &[Applicant], revoke_others: bool) -> Answer {
        let proofs = self.proofs(sheet).await;
        let mut recovery = sheet[0].body(&proofs[0]);
        recovery.as_object_mut().unwrap().remove("locale");
        recovery["revoke_others"] = revoke_others.into();
        let body = json!({"recovery": recovery, "sheet": proofs[1..]});
        self.as_operator("/v1/counter/recoveries", station, &body).await
    }

    async fn usable(&self, code: &Applicant) -> bool {
        let keyed = self.db.by_key(&code.jkt()).await.unwrap();
        keyed.and_then(Keyed::usable).is_some()
    }
}

async fn start() -> (TestPlatform, ClientId, Vec<Applicant>) {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let (station, codes) = (ClientId::random(&SystemRng), sheet(1, 3));
    let answer = test.enrol_with(&station, &codes).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    (test, station, codes)
}

#[tokio::test]
async fn a_sheet_is_bound_and_all_but_its_first_code_cool_off() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let (station, codes) = (ClientId::random(&SystemRng), sheet(1, 3));
    let answer: CounterEnrolled = test.enrol_with(&station, &codes).await.json();
    let jkts: Vec<_> = codes.iter().map(Applicant::jkt).collect();
    assert_eq!(answer.bound, jkts);
    assert_eq!(answer.release_from, Some(START.plus(COOLING_OFF)));
    for peer in [&test.vault, &test.custodian] {
        let bound = peer.bindings();
        assert_eq!((peer.records().len(), bound.len()), (1, 2));
        assert!(bound.iter().all(|it| it.release_from == START.plus(COOLING_OFF)));
    }
    for code in &codes {
        assert!(test.usable(code).await);
        assert!(test.db.holder(&code.jkt()).await.unwrap().unwrap().single_use);
        assert!(test.db.by_device(&code.jkt()).await.unwrap().is_none());
    }
    let me: Me = test.me(Some(&jkts[0])).await.json();
    assert_eq!(me.devices.len(), 3);
}

/// What a device does for good, a code does not.
#[tokio::test]
async fn a_code_changes_nothing_of_an_identifier() {
    let (test, _, codes) = start().await;
    test.clock.advance(COOLING_OFF);
    let jkt = codes[0].jkt();
    let other = codes[1].jkt();
    let calls = [
        ("GET", "/v1/me/devices".to_owned(), None),
        ("GET", "/v1/me/alerts".into(), None),
        ("GET", "/v1/me/passkeys".into(), None),
        ("DELETE", format!("/v1/me/devices/{other}"), None),
        ("POST", "/v1/me/network-number".into(), None),
    ];
    for (method, path, body) in calls {
        let answer = test.as_holder(method, &path, &jkt, body).await;
        assert_eq!(answer.problem(), ProblemType::NotFound, "{method} {path}");
    }
    assert!(test.usable(&codes[0]).await && test.usable(&codes[1]).await);
}

#[tokio::test]
async fn a_fresh_sheet_voids_the_one_before_used_or_not() {
    let (test, station, codes) = start().await;
    assert!(test.db.use_code(&codes[0].jkt(), test.clock.now()).await.unwrap());
    assert!(!test.usable(&codes[0]).await);
    assert_eq!(
        test.me(Some(&codes[0].jkt())).await.problem(),
        ProblemType::NotFound
    );
    let fresh = sheet(1, 2);
    let answer: CounterRecovered = test.recover_with(&station, &fresh, true).await.json();
    assert_eq!(answer.bound.len(), 2);
    for code in &codes {
        assert!(!test.usable(code).await);
        assert!(!test.db.use_code(&code.jkt(), test.clock.now()).await.unwrap());
        assert!(test.vault.unbound().contains(&code.jkt()));
    }
    for code in &fresh {
        assert!(test.usable(code).await);
    }
    // Another beside it, where nothing was lost.
    let beside = sheet(1, 1);
    let answer = test.recover_with(&station, &beside, false).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(test.usable(&fresh[1]).await && test.usable(&beside[0]).await);
}

#[tokio::test]
async fn only_an_operators_station_assists() {
    let (test, _, codes) = start().await;
    for path in ["/v1/counter/enrolments", "/v1/counter/recoveries"] {
        let nobody = test.post(path, "{}").await;
        assert_eq!(nobody.problem(), ProblemType::Unauthenticated);
        let holder = test
            .as_holder("POST", path, &codes[0].jkt(), Some(json!({})))
            .await;
        assert_eq!(holder.problem(), ProblemType::Forbidden);
    }
}

#[tokio::test]
async fn who_is_refused_gets_no_sheet_and_leaves_nothing() {
    let (test, station, codes) = start().await;
    let again = sheet(1, 2);
    let mut liar = sheet(2, 2);
    liar[0].evidence = "false".into();
    let refused = [
        test.enrol_with(&station, &again).await,
        test.enrol_with(&station, &liar).await,
        test.recover_with(&station, &sheet(7, 2), true).await,
    ];
    for answer in &refused {
        assert_eq!(answer.problem(), ProblemType::EnrolmentRefused);
        assert_eq!(answer.body, refused[0].body);
    }
    let too_many = test.enrol_with(&station, &sheet(3, MOST_CODES + 1)).await;
    assert_eq!(too_many.problem(), ProblemType::InvalidMessage);
    test.settle_down().await;
    for code in again.iter().chain(&liar) {
        assert!(test.db.by_key(&code.jkt()).await.unwrap().is_none());
    }
    assert!(test.usable(&codes[0]).await);
    // The keys of who was not enrolled are kept no longer: they may be kept once more.
    let subject = test
        .db
        .by_key(&codes[0].jkt())
        .await
        .unwrap()
        .unwrap()
        .subject
        .subject;
    let codes = NewCodes {
        subject,
        jkts: again.iter().map(Applicant::jkt).collect(),
        station,
        now: test.clock.now(),
    };
    assert!(test.db.keep_codes(&codes).await.unwrap());
}

#[tokio::test]
async fn a_code_that_a_key_holder_did_not_take_is_not_on_the_sheet() {
    let test = TestPlatform::start_on_disk(Threshold::Fourteen).await;
    let (station, codes) = (ClientId::random(&SystemRng), sheet(1, 3));
    test.vault.fail("/v1/bindings", Fault::LostDone, 1);
    let answer: CounterEnrolled = test.enrol_with(&station, &codes).await.json();
    assert_eq!(answer.bound, [codes[0].jkt(), codes[2].jkt()]);
    assert!(!test.usable(&codes[1]).await);
    test.clock.advance(600);
    test.issuance.housekeep().await.unwrap();
    assert_eq!(test.vault.unbound(), [codes[1].jkt()]);
}

#[tokio::test]
async fn what_is_held_says_which_station_assisted() {
    let (test, station, codes) = start().await;
    let subject = test
        .db
        .by_key(&codes[0].jkt())
        .await
        .unwrap()
        .unwrap()
        .subject
        .subject;
    let held = test.db.held_of(&subject, test.clock.now()).await.unwrap();
    let kept = held.iter().find(|table| table.name == "counter_code").unwrap();
    assert_eq!(kept.rows.len(), 3);
    assert!(kept.rows.iter().all(|row| row.contains(station.as_str())));
}
