//! The source over its real router.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use cyberid_crypto::{AgreementKey, digest, hpke};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::document::DocumentType;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::{Secret, SecretBytes};
use cyberid_keystore::{KdfCost, Keystore, RoleName};
use cyberid_protocol::face::{FaceCheckAnswer, FaceEvidence, FaceQuestion, MAX_LIFE};
use cyberid_protocol::message;
use cyberid_protocol::notice::{Happening, NoticeQuery, NoticedDocument, NoticesAnswer, SourceNotice};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::source::{
    BIRTH_DATE_INFO, IdentityCheckAnswer, PERSON_INFO, Question, SourceAnswer, SourceKeys,
};
use cyberid_web::Failure;
use cyberid_web::auth::{Authenticate, Caller};
use http::request::{Parts as Head, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::{Life, Parts, Person, Population};

const PLATFORM: &str = "https://id.example";
const FEED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const NOW: UnixTime = UnixTime(1_795_000_000);

/// Nobody has a token here.
struct Nobody;

#[async_trait]
impl Authenticate for Nobody {
    async fn authenticate(&self, _: &Head) -> Result<Caller, Failure> {
        Err(ProblemType::Unauthenticated.into())
    }
}

struct Test {
    source: Arc<IdentitySource>,
    _folder: TempDir,
}

impl Test {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let passphrase = SecretBytes::from("passphrase".to_owned());
        let rng = Arc::new(SystemRng);
        let cost = KdfCost::INSECURE;
        let store = Keystore::create(folder.path(), &passphrase, cost, Arc::clone(&clock) as _, rng).unwrap();
        store
            .ensure(&[RoleName::Source, RoleName::Message, RoleName::Pairwise])
            .unwrap();
        let population = Population::new(Secret::from([7; 32]), 400);
        let source = IdentitySource::new(Parts {
            clock,
            life: Life::open(&folder.path().join("life"), &population).unwrap(),
            population,
            signing_key: store.signer().unwrap(),
            opening_key: store.opener().unwrap(),
            person_key: store.mac().unwrap(),
        });
        Self {
            source,
            _folder: folder,
        }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let finish =
            |routes: cyberid_web::Routes<_>| routes.finish(Arc::clone(&self.source), Arc::new(Nobody));
        let router = finish(routes())
            .merge(finish(platform_routes()))
            .merge(finish(sandbox_routes()))
            .merge(finish(fault_routes()));
        router.oneshot(request).await.unwrap()
    }

    async fn ask(&self, question: &Question) -> (String, SourceAnswer) {
        let sealed = question
            .seal(&self.source.parts.opening_key.public_key())
            .unwrap();
        let answer = self
            .call("POST", "/v1/identity-checks", Some(json!({"sealed": sealed})))
            .await;
        assert_eq!(answer.status(), 200);
        let answer: IdentityCheckAnswer = read(answer).await;
        let key = self.source.parts.signing_key.public_key();
        (sealed, message::open(&answer.answer, &key).unwrap())
    }

    fn living(&self) -> Person {
        self.source.people().find(|person| person.living).unwrap()
    }

    fn question(&self, person: &Person, reply_to: &AgreementKey) -> Question {
        use cyberid_crypto::Agree as _;
        Question {
            kind: person.kind,
            name: person.name.clone(),
            number: person.number.clone(),
            valid_until: Personal::new(person.valid_until.to_string()),
            evidence_kind: "sandbox".into(),
            evidence: Personal::new(self.source.population().evidence(person)),
            aud: PLATFORM.into(),
            feed: FEED.into(),
            reply_to: reply_to.public_key(),
        }
    }

    /// The question of a person's device, with their own face.
    fn face(&self, person: &Person) -> FaceQuestion {
        FaceQuestion {
            kind: person.kind,
            number: person.number.clone(),
            sample: Personal::new(self.source.population().evidence(person)),
            aud: PLATFORM.into(),
            jkt: "device".into(),
            nonce: "nonce".into(),
        }
    }

    async fn show(&self, question: &FaceQuestion) -> Response {
        let here = self.source.parts.opening_key.public_key();
        let sealed = question.seal(&here).unwrap();
        self.call("POST", "/v1/face-checks", Some(json!({"sealed": sealed})))
            .await
    }

    async fn evidence(&self, question: &FaceQuestion) -> FaceEvidence {
        let FaceCheckAnswer { evidence } = read(self.show(question).await).await;
        message::open(&evidence, &self.source.parts.signing_key.public_key()).unwrap()
    }
}

async fn read<T: serde::de::DeserializeOwned>(response: Response) -> T {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn a_true_question_is_confirmed_with_the_birth_date_for_the_asker_alone() {
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let person = test.living();
    let (sealed, answer) = test.ask(&test.question(&person, &reply_to)).await;
    assert!(answer.confirmed);
    assert_eq!(answer.iat, NOW);
    assert_eq!(
        answer.question_sha256,
        digest::sha256_base64url(sealed.as_bytes())
    );
    let sealed = cyberid_crypto::base64url::decode(&answer.birth_date_sealed.unwrap()).unwrap();
    let date = hpke::open(&reply_to, BIRTH_DATE_INFO, b"", &sealed).unwrap();
    assert_eq!(*date, person.birth_date.to_string().into_bytes());
    let stranger = AgreementKey::ephemeral().unwrap();
    assert!(hpke::open(&stranger, BIRTH_DATE_INFO, b"", &sealed).is_err());
}

#[tokio::test]
async fn each_statement_must_be_the_persons_own() {
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let person = test.living();
    let mut others = test.source.people();
    let other = others
        .find(|other| other.number != person.number && other.kind != person.kind)
        .unwrap();
    let theirs = test.question(&other, &reply_to);
    let alter: [fn(&mut Question, &Question); 6] = [
        |question, theirs| question.kind = theirs.kind,
        |question, theirs| question.name = theirs.name.clone(),
        |question, theirs| question.number = theirs.number.clone(),
        |question, theirs| question.evidence = theirs.evidence.clone(),
        |question, _| question.valid_until = Personal::new("2040-01-01".into()),
        |question, _| question.evidence_kind = "face".into(),
    ];
    for alter in alter {
        let mut question = test.question(&person, &reply_to);
        alter(&mut question, &theirs);
        let (_, answer) = test.ask(&question).await;
        assert!(!answer.confirmed);
        assert_eq!((answer.birth_date_sealed, answer.person_sealed), (None, None));
    }
}

#[tokio::test]
async fn the_dead_are_not_confirmed() {
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let dead = test.source.people().find(|person| !person.living).unwrap();
    assert!(!test.ask(&test.question(&dead, &reply_to)).await.1.confirmed);
}

/// The handle of the person that the answer to a question holds.
async fn handle_at_enrolment(test: &Test, person: &Person, platform: &str) -> String {
    let reply_to = AgreementKey::ephemeral().unwrap();
    let question = Question {
        aud: platform.into(),
        ..test.question(person, &reply_to)
    };
    let sealed = test.ask(&question).await.1.person_sealed.unwrap();
    let sealed = cyberid_crypto::base64url::decode(&sealed).unwrap();
    assert!(hpke::open(&reply_to, BIRTH_DATE_INFO, b"", &sealed).is_err());
    let handle = hpke::open(&reply_to, PERSON_INFO, b"", &sealed).unwrap();
    String::from_utf8(handle.to_vec()).unwrap()
}

#[tokio::test]
async fn a_face_is_evidence_for_one_platform_device_nonce_and_person() {
    let test = Test::start();
    let person = test.living();
    let evidence = test.evidence(&test.face(&person)).await;
    let expected = FaceEvidence {
        aud: PLATFORM.into(),
        jkt: "device".into(),
        nonce: "nonce".into(),
        person: handle_at_enrolment(&test, &person, PLATFORM).await,
        iat: NOW,
        exp: NOW.plus(MAX_LIFE),
    };
    assert_eq!(evidence, expected);
    let handle: Option<[u8; 32]> = cyberid_crypto::base64url::decode_array(&evidence.person);
    assert!(handle.is_some());
}

#[tokio::test]
async fn a_handle_is_of_one_person_for_one_platform() {
    let test = Test::start();
    let people = test.source.people();
    let mut living = people.filter(|person| person.living);
    let (one, other) = (living.next().unwrap(), living.next().unwrap());
    let mut handles = std::collections::HashSet::new();
    for person in [one, other] {
        for aud in [PLATFORM, "https://another.example"] {
            let question = FaceQuestion {
                aud: aud.into(),
                ..test.face(&person)
            };
            let handle = test.evidence(&question).await.person;
            assert_eq!(handle, test.evidence(&question).await.person);
            assert_eq!(handle, handle_at_enrolment(&test, &person, aud).await);
            assert!(handles.insert(handle));
        }
    }
}

#[tokio::test]
async fn a_face_that_does_not_match_is_refused_like_a_document_that_does_not_exist() {
    let test = Test::start();
    let people = || test.source.people();
    let person = test.living();
    let other = people()
        .find(|other| other.living && other.kind != person.kind)
        .unwrap();
    let dead = people().find(|person| !person.living).unwrap();
    let refused = [
        FaceQuestion {
            sample: test.face(&other).sample,
            ..test.face(&person)
        },
        FaceQuestion {
            number: other.number.clone(),
            ..test.face(&person)
        },
        FaceQuestion {
            kind: other.kind,
            ..test.face(&person)
        },
        FaceQuestion {
            number: Personal::new("11010519491231002X".into()),
            ..test.face(&person)
        },
        test.face(&dead),
    ];
    let mut answers = vec![];
    for question in refused {
        let answer = test.show(&question).await;
        assert_eq!(answer.extensions().get(), Some(&ProblemType::EvidenceRefused));
        answers.push(answer.into_body().collect().await.unwrap().to_bytes());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_face_check_is_sealed_to_this_source_and_has_its_faults() {
    let test = Test::start();
    let elsewhere = cyberid_crypto::Agree::public_key(&AgreementKey::ephemeral().unwrap());
    let question = test.face(&test.living());
    for sealed in ["not sealed".into(), question.seal(&elsewhere).unwrap()] {
        let answer = test
            .call("POST", "/v1/face-checks", Some(json!({"sealed": sealed})))
            .await;
        assert_eq!(answer.extensions().get(), Some(&ProblemType::InvalidMessage));
    }
    test.source.set_fault(crate::Fault::Down);
    let down = test.show(&question).await;
    assert_eq!(down.extensions().get(), Some(&ProblemType::SourceUnavailable));
    test.source.set_fault(crate::Fault::Wrong);
    assert_ne!(test.evidence(&question).await.nonce, "nonce");
}

#[tokio::test]
async fn what_is_not_sealed_to_this_source_is_refused() {
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let elsewhere = cyberid_crypto::Agree::public_key(&AgreementKey::ephemeral().unwrap());
    let question = test.question(&test.living(), &reply_to);
    let here = test.source.parts.opening_key.public_key();
    let empty = cyberid_crypto::jwe::seal(&here, "json", b"{}").unwrap();
    for sealed in ["not sealed".into(), question.seal(&elsewhere).unwrap(), empty] {
        let answer = test
            .call("POST", "/v1/identity-checks", Some(json!({"sealed": sealed})))
            .await;
        assert_eq!(answer.extensions().get(), Some(&ProblemType::InvalidMessage));
    }
}

#[tokio::test]
async fn the_keys_that_it_shows_are_those_that_it_uses() {
    let test = Test::start();
    let keys: SourceKeys = read(test.call("GET", "/v1/source", None).await).await;
    assert_eq!(keys.signing_jwk, test.source.parts.signing_key.public_key());
    assert_eq!(keys.encryption_jwk, test.source.parts.opening_key.public_key());
}

#[tokio::test]
async fn the_list_holds_people_who_can_enrol() {
    let test = Test::start();
    let list: Value = read(test.call("GET", "/sandbox/people?limit=500", None).await).await;
    let listed = list["people"].as_array().unwrap();
    let today = NOW.date();
    let expected = test.source.people().filter(|person| person.can_enrol(today));
    assert_eq!(listed.len(), expected.count());
    assert!(listed.len() < 400);
    for entry in listed {
        let person = test.source.by_document(
            serde_json::from_value(entry["document"]["type"].clone()).unwrap(),
            entry["document"]["number"].as_str().unwrap(),
        );
        let person = person.unwrap();
        assert!(person.living && person.valid_until > today);
        assert_eq!(
            entry["evidence"]["token"],
            test.source.population().evidence(&person)
        );
        assert_eq!(entry["birth_date"], person.birth_date.to_string());
    }
    let few: Value = read(test.call("GET", "/sandbox/people?limit=3", None).await).await;
    assert_eq!(few["people"].as_array().unwrap()[..], listed[..3]);
    let unknown = test.call("GET", "/sandbox/people?count=3", None).await;
    assert_eq!(unknown.extensions().get(), Some(&ProblemType::MalformedRequest));
}

#[tokio::test]
async fn faults_are_made_on_demand_and_end() {
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let question = test.question(&test.living(), &reply_to);
    let set = async |kind: &str| {
        let answer = test.call("POST", "/v1/faults", Some(json!({"kind": kind}))).await;
        assert_eq!(answer.status(), 204);
    };
    set("wrong").await;
    let (sealed, answer) = test.ask(&question).await;
    assert_ne!(
        answer.question_sha256,
        digest::sha256_base64url(sealed.as_bytes())
    );
    let check = async || {
        test.call("POST", "/v1/identity-checks", Some(json!({"sealed": sealed})))
            .await
    };
    set("down").await;
    assert_eq!(
        check().await.extensions().get(),
        Some(&ProblemType::SourceUnavailable)
    );
    set("garbage").await;
    assert_eq!(read::<Value>(check().await).await, json!({"answer": "garbage"}));
    set("none").await;
    assert!(test.ask(&question).await.1.confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_later_than_anyone_waits() {
    let test = Test::start();
    test.source.set_fault(crate::Fault::Slow);
    let reply_to = AgreementKey::ephemeral().unwrap();
    let started = tokio::time::Instant::now();
    assert!(
        test.ask(&test.question(&test.living(), &reply_to))
            .await
            .1
            .confirmed
    );
    assert!(started.elapsed() >= std::time::Duration::from_secs(15));
}

async fn told(test: &Test, query: &NoticeQuery) -> Vec<SourceNotice> {
    let here = test.source.parts.opening_key.public_key();
    let body = json!({"sealed": query.seal(&here).unwrap()});
    let answer = test.call("POST", "/v1/notices", Some(body)).await;
    assert_eq!(answer.status(), 200);
    let NoticesAnswer { notices } = read(answer).await;
    let key = test.source.parts.signing_key.public_key();
    let opened = notices.iter().map(|notice| message::open(notice, &key).unwrap());
    opened.collect()
}

async fn happens(test: &Test, person: &Person, happening: &str, name: Option<&str>) -> Response {
    let mut body = json!({"type": person.kind, "number": person.number.expose(), "happening": happening});
    if let Some(name) = name {
        body["name"] = name.into();
    }
    test.call("POST", "/sandbox/happenings", Some(body)).await
}

#[tokio::test]
async fn a_platform_is_told_of_those_who_were_confirmed_to_it_and_of_nobody_else() {
    use cyberid_crypto::Agree as _;
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let passport = |person: &Person| person.living && person.kind == DocumentType::Passport;
    let mut passports = test.source.people().filter(passport);
    let (person, stranger) = (passports.next().unwrap(), passports.next().unwrap());
    assert!(test.ask(&test.question(&person, &reply_to)).await.1.confirmed);
    let handle = handle_at_enrolment(&test, &person, PLATFORM).await;
    assert_eq!(happens(&test, &stranger, "died", None).await.status(), 200);
    let corrected = happens(&test, &person, "name_corrected", Some("ANNA NEW")).await;
    assert_eq!(
        read::<Value>(corrected).await["person"]["document"]["name"],
        "ANNA NEW"
    );
    assert_eq!(
        happens(&test, &person, "document_renewed", None).await.status(),
        200
    );

    let query = NoticeQuery {
        aud: PLATFORM.into(),
        feed: FEED.into(),
        after: 0,
        reply_to: reply_to.public_key(),
    };
    let notices = told(&test, &query).await;
    let seen: Vec<_> = notices
        .iter()
        .map(|notice| (notice.seq, notice.happening))
        .collect();
    assert_eq!(
        seen,
        [(2, Happening::NameCorrected), (3, Happening::DocumentRenewed)]
    );
    assert!(
        notices
            .iter()
            .all(|notice| notice.person == handle && notice.aud == PLATFORM)
    );
    let document = NoticedDocument::open(&notices[0], &reply_to).unwrap();
    assert_eq!(document.name.expose(), "ANNA NEW");
    assert_ne!(document.number, person.number);
    let again = told(&test, &query).await;
    assert_eq!(again[0].jti, notices[0].jti);
    assert_ne!(notices[0].jti, notices[1].jti);
    let later = NoticeQuery {
        after: 2,
        ..query.clone()
    };
    assert_eq!(told(&test, &later).await.len(), 1);
    let other = NoticeQuery {
        feed: cyberid_crypto::base64url::encode(&[9; 32]),
        ..query
    };
    assert!(told(&test, &other).await.is_empty());
}

#[tokio::test]
async fn an_old_document_a_lost_one_and_the_dead_are_confirmed_no_more() {
    let test = Test::start();
    let reply_to = AgreementKey::ephemeral().unwrap();
    let passport = |person: &Person| person.living && person.kind == DocumentType::Passport;
    let person = test.source.people().find(passport).unwrap();
    assert_eq!(happens(&test, &person, "document_lost", None).await.status(), 200);
    assert!(!test.ask(&test.question(&person, &reply_to)).await.1.confirmed);
    assert_eq!(
        happens(&test, &person, "document_renewed", None).await.status(),
        200
    );
    assert!(!test.ask(&test.question(&person, &reply_to)).await.1.confirmed);
    let now = test.source.now(&person);
    assert!(test.ask(&test.question(&now, &reply_to)).await.1.confirmed);
    let old = happens(&test, &person, "died", None).await;
    assert_eq!(old.extensions().get(), Some(&ProblemType::NotFound));
    assert_eq!(happens(&test, &now, "died", None).await.status(), 200);
    assert!(!test.ask(&test.question(&now, &reply_to)).await.1.confirmed);
    for (happening, name) in [
        ("name_corrected", None),
        ("died", Some("NAME")),
        ("name_corrected", Some("")),
    ] {
        let refused = happens(&test, &now, happening, name).await;
        assert_eq!(refused.extensions().get(), Some(&ProblemType::InvalidMessage));
    }
}
