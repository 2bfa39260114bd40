//! Under 14 nothing is released without the word of a guardian, given from the guardian's own device to this very release.

use cyberid_crypto::digest;
use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::field::Field;
use cyberid_domain::id::{Nonce, ReleaseId};
use cyberid_domain::rng::{SystemRng, random};
use cyberid_domain::subject::SubjectStatus;
use cyberid_domain::{Clock as _, UnixTime};
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::guardian_release::{GuardianRelease, MAX_LIFE};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_storage::guardianship::{Guardianship, Guardianships as _};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::subject::Subjects as _;

use super::cooling_off::second_device;
use super::people::{Person, agree};
use super::platform::Answer;
use super::{LeafKind, Platform};

/// A child whose guardian is Alice, and what the child is asked.
struct Family {
    platform: Platform,
    child: Person,
    id: ReleaseId,
    consent: Claims,
    request_sha256: String,
}

impl Family {
    async fn new(ages: AgeFlags) -> Self {
        let platform = Platform::start().await;
        let child = Person {
            ages,
            ..Person::new(21)
        };
        child.enrol(&platform.registry, platform.clock.now()).await;
        let guardianship = Guardianship {
            ward: child.subject,
            guardian: platform.alice.subject,
            since: platform.clock.now(),
        };
        let uses = SingleUse {
            digest: random(&SystemRng),
            forget_at: UnixTime(u64::from(u32::MAX)),
        };
        assert!(platform.registry.establish(&guardianship, &uses).await.unwrap());
        let id = platform.ask_for(&child).await;
        let compact = platform.request_object(&id).await;
        Self {
            consent: agree(&compact, &*platform.clock),
            request_sha256: digest::sha256_base64url(compact.as_bytes()),
            platform,
            child,
            id,
        }
    }

    fn word(&self) -> GuardianRelease {
        let now = self.platform.clock.now();
        GuardianRelease {
            aud: self.consent.aud.clone(),
            ward_jkt: self.child.jkt(),
            request: self.id.clone(),
            request_sha256: self.request_sha256.clone(),
            fields: self.consent.fields.clone(),
            iat: now,
            exp: now.plus(MAX_LIFE),
            jti: Nonce::random(&SystemRng),
        }
    }

    async fn answer(&self, word: &GuardianRelease, guardian: &Person) -> Answer {
        self.answer_with(&word.sign(&guardian.key).unwrap()).await
    }

    async fn answer_with(&self, word: &str) -> Answer {
        let consent = self.consent.sign(&self.child.key).unwrap();
        self.platform.answer_with(&self.id, &consent, word).await
    }

    async fn refuses(&self, word: &GuardianRelease, guardian: &Person, why: &str) {
        assert_refused(&self.answer(word, guardian).await, why);
    }
}

fn assert_refused(answer: &Answer, why: &str) {
    assert_eq!(answer.problem(), ProblemType::ConsentMismatch, "{why}");
    let problem: Problem = serde_json::from_slice(&answer.bytes).unwrap();
    assert_eq!(problem.extensions["member"], "guardian_consent", "{why}");
}

#[tokio::test]
async fn a_child_releases_what_a_guardian_agreed_to_and_nothing_alone() {
    let family = Family::new(AgeFlags::default()).await;
    let alone = family
        .platform
        .answer(&family.id, &family.consent, &family.child)
        .await;
    assert_refused(&alone, "alone");
    assert!(family.platform.logged(&family.id).await.is_empty());
    let alice = &family.platform.alice;
    assert!(family.answer(&family.word(), alice).await.status.is_success());
    assert_eq!(
        family.platform.logged(&family.id).await,
        [LeafKind::ConsentGranted]
    );
}

#[tokio::test]
async fn at_fourteen_nobody_else_is_asked() {
    let family = Family::new(AgeFlags::default().with(Threshold::Fourteen)).await;
    let alone = family
        .platform
        .answer(&family.id, &family.consent, &family.child)
        .await;
    assert!(alone.status.is_success());
}

#[tokio::test]
async fn a_guardians_word_is_for_this_child_this_release_and_these_fields() {
    type Alter = fn(&mut GuardianRelease);
    let family = Family::new(AgeFlags::default()).await;
    let alice = &family.platform.alice;
    let alterations: [(&str, Alter); 8] = [
        ("another platform", |it| it.aud = "https://other.example".into()),
        ("another child", |it| it.ward_jkt = Person::new(22).jkt()),
        ("another release", |it| it.request = ReleaseId::random(&SystemRng)),
        ("another text", |it| {
            it.request_sha256 = digest::sha256_base64url(b"other");
        }),
        ("fewer fields", |it| it.fields = vec![Field::Name]),
        ("no fields", |it| it.fields.clear()),
        ("over", |it| {
            it.iat = it.iat.minus(MAX_LIFE + 100);
            it.exp = it.iat.plus(1);
        }),
        ("too long a life", |it| it.exp = it.exp.plus(1)),
    ];
    for (why, alter) in alterations {
        let mut word = family.word();
        alter(&mut word);
        family.refuses(&word, alice, why).await;
    }
    family
        .refuses(&family.word(), &family.platform.bob, "nobody's guardian")
        .await;
    family.refuses(&family.word(), &family.child, "the child").await;
    let nobody = Person::new(23);
    family.refuses(&family.word(), &nobody, "nobody").await;
    let [hers, theirs] = [alice, &nobody].map(|person| family.word().sign(&person.key).unwrap());
    let (words, signature) = (
        hers.rsplit_once('.').unwrap().0,
        theirs.rsplit_once('.').unwrap().1,
    );
    let forged = family.answer_with(&format!("{words}.{signature}")).await;
    assert_refused(&forged, "another's signature under her words");
}

#[tokio::test]
async fn a_guardian_who_is_not_active_or_is_none_any_more_says_nothing() {
    let family = Family::new(AgeFlags::default()).await;
    let (alice, db) = (&family.platform.alice, &family.platform.registry);
    for status in [SubjectStatus::Suspended, SubjectStatus::Expired] {
        assert!(db.set_status(&alice.subject, status).await.unwrap());
        family.refuses(&family.word(), alice, status.as_str()).await;
    }
    assert!(
        db.set_status(&alice.subject, SubjectStatus::Active)
            .await
            .unwrap()
    );
    let now = family.platform.clock.now();
    assert!(
        db.end_guardianship(&family.child.subject, &alice.subject, now)
            .await
            .unwrap()
    );
    family.refuses(&family.word(), alice, "it is over").await;
}

/// A thief's fresh device does not speak for a child before it could release anything itself.
#[tokio::test]
async fn a_guardians_device_that_cools_off_says_nothing_for_a_child() {
    let family = Family::new(AgeFlags::default()).await;
    let fresh = second_device(&family.platform).await;
    family.refuses(&family.word(), &fresh, "it cools off").await;
    let agreed = family.answer(&family.word(), &family.platform.alice).await;
    assert_eq!(agreed.status, http::StatusCode::CREATED);
}
