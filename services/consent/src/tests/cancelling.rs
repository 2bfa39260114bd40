//! Ending an identifier: consents end, records and salts go, leaves stay.

use std::collections::BTreeSet;

use cyberid_crypto::{Sign as _, base64url};
use cyberid_domain::Clock as _;
use cyberid_domain::case::CaseKind;
use cyberid_domain::clock::DAY;
use cyberid_domain::id::{CaseId, ConsentId, Nonce, ReleaseId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::cancellation::Cancellation;
use cyberid_protocol::event::{Event, Events, SecurityEvent};
use cyberid_protocol::leaf::{Leaf, subject_commitment};
use cyberid_protocol::message::{self, Message as _};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::receipt::Receipt;
use cyberid_storage::cancellation::Cancellations as _;
use cyberid_storage::case::{Case, Cases as _};
use cyberid_storage::release::{Grant, Releases as _};
use cyberid_storage::subject::{NewSubject, Subjects as _};
use cyberid_tlog::receipt::TlogProof;
use http::{Method, StatusCode};
use serde_json::json;

use super::people::Person;
use super::platform::ISSUER;
use super::script::Fault;
use super::{Answer, LeafKind, Platform};

impl Platform {
    fn cancellation(&self) -> Cancellation {
        let now = self.clock.now();
        Cancellation {
            aud: ISSUER.into(),
            iat: now,
            exp: now.plus(300),
            jti: Nonce::random(&SystemRng),
        }
    }

    async fn cancel(&self, compact: &str) -> Answer {
        let body = Some(json!({"cancellation": compact}));
        self.call(Method::POST, "/v1/me/cancel", "", body).await
    }

    pub(super) async fn cancel_by(&self, person: &Person) -> Answer {
        self.cancel(&self.cancellation().sign(&person.key).unwrap()).await
    }

    async fn grant_of(&self, id: &ReleaseId) -> Option<Grant> {
        self.registry.release(id).await.unwrap().unwrap().grant
    }

    /// What the relying party is told, by the names of the events.
    async fn told_of(&self) -> Vec<Event> {
        let caller = self.as_rp();
        let feed = self.call(Method::GET, "/v1/events?after=0", &caller, None);
        let told: Events = feed.await.json();
        let opened = told.events.iter().map(|token| {
            let event: SecurityEvent = message::open(token, &self.event_key()).unwrap();
            event.events
        });
        opened.collect()
    }

    async fn kept_receipt(&self, consent: &ConsentId, person: &Person) -> Answer {
        let caller = format!("holder {}", person.jkt());
        self.call(
            Method::GET,
            &format!("/v1/consents/{consent}/receipt"),
            &caller,
            None,
        )
        .await
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What of a grant may not stay: the salt, and the consent's own name (`jti`), in pieces that a page's end does not part.
fn secrets(grant: &Grant) -> impl Iterator<Item = Vec<u8>> {
    let words = grant.consent.rsplit_once('.').unwrap().0.as_bytes();
    let end = &words[words.len() - 28..];
    let pieces: Vec<_> = grant
        .salt
        .chunks(16)
        .chain(end.chunks(14))
        .map(<[u8]>::to_vec)
        .collect();
    pieces.into_iter()
}

#[tokio::test]
async fn erasing_a_person_deletes_the_salts_and_leaves_every_leaf_as_it_was() {
    let platform = Platform::start().await;
    let (waiting, _) = platform.granted().await;
    let (delivered, consent_id) = platform.granted().await;
    platform.redeem(&delivered, None).await;
    let (others, _) = platform.granted_by(&platform.bob).await;
    let kept: Receipt = platform.kept_receipt(&consent_id, &platform.alice).await.json();
    let grants = [
        platform.grant_of(&waiting).await.unwrap(),
        platform.grant_of(&delivered).await.unwrap(),
    ];
    let traces = |grant: &Grant| {
        let bytes = platform.registry_bytes();
        secrets(grant).filter(|secret| contains(&bytes, secret)).count()
    };
    assert!(grants.iter().all(|grant| traces(grant) >= 3), "they were there");
    let leaves = platform.bodies().await;

    assert_eq!(
        platform.cancel_by(&platform.alice).await.status,
        StatusCode::NO_CONTENT
    );

    for grant in &grants {
        assert_eq!(traces(grant), 0, "a salt or a consent is still in the file");
    }
    let now = platform.bodies().await;
    assert_eq!(now[..leaves.len()], leaves, "every leaf keeps its bytes");
    assert_eq!(platform.grant_of(&delivered).await, None);
    still_proves(&platform, &kept);
    let of_bob = platform.grant_of(&others).await.unwrap();
    assert_eq!(
        of_bob.subject, platform.bob.subject,
        "nothing of anybody else's goes"
    );
}

#[tokio::test]
async fn an_identifier_that_ends_ends_every_consent_and_who_has_to_know_is_told() {
    let platform = Platform::start().await;
    let (waiting, _) = platform.granted().await;
    let (delivered, _) = platform.granted().await;
    platform.redeem(&delivered, None).await;
    let cancellation = platform.cancellation().sign(&platform.alice.key).unwrap();
    for _ in 0..2 {
        let answer = platform.cancel(&cancellation).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    }
    let signed = cancellation.rsplit_once('.').unwrap().1;
    let trace = contains(&platform.registry_bytes(), &signed.as_bytes()[..16]);
    assert!(!trace, "what was signed goes with what it was for");
    let withdrawn = [LeafKind::ConsentGranted, LeafKind::ConsentWithdrawn];
    assert_eq!(platform.logged(&waiting).await, withdrawn);
    assert_eq!(
        platform.logged(&delivered).await.last(),
        Some(&LeafKind::ConsentWithdrawn)
    );
    let erasures = platform.key_holders.erasures();
    let by_the_holder = [cancellation.clone(), cancellation];
    assert_eq!(
        erasures[..2],
        by_the_holder,
        "custodian and vault, by the holder's own words"
    );

    let told = platform.told_of().await;
    let withdrawn = told.iter().filter_map(|event| match event {
        Event::ConsentWithdrawn(withdrawn) => Some(&withdrawn.release),
        _ => None,
    });
    assert_eq!(
        withdrawn.collect::<BTreeSet<_>>(),
        BTreeSet::from([&waiting, &delivered])
    );
    let Some(Event::IdentifierCancelled(cancelled)) = told.last() else {
        panic!("the end of the identifier, last: {told:?}")
    };
    let sub = platform.sub(&platform.alice);
    assert_eq!((&cancelled.sub, told.len()), (&sub, 3));

    let subject = platform.registry.by_device(&platform.alice.jkt()).await;
    assert_eq!(subject.unwrap().unwrap().status, SubjectStatus::Cancelled);
    let redeemed = platform.redeem(&waiting, None).await;
    assert_eq!(redeemed.problem(), ProblemType::ReleaseNotGranted);
    let erased = json!({"erased_at": platform.clock.now().0});
    let path = format!("/v1/releases/{delivered}/erasure");
    let confirmed = platform
        .call(Method::POST, &path, &platform.as_rp(), Some(erased))
        .await;
    assert_eq!(
        confirmed.status,
        StatusCode::NO_CONTENT,
        "an erasure is owed and confirmed as ever"
    );
}

/// What the holder kept says whose it is and that it is in the log, with nothing of the platform but its log's key.
fn still_proves(platform: &Platform, kept: &Receipt) {
    let text = serde_json::to_string(kept).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let salt = salt_in(&value).expect("a receipt has its salt");
    let leaf = Leaf::from_text(&kept.leaf).unwrap();
    let expected = subject_commitment(&salt, &platform.alice.jkt());
    assert_eq!(leaf.subject_commitment, Some(expected));
    let proof: TlogProof = kept.proof.parse().unwrap();
    let verified = proof.verify(
        kept.leaf.as_bytes(),
        &platform.anchors.ledger,
        &platform.anchors.policy,
    );
    assert!(verified.is_ok());
}

/// The salt of a receipt, wherever its form keeps it.
fn salt_in(value: &serde_json::Value) -> Option<[u8; 32]> {
    let object = value.as_object()?;
    let here = object
        .get("salt")
        .and_then(|salt| base64url::decode_array(salt.as_str()?));
    here.or_else(|| object.values().find_map(salt_in))
}

#[tokio::test]
async fn a_cancellation_is_of_its_holder_and_its_moment() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let honest = platform.cancellation();
    let now = platform.clock.now();
    let mut other = honest.clone();
    other.aud = "https://other.example".into();
    let mut old = honest.clone();
    (old.iat, old.exp) = (now.minus(300), now.minus(60));
    let mut long = honest.clone();
    long.exp = now.plus(301);
    for (wrong, problem) in [
        (&other, ProblemType::InvalidMessage),
        (&old, ProblemType::ExpiredMessage),
        (&long, ProblemType::InvalidMessage),
    ] {
        let compact = wrong.sign(&platform.alice.key).unwrap();
        assert_eq!(platform.cancel(&compact).await.problem(), problem);
    }
    let stranger = Person::new(13);
    assert_eq!(
        platform.cancel_by(&stranger).await.problem(),
        ProblemType::InvalidMessage
    );
    let withdrawal = platform
        .alice
        .sign_withdrawal(&super::people::withdrawal(&ConsentId::random(&SystemRng), now));
    let compact = withdrawal["withdrawal"].as_str().unwrap();
    assert_eq!(
        platform.cancel(compact).await.problem(),
        ProblemType::InvalidMessage
    );
    assert_eq!(
        platform.cancel_by(&platform.bob).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(platform.status(&id).await, "granted", "another's end is not hers");
    assert!(platform.key_holders.erasures().len() == 2);
}

#[tokio::test]
async fn a_record_that_is_not_confirmed_everywhere_is_not_taken_for_destroyed() {
    let platform = Platform::start().await;
    let subject = platform.alice.subject;
    let now = platform.clock.now();
    platform.registry.begin_enrolment(&subject, now).await.unwrap();
    let answer = platform.cancel_by(&platform.alice).await;
    assert_eq!(answer.problem(), ProblemType::Unavailable);
    platform.consent.housekeep().await.unwrap();
    assert!(platform.key_holders.erasures().is_empty());
    assert_eq!(platform.registry.open_cancellations().await.unwrap().len(), 1);

    platform.registry.end_enrolment(&subject).await.unwrap();
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.key_holders.erasures().len(), 2);
    assert!(platform.registry.open_cancellations().await.unwrap().is_empty());
}

/// Or it would be confirmed for ever by key holders who no longer have the record.
#[tokio::test]
async fn a_crash_finds_no_enrolment_open_of_which_something_was_destroyed() {
    let platform = Platform::start().await;
    let subject = platform.alice.subject;
    let (registry, now) = (&platform.registry, platform.clock.now());
    registry.begin_enrolment(&subject, now).await.unwrap();
    registry.end_confirmed(&subject).await.unwrap();
    platform.key_holders.set_away(true);
    let answer = platform.cancel_by(&platform.alice).await;
    assert_eq!(answer.problem(), ProblemType::Unavailable);
    assert!(!platform.key_holders.erasures().is_empty());
    let after_a_crash = platform.registry_anew().await;
    let open = after_a_crash.open_enrolments(now.plus(1)).await.unwrap();
    assert_eq!(open, []);
}

#[tokio::test]
async fn a_key_holder_that_is_away_is_waited_for_once_a_round() {
    let platform = Platform::start().await;
    platform.key_holders.set_away(true);
    for person in [&platform.alice, &platform.bob] {
        assert_eq!(
            platform.cancel_by(person).await.problem(),
            ProblemType::Unavailable
        );
    }
    let before = platform.key_holders.erasures().len();
    platform.consent.housekeep().await.unwrap();
    assert_eq!(platform.key_holders.erasures().len(), before + 1);
    platform.key_holders.set_away(false);
    platform.consent.housekeep().await.unwrap();
    assert!(platform.registry.open_cancellations().await.unwrap().is_empty());
}

/// A person with a release that was granted.
async fn newcomer(platform: &Platform, seed: u8) -> (Person, ReleaseId, Grant) {
    let person = Person::new(seed);
    person.enrol(&platform.registry, platform.clock.now()).await;
    let (id, _) = platform.granted_by(&person).await;
    let grant = platform.grant_of(&id).await.unwrap();
    (person, id, grant)
}

#[tokio::test]
async fn whatever_stops_or_fails_a_cancellation_it_is_carried_out_once_it_was_taken() {
    let mut platform = Platform::start().await;
    let (first, _, _) = newcomer(&platform, 100).await;
    platform.script.plan(None);
    assert_eq!(platform.cancel_by(&first).await.status, StatusCode::NO_CONTENT);
    let places = platform.script.reached();
    for needed in [
        "begin_cancellation",
        "step to withdrawn",
        "key holder erases",
        "erase_person",
    ] {
        assert!(places.contains(&(needed, 0)), "{places:?}");
    }
    let cases = places.iter().filter(|(name, _)| *name != "witness");
    let cases = cases.flat_map(|place| Fault::ALL.map(|fault| (*place, fault)));
    let (mut hits, mut seed) = (0, 100);
    for (place, fault) in cases.clone() {
        let case = format!("{fault:?} at {place:?}");
        seed += 1;
        let (person, id, grant) = newcomer(&platform, seed).await;
        platform.script.plan(Some((place, fault)));
        let ended = platform.script.run(platform.cancel_by(&person)).await;
        hits += usize::from(platform.script.hit());
        platform.script.plan(None);
        assert_eq!(ended.is_none(), fault.stops(), "{case}");
        if fault.stops() {
            platform.restart().await;
        } else {
            platform.consent.housekeep().await.unwrap();
        }
        assert!(
            platform.registry.open_cancellations().await.unwrap().is_empty(),
            "{case}"
        );
        let taken = !matches!(
            (place.0, fault),
            ("begin_cancellation", Fault::StopBefore | Fault::FailBefore)
        );
        assert_eq!(platform.grant_of(&id).await.is_none(), taken, "{case}");
        let bytes = platform.registry_bytes();
        let left = secrets(&grant).any(|secret| contains(&bytes, &secret));
        assert_eq!(left, !taken, "{case}: salt and consent");
        let kinds = platform.logged(&id).await;
        let whole = [LeafKind::ConsentGranted, LeafKind::ConsentWithdrawn];
        assert_eq!(kinds, whole[..if taken { 2 } else { 1 }], "{case}");
        let cancelled = platform.told_of().await.into_iter().filter(
            |event| matches!(event, Event::IdentifierCancelled(it) if it.sub == platform.sub(&person)),
        );
        assert_eq!(cancelled.count(), usize::from(taken), "{case}: told once");
    }
    assert_eq!(hits, cases.count(), "a case that hits nothing proves nothing");
}

/// Whoever has an identifier that somebody else has reported to be theirs does not destroy it meanwhile.
#[tokio::test]
async fn what_somebody_else_claims_is_not_cancelled() {
    let platform = Platform::start().await;
    let reporter = Person::new(77);
    let case = Case {
        id: CaseId::random(&SystemRng),
        kind: CaseKind::Misuse,
        jkt: reporter.jkt(),
        key: *reporter.key.public_key().as_sec1(),
        subject: Some(platform.alice.subject),
        pin: None,
        opened_at: platform.clock.now(),
        halted: false,
        said: None,
        decided_at: None,
        done_at: None,
    };
    assert!(platform.registry.open_case(&case).await.unwrap());
    let refused = platform.cancel_by(&platform.alice).await;
    assert_eq!(refused.problem(), ProblemType::IdentifierInactive);
    platform.consent.housekeep().await.unwrap();
    let holder = platform.registry.holder(&platform.alice.jkt()).await;
    assert_eq!(holder.unwrap().unwrap().status, SubjectStatus::Active);
    assert_eq!(
        platform.cancel_by(&platform.bob).await.status,
        StatusCode::NO_CONTENT
    );
}

/// Nobody sheds a ban with another document: the person themselves cools off.
#[tokio::test]
async fn a_person_who_ended_an_identifier_has_no_other_before_the_cooling_off_is_over() {
    let platform = Platform::start().await;
    assert_eq!(
        platform.cancel_by(&platform.alice).await.status,
        StatusCode::NO_CONTENT
    );
    let comes_again = async |seed| {
        let number = NetworkNumber::random(&SystemRng);
        let new = NewSubject {
            person_tag: *platform.alice.subject.as_bytes(),
            ..Person::new(seed).as_new(&number, platform.clock.now())
        };
        let begun = platform
            .registry
            .begin_enrolment(&new.subject, platform.clock.now());
        begun.await.unwrap();
        platform.registry.commit_enrolment(&new).await.unwrap()
    };
    platform.consent.housekeep().await.unwrap();
    platform.clock.advance(180 * DAY);
    platform.consent.housekeep().await.unwrap();
    assert!(!comes_again(70).await, "the day has only begun");
    platform.clock.advance(DAY);
    platform.consent.housekeep().await.unwrap();
    assert!(comes_again(71).await);
}
