//! Minors against a real platform: nobody under age enrols alone, a child does nothing without a guardian who agrees from
//! their own device, and a guardianship ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::sync::Arc;

use cyberid_domain::Clock as _;
use cyberid_domain::check::Check;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, HolderError, Platform, ReviewedRelease, ReviewedRequest, Tree};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, RelyingParty, VerifiedOutcome};
use journeys::{Citizen, Person, Suite, TestPlatform};

journeys::in_each_suite!(a_child_does_nothing_without_a_guardian_who_agrees_each_time);

/// A device that is nobody's yet.
async fn device(platform: &TestPlatform) -> (Holder, DeviceKey) {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let platform = Platform::contact(platform.client.clone(), clock.clone())
        .await
        .unwrap();
    let key = DeviceKey::make_of(platform.suite(), &SystemRng).unwrap();
    let holder = Holder::resume(platform, Tree::default(), key.signer(), clock, rng).unwrap();
    (holder, key)
}

/// Somebody with a valid document whose age in years lies in here.
async fn aged(platform: &TestPlatform, years: std::ops::Range<i32>) -> Person {
    let today = SystemClock.now().date();
    for index in 0..300 {
        let person = platform.person(index).await;
        let born: i32 = person.birth_date.get(..4).unwrap().parse().unwrap();
        if years.contains(&(today.year() - born)) && person.document.valid_until > today.to_string() {
            return person;
        }
    }
    panic!("nobody of this age")
}

fn problem<T>(answer: Result<T, HolderError>) -> Option<ProblemType> {
    match answer.err()? {
        HolderError::Client(error) => error.problem(),
        error => panic!("{error}"),
    }
}

/// Enrols a minor as the ward of a guardian.
async fn enrolled(platform: &TestPlatform, person: Person, guardian: &Citizen) -> Citizen {
    let (holder, key) = device(platform).await;
    let alone = holder.enrol(&person.enrolment()).await;
    assert_eq!(problem(alone), Some(ProblemType::EnrolmentRefused), "alone");
    let consent = guardian
        .holder
        .guardian_consent(&holder.public_key().thumbprint());
    let mut enrolment = person.enrolment();
    enrolment.guardian_consent = Some(consent.unwrap());
    let enrolled = holder.enrol(&enrolment).await.unwrap();
    Citizen {
        holder,
        person,
        enrolled,
        key,
    }
}

/// Whether the child passes, with or without the guardian's word on this very question.
async fn passes(party: &RelyingParty, child: &Citizen, guardian: Option<&Citizen>) -> Option<String> {
    let ask = Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        ..Ask::default()
    };
    let pending = party.request_verification(&ask).await.unwrap();
    let request = child.holder.fetch_request(&pending.request_uri, Locale::English);
    let ReviewedRequest::Verification(reviewed) = request.await.unwrap() else {
        panic!("another kind of request")
    };
    if let Some(guardian) = guardian {
        let wards = guardian.holder.wards().await.unwrap();
        let (ward, waiting) = wards
            .iter()
            .flat_map(|ward| ward.requests.iter().map(move |request| (&ward.id, request)))
            .find(|(_, waiting)| waiting.request().id == reviewed.request().id)
            .unwrap();
        guardian.holder.agree_for_ward(ward, waiting).await.unwrap();
    }
    child.holder.answer_verification(&reviewed, None).await.unwrap();
    let VerifiedOutcome::Attested(attestation) = party.wait(&pending).await.unwrap() else {
        panic!("no attestation")
    };
    attestation.passed().map(str::to_owned)
}

async fn asked(party: &RelyingParty, sub: &str, citizen: &Citizen) -> ReviewedRelease {
    let pending = party.request_release(sub, "deliver", &[Field::Name, Field::BirthDate]);
    let uri = pending.await.unwrap().request_uri;
    let reviewed = citizen.holder.fetch_request(&uri, Locale::English).await.unwrap();
    match reviewed {
        ReviewedRequest::Release(reviewed) => reviewed,
        ReviewedRequest::Verification(_) => panic!("a release"),
    }
}

async fn a_child_does_nothing_without_a_guardian_who_agrees_each_time(suite: Suite) {
    let platform = TestPlatform::start_in(suite).await;
    let (guardian, party) = (platform.citizen(0).await, platform.relying_party().await);
    let person = aged(&platform, 2..13).await;
    let child = enrolled(&platform, person, &guardian).await;

    assert_eq!(passes(&party, &child, None).await, None, "alone");
    let sub = passes(&party, &child, Some(&guardian)).await.unwrap();
    assert_eq!(passes(&party, &child, None).await, None, "each time anew");

    // Plaintext: the guardian agrees to this release and these fields, from their own device.
    let release = asked(&party, &sub, &child).await;
    let alone = child.holder.grant_release(&release, &[Field::Name]).await;
    assert_eq!(problem(alone), Some(ProblemType::ConsentMismatch));
    let jkt = child.holder.public_key().thumbprint();
    let theirs = guardian
        .holder
        .fetch_request(release.request().id.as_str(), Locale::English);
    let ReviewedRequest::Release(theirs) = theirs.await.unwrap() else {
        panic!("a release")
    };
    let word = guardian
        .holder
        .guardian_release(&theirs, &jkt, &[Field::Name])
        .unwrap();
    let wider = [Field::Name, Field::BirthDate];
    let wider = child
        .holder
        .grant_release_with(&release, &wider, Some(&word))
        .await;
    assert_eq!(
        problem(wider),
        Some(ProblemType::ConsentMismatch),
        "one field more"
    );
    let agreed = child
        .holder
        .grant_release_with(&release, &[Field::Name], Some(&word))
        .await;
    assert_eq!(agreed.unwrap().receipt.consent().fields, [Field::Name]);

    // The guardian ends it: from that moment nobody speaks for the child, until there is another.
    let theirs = guardian.holder.wards().await.unwrap().remove(0);
    guardian.holder.end_guardianship(&theirs.id).await.unwrap();
    assert!(guardian.holder.wards().await.unwrap().is_empty());
    assert_eq!(passes(&party, &child, None).await, None);
    let release = asked(&party, &sub, &child).await;
    let late = guardian
        .holder
        .guardian_release(&release, &jkt, &[Field::Name])
        .unwrap();
    let late = child
        .holder
        .grant_release_with(&release, &[Field::Name], Some(&late));
    assert_eq!(problem(late.await), Some(ProblemType::ConsentMismatch));
    let aunt = platform.citizen(1).await;
    let consent = aunt.holder.guardian_consent(&jkt).unwrap();
    child.holder.appoint_guardian(&consent).await.unwrap();
    assert_eq!(passes(&party, &child, Some(&aunt)).await, Some(sub));
    let again = guardian.holder.guardian_consent(&jkt).unwrap();
    let easier = child.holder.appoint_guardian(&again).await;
    assert_eq!(
        problem(easier),
        Some(ProblemType::EnrolmentRefused),
        "there is one"
    );
}

#[tokio::test]
async fn from_fourteen_on_a_minor_acts_alone_under_a_recorded_guardianship() {
    let platform = TestPlatform::start().await;
    let (guardian, party) = (platform.citizen(0).await, platform.relying_party().await);
    let person = aged(&platform, 15..17).await;
    let minor = enrolled(&platform, person, &guardian).await;
    let wards = guardian.holder.wards().await.unwrap();
    assert_eq!(wards.len(), 1);
    let sub = passes(&party, &minor, None).await.unwrap();
    let release = asked(&party, &sub, &minor).await;
    minor
        .holder
        .grant_release(&release, &[Field::Name])
        .await
        .unwrap();
    let wards = guardian.holder.wards().await.unwrap();
    assert!(wards.iter().all(|ward| ward.requests.is_empty()), "unseen");
}

#[tokio::test]
async fn where_law_allows_it_who_is_fourteen_enrols_alone() {
    let platform = TestPlatform::start_with("[issuance]\nguardian_until = 14\n").await;
    let person = aged(&platform, 15..17).await;
    let minor = Citizen::enrol(platform.client.clone(), person).await;
    assert!(minor.holder.me().await.unwrap().age_over.contains(&14));
    let child = aged(&platform, 2..13).await;
    let (holder, _) = device(&platform).await;
    let alone = holder.enrol(&child.enrolment()).await;
    assert_eq!(problem(alone), Some(ProblemType::EnrolmentRefused));
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&["nist::a_child_does_nothing_without_a_guardian_who_agrees_each_time"]);
}
