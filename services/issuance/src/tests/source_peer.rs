//! An identity source that knows everybody, takes the evidence `true`, and misbehaves as scripted.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use cyberid_crypto::jwe::Sealed;
use cyberid_crypto::{AgreementKey, Sign as _, SigningKey, base64url, digest, hpke, json};
use cyberid_domain::Clock as _;
use cyberid_domain::Rng as _;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::notice::{NoticeQuery, NoticedDocument, NoticesBody, SourceNotice};
use cyberid_protocol::source::{BIRTH_DATE_INFO, IdentityCheckBody, PERSON_INFO, Question, SourceAnswer};
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::json;

const JSON: (http::HeaderName, &str) = (CONTENT_TYPE, "application/json");

/// How the source misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Down,
    Garbage,
    NotJson,
    Html,
    Huge,
    Truncated,
    Slow,
    /// It answers rightly, after a moment.
    Late,
    OtherShape,
    ForeignKey,
    OtherQuestion,
    Old,
    FromTheFuture,
    NoBirthDate,
    BirthDateForAnother,
    BirthDateOfNoForm,
    NoPerson,
    PersonForAnother,
    PersonOfNoForm,
}

/// What somebody on the way makes of an answer.
pub(super) type Twist = Box<dyn Fn(String) -> String + Send + Sync>;

pub(super) struct SourcePeer {
    pub(super) signing: Arc<SigningKey>,
    pub(super) opening: AgreementKey,
    clock: Arc<ManualClock>,
    script: Mutex<(Fault, String)>,
    twist: Mutex<Option<Twist>>,
    questions: Mutex<Vec<String>>,
    notices: Mutex<Vec<String>>,
    document: Mutex<Option<(SourceNotice, NoticedDocument)>>,
}

pub(super) fn signing_key() -> SigningKey {
    let scalar = cyberid_crypto::key::random_scalar(|out| SystemRng.fill(out));
    SigningKey::from_scalar(&scalar).unwrap()
}

impl SourcePeer {
    pub(super) fn new(clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            signing: Arc::new(signing_key()),
            opening: AgreementKey::ephemeral().unwrap(),
            clock,
            script: Mutex::new((Fault::None, "1990-05-17".into())),
            twist: Mutex::default(),
            questions: Mutex::default(),
            notices: Mutex::default(),
            document: Mutex::default(),
        })
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/v1/identity-checks", post(check))
            .route("/v1/notices", post(tell))
            .with_state(Arc::clone(self))
    }

    /// What it answers from now on to whoever asks for notices.
    pub(super) fn tells(&self, notices: &[String]) {
        *self.notices.lock().unwrap() = notices.to_vec();
    }

    /// Every answer goes through this from now on.
    pub(super) fn twist(&self, twist: Twist) {
        *self.twist.lock().unwrap() = Some(twist);
    }

    fn twisted(&self, answer: String) -> String {
        match &*self.twist.lock().unwrap() {
            Some(twist) => twist(answer),
            None => answer,
        }
    }

    /// Tells once of this new document, whoever asks next.
    pub(super) fn tells_of(&self, notice: SourceNotice, document: NoticedDocument) {
        *self.document.lock().unwrap() = Some((notice, document));
    }

    pub(super) fn misbehave(&self, fault: Fault) {
        self.script.lock().unwrap().0 = fault;
    }

    /// The birth date of everybody who is asked about from now on.
    pub(super) fn born_on(&self, date: &str) {
        self.script.lock().unwrap().1 = date.into();
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.questions.lock().unwrap().len()
    }

    fn answer(&self, sealed: &str, question: &Question, fault: Fault, birth_date: &str) -> String {
        use cyberid_crypto::Agree as _;
        let confirmed = question.evidence.expose() == "true" && question.evidence_kind == "sandbox";
        let stranger = AgreementKey::ephemeral().unwrap().public_key();
        let reply_to = match fault {
            Fault::BirthDateForAnother => stranger,
            _ => question.reply_to,
        };
        let person_to = match fault {
            Fault::PersonForAnother => stranger,
            _ => question.reply_to,
        };
        let person = match fault {
            Fault::PersonOfNoForm => "somebody".into(),
            _ => handle(question.number.expose(), &question.aud),
        };
        let person = hpke::seal(&person_to, PERSON_INFO, b"", person.as_bytes()).unwrap();
        let text = match fault {
            Fault::BirthDateOfNoForm => "17.5.1990",
            _ => birth_date,
        };
        let birth_date = hpke::seal(&reply_to, BIRTH_DATE_INFO, b"", text.as_bytes()).unwrap();
        let bound_to = match fault {
            Fault::OtherQuestion => "another question",
            _ => sealed,
        };
        let now = self.clock.now();
        let answer = SourceAnswer {
            question_sha256: digest::sha256_base64url(bound_to.as_bytes()),
            confirmed,
            birth_date_sealed: (confirmed && fault != Fault::NoBirthDate)
                .then(|| base64url::encode(&birth_date)),
            person_sealed: (confirmed && fault != Fault::NoPerson).then(|| base64url::encode(&person)),
            iat: match fault {
                Fault::Old => now.minus(121),
                Fault::FromTheFuture => now.plus(61),
                _ => now,
            },
        };
        match fault {
            Fault::ForeignKey => answer.sign(&signing_key()).unwrap(),
            _ => answer.sign(&*self.signing).unwrap(),
        }
    }
}

/// The handle by which this source knows the person of a document towards a platform.
pub(super) fn handle(number: &str, platform: &str) -> String {
    base64url::encode(&digest::sha256(format!("{number} {platform}").as_bytes()))
}

async fn tell(State(peer): State<Arc<SourcePeer>>, Json(body): Json<NoticesBody>) -> Response {
    let mut notices = peer.notices.lock().unwrap().clone();
    if let Some((mut notice, document)) = peer.document.lock().unwrap().take() {
        let query = Sealed::parse(&body.sealed).unwrap().open(&peer.opening).unwrap();
        let query: NoticeQuery = json::from_slice(&query).unwrap();
        notice.document_sealed = Some(document.seal(&query.reply_to, &notice.jti).unwrap());
        notices.push(notice.sign(&*peer.signing).unwrap());
    }
    Json(json!({ "notices": notices })).into_response()
}

async fn check(State(peer): State<Arc<SourcePeer>>, Json(body): Json<IdentityCheckBody>) -> Response {
    let plaintext = Sealed::parse(&body.sealed).unwrap().open(&peer.opening).unwrap();
    let question: Question = json::from_slice(&plaintext).unwrap();
    peer.questions
        .lock()
        .unwrap()
        .push(question.number.expose().to_owned());
    let (fault, birth_date) = peer.script.lock().unwrap().clone();
    if fault == Fault::Late {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    match fault {
        Fault::Down => StatusCode::BAD_GATEWAY.into_response(),
        Fault::NotJson => ([JSON], "{\"answer\":").into_response(),
        Fault::Html => ([(CONTENT_TYPE, "text/html")], "<!doctype html>").into_response(),
        Fault::Huge => ([JSON], " ".repeat(8 * 1024 * 1024)).into_response(),
        Fault::Truncated => ([JSON], [(CONTENT_LENGTH, "4096")], cut_off()).into_response(),
        Fault::Slow => {
            tokio::time::sleep(std::time::Duration::from_secs(20)).await;
            StatusCode::NO_CONTENT.into_response()
        }
        Fault::Garbage => Json(json!({"answer": "garbage"})).into_response(),
        Fault::OtherShape => Json(json!({"confirmed": true})).into_response(),
        _ => {
            let answer = peer.answer(&body.sealed, &question, fault, &birth_date);
            Json(json!({"answer": peer.twisted(answer)})).into_response()
        }
    }
}

/// A body that breaks off.
fn cut_off() -> Body {
    let begun = Ok(axum::body::Bytes::from_static(b"{\"answer\":\"ey"));
    Body::from_stream(futures_util::stream::iter([
        begun,
        Err(std::io::Error::other("cut off")),
    ]))
}

impl SourcePeer {
    pub(super) fn signing_public_key(&self) -> cyberid_crypto::PublicKey {
        self.signing.public_key()
    }

    pub(super) fn encryption_public_key(&self) -> cyberid_crypto::PublicKey {
        cyberid_crypto::Agree::public_key(&self.opening)
    }
}
