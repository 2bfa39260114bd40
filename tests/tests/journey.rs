//! One person and two providers, from the enrolment to the erasure, over real sockets and across restarts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_client::ClientError;
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::field::Field;
use cyberid_domain::pin::Pin;
use cyberid_domain::release::ReleaseStatus;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{Holder, HolderError, ReviewedRequest, ReviewedVerification, check_receipt};
use cyberid_protocol::audit::{AuditEntries, AuditSummary};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::Registered;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{
    Ask, Particulars, PendingVerification, RelyingParty, RelyingPartyError, VerifiedAttestation,
    VerifiedOutcome, registration,
};
use journeys::{Citizen, Granted, PIN, Person, Suite, TestPlatform, verified_sub};
use serde_json::{Value, json};

journeys::in_each_suite!(
    a_person_enrols_and_is_known_by_pseudonym_alone,
    a_direct_verification_takes_one_call,
    plaintext_goes_out_once_is_withdrawn_and_erased_and_all_of_it_is_in_the_ledger,
    a_consent_withdrawn_before_it_is_redeemed_opens_nothing,
    two_relying_parties_know_one_person_by_two_names,
);

/// The life of a release that is withdrawn and erased.
const LIFE: [LeafKind; 5] = [
    LeafKind::ConsentGranted,
    LeafKind::ReleaseIntended,
    LeafKind::ReleaseDelivered,
    LeafKind::ConsentWithdrawn,
    LeafKind::ErasureConfirmed,
];

fn ask(checks: &[Check]) -> Ask {
    Ask {
        purpose: "register".into(),
        checks: checks.to_vec(),
        ..Ask::default()
    }
}

async fn fetched(citizen: &Citizen, pending: &PendingVerification) -> ReviewedVerification {
    let uri = &pending.request_uri;
    match citizen.holder.fetch_request(uri, Locale::English).await.unwrap() {
        ReviewedRequest::Verification(reviewed) => reviewed,
        ReviewedRequest::Release(_) => panic!("another kind of request"),
    }
}

/// Asks, has the citizen answer, and checks the attestation.
async fn verified(party: &RelyingParty, citizen: &Citizen, ask: &Ask) -> VerifiedAttestation {
    let pending = party.request_verification(ask).await.unwrap();
    let reviewed = fetched(citizen, &pending).await;
    let pin = Pin::chosen(PIN.into()).unwrap();
    citizen
        .holder
        .answer_verification(&reviewed, Some(&pin))
        .await
        .unwrap();
    match party.wait(&pending).await.unwrap() {
        VerifiedOutcome::Attested(attested) => attested,
        other => panic!("not attested: {other:?}"),
    }
}

/// The first person in the register who is at least `from` and not yet `to` years old, with a valid document.
async fn aged(platform: &TestPlatform, from: i32, to: i32) -> Person {
    let today = SystemClock.now().date();
    for index in 0..300 {
        let person = platform.person(index).await;
        let born: i32 = person.birth_date.split('-').next().unwrap().parse().unwrap();
        let age = today.year() - born;
        if (from + 1..to).contains(&age) && person.document.valid_until > today.to_string() {
            return person;
        }
    }
    panic!("nobody is between {from} and {to}")
}

async fn summary(platform: &TestPlatform) -> AuditSummary {
    platform.regulator().get("/v1/audit/summary").await.unwrap()
}

/// The audit's summary, once the ledger has a leaf of each of these kinds: witnesses see it first.
async fn summary_with(platform: &TestPlatform, kinds: &[LeafKind]) -> AuditSummary {
    for _ in 0..100 {
        let summary = summary(platform).await;
        if kinds.iter().all(|kind| summary.kinds.contains_key(kind.as_str())) {
            return summary;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ledger never had all of {kinds:?}")
}

fn refusal<T>(answer: Result<T, RelyingPartyError>) -> Option<ProblemType> {
    match answer {
        Err(RelyingPartyError::Client(error)) => error.problem(),
        _ => None,
    }
}

async fn a_person_enrols_and_is_known_by_pseudonym_alone(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let me = citizen.holder.me().await.unwrap();
    assert_eq!(me.network_number, citizen.enrolled.network_number);
    assert_eq!(me.devices.len(), 1);
    assert_eq!(
        me.devices.first().unwrap().thumbprint,
        citizen.key.public_key().thumbprint()
    );
    assert_eq!(me.age_over, [14, 16, 18, 21]);

    let everything = [Check::RealPerson, Check::DocumentValid, Check::AgeOver18];
    let with_pin = Ask {
        factors: vec![Factor::Pin],
        ..ask(&everything)
    };
    let attested = verified(&party, &citizen, &with_pin).await;
    let sub = attested.passed().unwrap().to_owned();
    assert!(
        attested
            .checks()
            .values()
            .all(|outcome| *outcome == Outcome::Pass)
    );
    assert_eq!(attested.acr(), "device+pin");
    for personal in [&citizen.person.document.name, &citizen.person.document.number] {
        assert!(!attested.compact().contains(personal.as_str()));
    }
    assert_eq!(
        verified_sub(&party, &citizen).await,
        sub,
        "the same person, the same account"
    );

    let again = Ask {
        sub: Some(sub.clone()),
        ..ask(&[Check::RealPerson, Check::SamePerson])
    };
    assert_eq!(
        verified(&party, &citizen, &again).await.passed(),
        Some(sub.as_str())
    );
    let somebody_else = platform.citizen(1).await;
    let theirs = verified(&party, &somebody_else, &again).await;
    assert_eq!(theirs.passed(), None);
    assert_eq!(theirs.checks().get(&Check::SamePerson), Some(&Outcome::Fail));
    assert_eq!(theirs.checks().get(&Check::RealPerson), Some(&Outcome::Pass));
}

#[tokio::test]
async fn a_verification_fails_is_declined_or_expires() {
    let platform = TestPlatform::start_with("[issuance]\nguardian_until = 14\n").await;
    let party = platform.relying_party().await;
    let minor = Citizen::enrol(platform.client.clone(), aged(&platform, 14, 18).await).await;
    let soon = Ask {
        expires_in: Some(30),
        ..ask(&[Check::RealPerson])
    };
    let unanswered = party.request_verification(&soon).await.unwrap();

    let failed = verified(&party, &minor, &ask(&[Check::RealPerson, Check::AgeOver18])).await;
    assert_eq!(failed.passed(), None, "a fail has no pseudonym");
    assert_eq!(failed.checks().get(&Check::AgeOver18), Some(&Outcome::Fail));
    assert_eq!(failed.checks().get(&Check::RealPerson), Some(&Outcome::Pass));

    let declined = party
        .request_verification(&ask(&[Check::RealPerson]))
        .await
        .unwrap();
    let request = ReviewedRequest::Verification(fetched(&minor, &declined).await);
    minor.holder.decline(&request).await.unwrap();
    assert_eq!(party.wait(&declined).await.unwrap(), VerifiedOutcome::Declined);

    let late = fetched(&minor, &unanswered).await;
    assert_eq!(party.wait(&unanswered).await.unwrap(), VerifiedOutcome::Expired);
    match minor.holder.answer_verification(&late, None).await {
        Err(HolderError::Client(error)) => assert_eq!(error.problem(), Some(ProblemType::RequestClosed)),
        other => panic!("an answer after its end: {other:?}"),
    }
}

async fn a_direct_verification_takes_one_call(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let (compact, expected) = party.direct_request(&ask(&[Check::AgeOver18])).await.unwrap();
    let reviewed = citizen.holder.review_direct(&compact).await.unwrap();
    assert_eq!(reviewed.party().client_id, *party.client_id());
    let sealed = citizen.holder.direct_proof(&reviewed, None).await.unwrap();
    let attested = party
        .submit_direct(sealed.clone(), expected.clone())
        .await
        .unwrap();
    assert_eq!(
        attested.passed(),
        Some(verified_sub(&party, &citizen).await.as_str())
    );
    let again = party.submit_direct(sealed, expected).await;
    assert_eq!(refusal(again), Some(ProblemType::ReplayedMessage));
}

async fn plaintext_goes_out_once_is_withdrawn_and_erased_and_all_of_it_is_in_the_ledger(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    let consent = granted.consented.consent_id.clone();
    assert_eq!(granted.consented.receipt.leaf().kind, LeafKind::ConsentGranted);

    let released = party.redeem(&granted.pending).await.unwrap();
    let name = released.field(Field::Name).unwrap().expose();
    assert_eq!(name, citizen.person.document.name);
    assert_eq!(
        released.fields().len(),
        1,
        "the birth date was asked and not granted"
    );
    assert!(released.index() > granted.consented.receipt.index());
    let again = party.redeem(&granted.pending).await.unwrap();
    assert_eq!(
        again.index(),
        released.index(),
        "the same answer under the same key"
    );

    let withdrawn = citizen.holder.withdraw(&consent).await.unwrap();
    assert_eq!(withdrawn.leaf().kind, LeafKind::ConsentWithdrawn);
    let events = party.events(0).await.unwrap();
    assert_eq!(events.withdrawn.len(), 1);
    assert_eq!(events.withdrawn.first().unwrap().consent, consent);
    assert_eq!(events.withdrawn.first().unwrap().release, granted.pending.id);
    party
        .confirm_erasure(&granted.pending.id, SystemClock.now())
        .await
        .unwrap();

    // The receipt of the last event proves them all, with nothing but the pinned keys.
    let last = LIFE.last().copied().unwrap();
    let receipt = citizen.holder.receipt_of(&consent, last).await.unwrap();
    let anchors = citizen.holder.platform().anchors();
    let kept = check_receipt(receipt.receipt().clone(), anchors, &citizen.holder.public_key()).unwrap();
    assert_eq!(kept.leaf().kind, last);
    let life: Vec<LeafKind> = kept.receipt().record.life().map(|(kind, _)| kind).collect();
    assert_eq!(life, LIFE);
    let first = citizen.holder.receipt(&consent).await.unwrap();
    assert_eq!(first.leaf().kind, LeafKind::ConsentGranted);
    let mut bent = receipt.receipt().clone();
    bent.record.pii_processing.purposes.clear();
    assert!(check_receipt(bent, anchors, &citizen.holder.public_key()).is_err());

    is_in_the_ledger(&platform, &party, &granted).await;
}

async fn is_in_the_ledger(platform: &TestPlatform, party: &RelyingParty, granted: &Granted) {
    let summary = summary_with(platform, &LIFE).await;
    let of_party = summary.relying_parties.iter();
    let of_party = of_party.filter(|counted| counted.client_id == *party.client_id());
    let of_party = of_party.last().unwrap();
    assert!(
        LIFE.iter()
            .all(|kind| of_party.kinds.get(kind.as_str()) == Some(&1)),
        "{of_party:?}"
    );
    assert_eq!((of_party.over_asking, of_party.overdue_erasures), (0, 0));
    let path = format!("/v1/audit/entries?rp={}&limit=100", party.client_id());
    let entries: AuditEntries = platform.regulator().get(&path).await.unwrap();
    let leaves = entries
        .entries
        .iter()
        .map(|entry| Leaf::from_text(&entry.leaf).unwrap());
    let of_release: Vec<Leaf> = leaves
        .filter(|leaf| leaf.request.as_ref() == Some(&granted.pending.id))
        .collect();
    let kinds: Vec<LeafKind> = of_release.iter().map(|leaf| leaf.kind).collect();
    assert_eq!(kinds, LIFE, "in this order");
    assert!(
        of_release.iter().skip(1).all(|leaf| leaf.previous.is_some()),
        "each names the one before"
    );
}

async fn a_consent_withdrawn_before_it_is_redeemed_opens_nothing(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    citizen
        .holder
        .withdraw(&granted.consented.consent_id)
        .await
        .unwrap();
    let refused = party.redeem(&granted.pending).await;
    assert_eq!(refusal(refused), Some(ProblemType::ReleaseNotGranted));
    let status = party.release_status(&granted.pending.id).await.unwrap().status;
    assert_eq!(status, ReleaseStatus::Withdrawn);
    match citizen.holder.withdraw(&granted.consented.consent_id).await {
        Err(HolderError::Client(error)) => assert_eq!(error.problem(), Some(ProblemType::AlreadyWithdrawn)),
        other => panic!("withdrawn twice: {other:?}"),
    }
    let summary = summary_with(&platform, &[LeafKind::ConsentWithdrawn]).await;
    assert_eq!(summary.kinds.get(LeafKind::ReleaseIntended.as_str()), None);
}

#[tokio::test]
async fn a_platform_that_was_killed_goes_on_where_it_was() {
    let mut platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &citizen).await;
    let pending = party
        .request_verification(&ask(&[Check::RealPerson]))
        .await
        .unwrap();
    let granted = Granted::to(&sub, &citizen, &party, &[Field::BirthDate]).await;
    let before = summary_with(&platform, &[LeafKind::ConsentGranted]).await;

    platform = platform.killed_and_restarted().await;
    assert!(
        summary(&platform).await.size >= before.size,
        "the ledger has forgotten nothing"
    );
    assert_eq!(
        citizen.holder.me().await.unwrap().network_number,
        citizen.enrolled.network_number
    );
    let reviewed = fetched(&citizen, &pending).await;
    citizen.holder.answer_verification(&reviewed, None).await.unwrap();
    match party.wait(&pending).await.unwrap() {
        VerifiedOutcome::Attested(attested) => assert_eq!(attested.passed(), Some(sub.as_str())),
        other => panic!("not attested: {other:?}"),
    }
    let released = party.redeem(&granted.pending).await.unwrap();
    assert_eq!(
        released.field(Field::BirthDate).unwrap().expose(),
        citizen.person.birth_date
    );

    // What was redeemed is redeemed, however often the power fails.
    platform = platform.killed_and_restarted().await;
    assert_eq!(
        party.redeem(&granted.pending).await.unwrap().index(),
        released.index()
    );
    let receipt = citizen
        .holder
        .receipt(&granted.consented.consent_id)
        .await
        .unwrap();
    assert_eq!(receipt.index(), granted.consented.receipt.index());
    let folder = platform.stopped().await;
    assert!(folder.path().join("registry.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_enrols_once_however_many_try() {
    let platform = TestPlatform::start().await;
    let person = platform.adult(0).await;
    let attempts: Vec<_> = (0..50)
        .map(|_| {
            let (client, person) = (platform.client.clone(), person.clone());
            let key = platform.device_key();
            tokio::spawn(async move {
                let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
                let holder = Holder::contact(client, key.signer(), clock, rng).await.unwrap();
                holder.enrol(&person.enrolment()).await
            })
        })
        .collect();
    let mut numbers = BTreeSet::new();
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(enrolled) => assert!(numbers.insert(enrolled.network_number.to_string())),
            Err(HolderError::Client(error)) => {
                assert_eq!(error.problem(), Some(ProblemType::EnrolmentRefused), "{error:?}");
            }
            Err(other) => panic!("neither enrolled nor refused: {other:?}"),
        }
    }
    assert_eq!(numbers.len(), 1, "exactly one of fifty");
}

/// A second relying party: one operator takes its application, another approves it.
async fn second_party(platform: &TestPlatform) -> RelyingParty {
    let keys = platform.rp_keys();
    let uses = json!([{"purpose": "register", "checks": ["real_person", "age_over_18"], "fields": [],
        "legal_basis": "Cybersecurity Law, article 24", "retention_days": 30,
        "notice_uri": "https://forum.example/privacy"}]);
    let particulars = Particulars {
        name: "Example Forum".into(),
        domains: vec!["forum.example".into()],
        contact: "identity@forum.example".into(),
        deletion_contact: "erasure@forum.example".into(),
        intended_uses: serde_json::from_value(uses).unwrap(),
        events_uri: None,
    };
    let (one, another) = (platform.operator(0), platform.operator(1));
    let body = registration(particulars, &keys);
    let applied: Registered = one.post("/v1/relying-parties", &body).await.unwrap();
    let approve = format!("/v1/relying-parties/{}/approve", applied.client_id);
    let alone: Result<Registered, ClientError> = one.post_empty(&approve, &[]).await;
    assert_eq!(
        alone.unwrap_err().problem(),
        Some(ProblemType::TwoPersonsRequired)
    );
    let approved: Registered = another.post_empty(&approve, &[]).await.unwrap();
    assert_eq!(approved.registration_certificates.len(), 1);
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let client = platform.client.clone();
    let party = RelyingParty::contact(client, applied.client_id, &keys, clock, rng)
        .await
        .unwrap();
    party.with_certificates(approved.registration_certificates)
}

async fn two_relying_parties_know_one_person_by_two_names(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let citizen = platform.citizen(0).await;
    let (one, another) = (platform.relying_party().await, second_party(&platform).await);
    let (here, there) = (
        verified_sub(&one, &citizen).await,
        verified_sub(&another, &citizen).await,
    );
    assert_ne!(here, there);
    assert_eq!(verified_sub(&another, &citizen).await, there);
    // What it is not registered for, it cannot ask.
    let refused = another.request_release(&there, "register", &[Field::Name]).await;
    assert_eq!(refusal(refused), Some(ProblemType::OverAsking));
    // Another's pseudonym is nobody's here.
    let refused = one.request_release(&there, "deliver", &[Field::Name]).await;
    match refused {
        Ok(pending) => {
            let seen = citizen
                .holder
                .fetch_request(&pending.request_uri, Locale::English)
                .await
                .unwrap();
            let ReviewedRequest::Release(seen) = seen else {
                panic!("another kind of request")
            };
            let granted = citizen.holder.grant_release(&seen, &[Field::Name]).await;
            assert!(granted.is_err(), "a release to somebody who is not {there} here");
        }
        Err(error) => assert_eq!(refusal::<()>(Err(error)), Some(ProblemType::InvalidSub)),
    }
}

#[tokio::test]
async fn a_suspended_relying_party_is_refused_within_a_second() {
    let platform = TestPlatform::start().await;
    let citizen = platform.citizen(0).await;
    let party = second_party(&platform).await;
    verified_sub(&party, &citizen).await;
    let path = format!("/v1/relying-parties/{}/suspend", party.client_id());
    let suspended: Value = platform.operator(0).post_empty(&path, &[]).await.unwrap();
    assert_eq!(suspended.get("status").unwrap(), "suspended");
    let told = Instant::now();
    loop {
        let asked = party.request_verification(&ask(&[Check::RealPerson])).await;
        if refusal(asked) == Some(ProblemType::RelyingPartyInactive) {
            break;
        }
        assert!(
            told.elapsed() < Duration::from_secs(1),
            "still served after {:?}",
            told.elapsed()
        );
    }
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&[
        "nist::a_person_enrols_and_is_known_by_pseudonym_alone",
        "nist::a_direct_verification_takes_one_call",
        "nist::plaintext_goes_out_once_is_withdrawn_and_erased_and_all_of_it_is_in_the_ledger",
    ]);
}
