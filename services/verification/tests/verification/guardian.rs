//! At 14 one answers for oneself; before that a guardian agrees first, to this very request, whatever is asked.

use cyberid_domain::age::{AgeFlags, Threshold};
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::id::{Nonce, VerificationId, WardId};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::subject::SubjectStatus;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::registration::Registered;
use cyberid_protocol::request::VerificationRequest;
use cyberid_protocol::verification::{Attested, VerificationStatus};
use cyberid_protocol::ward::{Ward, Wards};
use cyberid_storage::guardianship::{Guardianship, Guardianships as _};
use cyberid_storage::single_use::SingleUse;
use cyberid_storage::subject::Subjects as _;
use serde_json::{Value, json};

use crate::holding::asking;
use crate::platform::{Answer, Citizen, Client, Platform, START, pin, registration};
use crate::verification::forged;

const CHECKS: [&str; 2] = ["real_person", "guardian_consent"];

type Alter<T> = fn(&mut T);

/// A relying party, a guardian, and a child.
struct Family {
    platform: Platform,
    rp: Client,
    guardian: Citizen,
    child: Citizen,
}

impl Family {
    async fn new() -> Self {
        Self::with_child(AgeFlags::default()).await
    }

    async fn with_child(ages: AgeFlags) -> Self {
        let platform = Platform::start().await;
        let family = Self {
            rp: platform.relying_party().await,
            guardian: platform.adult().await,
            child: platform.citizen(ages).await,
            platform,
        };
        family.bind(&family.guardian, &family.child).await;
        family
    }

    /// As the ward's enrolment leaves it.
    async fn bind(&self, guardian: &Citizen, ward: &Citizen) {
        let guardianship = Guardianship {
            ward: ward.subject,
            guardian: guardian.subject,
            since: START,
        };
        let consent = SingleUse {
            digest: cyberid_domain::rng::random(&SystemRng),
            forget_at: START.plus(600),
        };
        let first = self.platform.db.establish(&guardianship, &consent).await;
        assert!(first.unwrap());
    }

    /// A request that the child has opened.
    async fn opened(&self, checks: &[&str]) -> VerificationRequest {
        let id = self.platform.ask(&self.rp, asking(checks)).await;
        let opened = self.platform.open(&self.child, &id).await;
        self.platform.request(&opened)
    }

    async fn wards(&self, guardian: &Citizen) -> Vec<Ward> {
        let answer = self.platform.get("/v1/me/wards", &guardian.caller()).await;
        answer.expect::<Wards>(200).wards
    }

    /// The child, as the guardian calls them.
    async fn ward(&self) -> WardId {
        self.wards(&self.guardian).await.remove(0).id
    }

    /// The requests that wait for the guardian.
    async fn waiting(&self) -> Vec<VerificationId> {
        let wards = self.wards(&self.guardian).await;
        let requests = wards.iter().flat_map(|ward| &ward.requests);
        requests
            .map(|compact| self.platform.request_in(compact).id)
            .collect()
    }

    fn word(&self, request: &VerificationRequest) -> Proof {
        Proof {
            factors: vec![Factor::Device],
            ..self.platform.agreeing(&self.rp, request)
        }
    }

    async fn send(&self, guardian: &Citizen, ward: &WardId, body: Value) -> Answer {
        let path = format!("/v1/me/wards/{ward}/answers");
        self.platform.post(&path, &guardian.caller(), body).await
    }

    async fn say(&self, guardian: &Citizen, ward: &WardId, proof: &Proof) -> Answer {
        let sealed = self.platform.seal(&guardian.device, proof, None);
        let body = json!({"request": proof.request, "sealed": sealed});
        self.send(guardian, ward, body).await
    }

    /// What the relying party learns when the child answers.
    async fn concluded(&self, request: &VerificationRequest) -> (VerificationStatus, Vec<(Check, Outcome)>) {
        let answer = self.platform.agree(&self.rp, &self.child, request).await;
        assert_eq!(answer.status, 204);
        let view = self.platform.view(&self.rp, &request.id).await;
        let attestation = self.platform.attestation(&self.rp, &view.attestation.unwrap());
        (view.status, attestation.checks.into_iter().collect())
    }
}

#[tokio::test]
async fn a_child_passes_once_a_guardian_has_agreed_to_the_very_request() {
    let family = Family::new().await;
    let (request, other) = (family.opened(&CHECKS).await, family.opened(&CHECKS).await);
    assert!(!request.guardian_agreed);
    let mut waiting = family.waiting().await;
    waiting.sort();
    let mut both = [request.id.clone(), other.id.clone()];
    both.sort();
    assert_eq!(waiting, both);
    let ward = family.ward().await;
    let answer = family.say(&family.guardian, &ward, &family.word(&request)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(family.waiting().await, std::slice::from_ref(&other.id));
    let again = family.platform.open(&family.child, &request.id).await;
    assert!(
        family.platform.request(&again).guardian_agreed,
        "the child's app can tell"
    );

    let (status, checks) = family.concluded(&request).await;
    assert_eq!(status, VerificationStatus::Passed);
    assert!(checks.contains(&(Check::GuardianConsent, Outcome::Pass)));
    let (status, checks) = family.concluded(&other).await;
    assert_eq!(status, VerificationStatus::Failed, "nobody agreed to this one");
    assert!(checks.contains(&(Check::GuardianConsent, Outcome::Fail)));
    assert!(checks.contains(&(Check::RealPerson, Outcome::Fail)));
    let late = family.say(&family.guardian, &ward, &family.word(&other)).await;
    assert_eq!(late.problem(), ProblemType::RequestClosed);
}

#[tokio::test]
async fn a_guardians_word_is_no_other_check() {
    let family = Family::new().await;
    let request = family.opened(&["guardian_consent", "age_over_14"]).await;
    let ward = family.ward().await;
    let answer = family.say(&family.guardian, &ward, &family.word(&request)).await;
    assert_eq!(answer.status, 204);
    let (status, checks) = family.concluded(&request).await;
    assert_eq!(status, VerificationStatus::Failed);
    assert_eq!(
        checks,
        [
            (Check::AgeOver14, Outcome::Fail),
            (Check::GuardianConsent, Outcome::Pass)
        ]
    );
}

#[tokio::test]
async fn a_guardian_refuses_and_the_request_is_over() {
    let family = Family::new().await;
    let request = family.opened(&CHECKS).await;
    let ward = family.ward().await;
    let body = json!({"request": request.id, "declined": true});
    assert_eq!(
        family.send(&family.guardian, &ward, body.clone()).await.status,
        204
    );
    let view = family.platform.view(&family.rp, &request.id).await;
    assert_eq!(view.status, VerificationStatus::Declined);
    let closed = family.platform.agree(&family.rp, &family.child, &request).await;
    assert_eq!(closed.problem(), ProblemType::RequestClosed);
    let again = family.send(&family.guardian, &ward, body).await;
    assert_eq!(again.problem(), ProblemType::RequestClosed);
}

#[tokio::test]
async fn at_fourteen_one_answers_for_oneself_and_unseen() {
    let ages = AgeFlags::default().with(Threshold::Fourteen);
    let family = Family::with_child(ages).await;
    let request = family.opened(&CHECKS).await;
    let ward = family.wards(&family.guardian).await.remove(0);
    assert_eq!(ward.requests, Vec::<String>::new());
    let answer = family
        .say(&family.guardian, &ward.id, &family.word(&request))
        .await;
    assert_eq!(answer.problem(), ProblemType::NotFound);
    assert_eq!(family.concluded(&request).await.0, VerificationStatus::Passed);
}

/// Whether the service asks for a guardian's consent or not: a child under 14 answers nothing alone.
#[tokio::test]
async fn a_child_passes_nothing_without_their_guardian() {
    let family = Family::new().await;
    for checks in [
        &["real_person"][..],
        &["document_valid"],
        &["real_person", "document_valid"],
    ] {
        let (alone, agreed) = (family.opened(checks).await, family.opened(checks).await);
        let ward = family.ward().await;
        let said = family.say(&family.guardian, &ward, &family.word(&agreed)).await;
        assert_eq!(said.status, 204);
        let (status, outcomes) = family.concluded(&alone).await;
        assert_eq!(status, VerificationStatus::Failed);
        assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Fail));
        assert_eq!(family.concluded(&agreed).await.0, VerificationStatus::Passed);
    }
    let proof = family.platform.proof(&family.rp, &[Check::RealPerson]);
    let sealed = family.platform.seal(&family.child.device, &proof, None);
    let attested: Attested = family.platform.direct(&family.rp, &sealed).await.expect(200);
    let attestation = family.platform.attestation(&family.rp, &attested.attestation);
    assert_eq!(
        attestation.result,
        Outcome::Fail,
        "nobody stands between in a direct proof"
    );
}

#[tokio::test]
async fn directly_only_who_is_fourteen_passes() {
    let family = Family::new().await;
    let elder = AgeFlags::default().with(Threshold::Fourteen);
    let elder = family.platform.citizen(elder).await;
    for (citizen, result) in [
        (&family.child, Outcome::Fail),
        (&elder, Outcome::Pass),
        (&family.guardian, Outcome::Pass),
    ] {
        let proof = family
            .platform
            .proof(&family.rp, &[Check::RealPerson, Check::GuardianConsent]);
        let sealed = family.platform.seal(&citizen.device, &proof, None);
        let attested: Attested = family.platform.direct(&family.rp, &sealed).await.expect(200);
        let attestation = family.platform.attestation(&family.rp, &attested.attestation);
        assert_eq!(attestation.result, result);
    }
}

#[tokio::test]
async fn nobody_else_sees_or_speaks_for_a_ward() {
    let family = Family::new().await;
    let request = family.opened(&CHECKS).await;
    let ward = family.ward().await;
    let stranger = family.platform.adult().await;
    assert!(family.wards(&stranger).await.is_empty());
    assert!(family.wards(&family.child).await.is_empty());
    let agreed = family.word(&request);
    for other in [&stranger, &family.child] {
        let answer = family.say(other, &ward, &agreed).await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
    }
    // A second guardian has another name for the same child, and the first one's is nothing to them.
    let second = family.platform.adult().await;
    family.bind(&second, &family.child).await;
    let theirs = family.wards(&second).await.remove(0);
    assert_ne!(theirs.id, ward);
    assert_eq!(theirs.requests.len(), 1);
    let answer = family.say(&second, &ward, &agreed).await;
    assert_eq!(answer.problem(), ProblemType::NotFound);
    assert_eq!(family.say(&second, &theirs.id, &agreed).await.status, 204);
}

#[tokio::test]
async fn a_guardian_who_is_not_active_or_not_of_age_says_nothing() {
    let family = Family::new().await;
    let request = family.opened(&CHECKS).await;
    let ward = family.ward().await;
    let minor = AgeFlags::default()
        .with(Threshold::Fourteen)
        .with(Threshold::Sixteen);
    let minor = family.platform.citizen(minor).await;
    family.bind(&minor, &family.child).await;
    assert!(family.wards(&minor).await.is_empty());
    family
        .platform
        .db
        .set_status(&family.guardian.subject, SubjectStatus::Suspended)
        .await
        .unwrap();
    assert!(family.wards(&family.guardian).await.is_empty());
    let answer = family.say(&family.guardian, &ward, &family.word(&request)).await;
    assert_eq!(answer.problem(), ProblemType::NotFound);
}

/// Who finds the sheet of codes of a counter does not find a child with it.
#[tokio::test]
async fn a_code_that_acts_once_speaks_for_no_ward() {
    let family = Family::new().await;
    let holder = family.platform.adult_with_code().await;
    family.bind(&holder, &family.child).await;
    assert!(family.wards(&holder).await.is_empty());
}

#[tokio::test]
async fn a_ward_who_is_eighteen_is_no_ward() {
    let ages = Threshold::ALL
        .into_iter()
        .fold(AgeFlags::default(), AgeFlags::with);
    let family = Family::with_child(ages).await;
    assert!(family.wards(&family.guardian).await.is_empty());
}

#[tokio::test]
async fn a_guardian_speaks_about_what_the_ward_has_opened() {
    let family = Family::new().await;
    let ward = family.ward().await;
    let unopened = family.platform.ask(&family.rp, asking(&CHECKS)).await;
    let unopened = family.platform.request(
        &family
            .platform
            .get_publicly(&format!("/v1/requests/{unopened}"))
            .await,
    );
    let strangers = family.platform.ask(&family.rp, asking(&CHECKS)).await;
    let stranger = family.platform.adult().await;
    let strangers = family
        .platform
        .request(&family.platform.open(&stranger, &strangers).await);
    assert!(family.waiting().await.is_empty());
    for request in [&unopened, &strangers] {
        let answer = family.say(&family.guardian, &ward, &family.word(request)).await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
        let body = json!({"request": request.id, "declined": true});
        let answer = family.send(&family.guardian, &ward, body).await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
    }
}

#[tokio::test]
async fn a_guardians_word_is_for_this_request_from_this_device_and_once() {
    let family = Family::new().await;
    let (request, other) = (family.opened(&CHECKS).await, family.opened(&CHECKS).await);
    let ward = family.ward().await;
    let good = family.word(&request);
    let alterations: [(&str, Alter<Proof>); 5] = [
        ("nonce", |proof| proof.nonce = Nonce::random(&SystemRng)),
        ("checks", |proof| proof.checks = vec![Check::RealPerson]),
        ("purpose", |proof| proof.purpose = "another".into()),
        ("factors", |proof| proof.factors.push(Factor::Pin)),
        ("audience", |proof| proof.aud = "https://other.example".into()),
    ];
    for (what, alter) in alterations {
        let mut proof = good.clone();
        alter(&mut proof);
        let answer = family.say(&family.guardian, &ward, &proof).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage, "{what}");
    }
    let swapped =
        json!({"request": other.id, "sealed": family.platform.seal(&family.guardian.device, &good, None)});
    let stranger = family.platform.adult().await;
    let seal = |sealed: String| json!({"request": request.id, "sealed": sealed});
    let with_pin = family.platform.seal(&family.guardian.device, &good, Some(&pin()));
    let bad = [
        ("another request", swapped),
        (
            "another device",
            seal(family.platform.seal(&stranger.device, &good, None)),
        ),
        (
            "the ward's device",
            seal(family.platform.seal(&family.child.device, &good, None)),
        ),
        (
            "no signature of this device",
            seal(forged(&family.platform, &family.guardian.device, &good, None)),
        ),
        ("a PIN", seal(with_pin)),
    ];
    for (what, body) in bad {
        let answer = family.send(&family.guardian, &ward, body).await;
        assert_eq!(answer.problem(), ProblemType::InvalidMessage, "{what}");
    }
    let both = json!({"request": request.id, "sealed": "a", "declined": true});
    for body in [both, json!({"request": request.id})] {
        let answer = family.send(&family.guardian, &ward, body).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest);
    }
    family.platform.clock.advance(1);
    assert_eq!(family.waiting().await.len(), 2, "none of it counted");
    assert_eq!(family.say(&family.guardian, &ward, &good).await.status, 204);
    let again = family.say(&family.guardian, &ward, &good).await;
    assert_eq!(again.problem(), ProblemType::ReplayedMessage);
}

/// What a renewal took from a relying party is not shown, and keeps nothing else from the guardian.
#[tokio::test]
async fn a_use_that_ended_does_not_hide_the_other_requests() {
    let family = Family::new().await;
    let other = family.platform.relying_party().await;
    let ended = family.opened(&CHECKS).await;
    let id = family.platform.ask(&other, asking(&CHECKS)).await;
    family.platform.open(&family.child, &id).await;
    assert_eq!(family.waiting().await.len(), 2);
    let platform = &family.platform;
    let mut particulars = registration(&family.rp.key);
    particulars.as_object_mut().unwrap().remove("jwks");
    particulars["intended_uses"][0]["checks"] = json!(["guardian_consent"]);
    let path = format!("/v1/relying-parties/{}/renewal", family.rp.id);
    let body = json!({ "registration": particulars });
    let renewal: Registered = platform
        .post(&path, &platform.operators[0], body)
        .await
        .expect(200);
    let seen = renewal.waiting_renewal.unwrap().renewal_sha256;
    let approve = format!("approve?renewal_sha256={seen}");
    let approved = platform
        .act(&platform.operators[1], &family.rp.id, &approve)
        .await;
    assert_eq!(approved.status, 200);
    assert_eq!(family.waiting().await, [id], "and not {}", ended.id);
    let fetched = platform.open(&family.child, &ended.id).await;
    assert_eq!(fetched.problem(), ProblemType::UnregisteredUse);
    let late = platform.agree(&family.rp, &family.child, &ended).await;
    assert_eq!(late.problem(), ProblemType::RequestClosed);
}
