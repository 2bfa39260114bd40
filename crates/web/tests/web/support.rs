//! A small service on a real socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use cyberid_crypto::MacKey;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::relying_party::Role;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::{Rng, UnixTime};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_web::auth::{AccessTokens, HolderCaller, RelyingPartyCaller};
use cyberid_web::extract::{PathParam, PersonalJson, StrictJson, StrictQuery};
use cyberid_web::operations::{self, NotReady, Operations, Readiness};
use cyberid_web::server::{Limits, PeerCertificate, Server, Tls};
use cyberid_web::{Failure, Routes};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use utoipa_axum::routes;

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const START: UnixTime = UnixTime(1_800_000_000);

/// Longer than anything here takes, so that a hanging test ends.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) entered: Arc<Notify>,
    pub(crate) open: Arc<Notify>,
}

/// One service, its operations, and what a test needs to move it.
pub(crate) struct Platform {
    pub(crate) address: SocketAddr,
    pub(crate) tokens: Arc<AccessTokens>,
    pub(crate) gate: Gate,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
}

pub(crate) fn tokens(clock: Arc<ManualClock>) -> AccessTokens {
    tokens_of(ISSUER, 1, clock)
}

pub(crate) fn tokens_of(issuer: &str, mac: u8, clock: Arc<ManualClock>) -> AccessTokens {
    let mac = MacKey::new([mac; 32].into());
    AccessTokens::new(issuer, &mac, clock, Arc::new(SystemRng) as Arc<dyn Rng>)
}

impl Platform {
    pub(crate) async fn start() -> Self {
        Self::start_with(Limits::default(), None, |tokens| tokens).await
    }

    pub(crate) async fn start_limited(limits: Limits) -> Self {
        Self::start_with(limits, None, |tokens| tokens).await
    }

    pub(crate) async fn start_with(
        limits: Limits,
        tls: Option<Tls>,
        change: impl FnOnce(AccessTokens) -> AccessTokens,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let tokens = Arc::new(change(tokens(clock)));
        let gate = Gate {
            entered: Arc::default(),
            open: Arc::default(),
        };
        let router = service().finish(gate.clone(), Arc::clone(&tokens) as _).merge(
            operations::routes().finish(Operations::new(Arc::new(NeverReady)), Arc::clone(&tokens) as _),
        );
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(Server { limits, tls }.serve(listener, router, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            tokens,
            gate,
            stop,
            serving,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(self.url(path)).await.unwrap()
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        media_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let request = reqwest::Client::new()
            .post(self.url(path))
            .header("content-type", media_type)
            .body(body);
        request.send().await.unwrap()
    }
}

/// The problem of an answer, after checking that it is a well-formed one.
pub(crate) async fn problem(response: reqwest::Response) -> Problem {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.kind.status(), status);
    problem
}

fn service() -> Routes<Gate> {
    Routes::new("Test", "A service for tests.")
        .public(routes!(echo))
        .public(routes!(confide))
        .public(routes!(item))
        .public(routes!(page))
        .public(routes!(panics))
        .public(routes!(wait))
        .public(routes!(certificate))
        .authorize(&[Role::RelyingParty], routes!(whoami))
        .authorize(&[Role::Holder], routes!(me))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    word: String,
}

/// Says the word again.
#[utoipa::path(post, path = "/echo", request_body(content = Value, example = json!({"word": "a"})),
    responses((status = 200, body = Value, example = json!({"word": "a"}))))]
async fn echo(StrictJson(word): StrictJson<Word>) -> Json<Word> {
    Json(word)
}

/// Says the word again, which is somebody's own.
#[utoipa::path(post, path = "/confide", request_body(content = Value, example = json!({"word": "a"})),
    responses((status = 200, body = Value, example = json!({"word": "a"}))))]
async fn confide(PersonalJson(word): PersonalJson<Word>) -> Json<Word> {
    Json(word)
}

/// Gives the item of a number.
#[utoipa::path(get, path = "/items/{number}", params(("number" = u8, Path)),
    responses((status = 200, body = Value, example = json!(7))))]
async fn item(PathParam(number): PathParam<u8>) -> Json<u8> {
    Json(number)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: u8,
}

/// Gives a page.
#[utoipa::path(get, path = "/page", params(("limit" = u8, Query)),
    responses((status = 200, body = Value, example = json!(7))))]
async fn page(StrictQuery(page): StrictQuery<Page>) -> Json<u8> {
    Json(page.limit)
}

/// Panics.
#[utoipa::path(get, path = "/panics", responses((status = 204)))]
async fn panics() {
    panic!("the secret word is swordfish");
}

/// Waits for the gate to open.
#[utoipa::path(get, path = "/wait", responses((status = 200, body = String, example = json!("open"))))]
async fn wait(State(gate): State<Gate>) -> &'static str {
    gate.entered.notify_one();
    gate.open.notified().await;
    "open"
}

/// Gives the length of the digest of the client's certificate, 0 without one.
#[utoipa::path(get, path = "/certificate", responses((status = 200, body = Value, example = json!(32))))]
async fn certificate(request: axum::extract::Request) -> Json<usize> {
    let certificate = request.extensions().get::<PeerCertificate>();
    Json(certificate.map_or(0, |certificate| certificate.sha256.len()))
}

/// Says which relying party calls.
#[utoipa::path(post, path = "/whoami", responses((status = 200, body = String, example = json!("a"))))]
async fn whoami(caller: RelyingPartyCaller) -> String {
    caller.client_id.as_str().into()
}

/// Says which device calls.
#[utoipa::path(get, path = "/me", responses((status = 200, body = String, example = json!("a"))))]
async fn me(caller: HolderCaller) -> Result<String, Failure> {
    match caller.jkt.as_str() {
        "" => Err(ProblemType::Internal.into()),
        jkt => Ok(jkt.into()),
    }
}

struct NeverReady;

#[async_trait::async_trait]
impl Readiness for NeverReady {
    async fn check(&self) -> Result<(), NotReady> {
        Err(NotReady {
            part: "the disk",
            source: Some("it is on fire".into()),
        })
    }
}
