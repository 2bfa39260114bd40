//! A vault or a custodian as issuance sees it: it checks every command, keeps what it is told, and fails as scripted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, base64url, hpke};
use cyberid_domain::Clock;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::id::SubjectId;
use cyberid_protocol::deposit::{
    CommandBody, Deposit, DepositedField, KeyHolder, MAX_LIFE, Outcome, RESERVATION_INFO, Reservation,
    Settlement,
};
use cyberid_protocol::device::{Binding, Unbinding};
use cyberid_protocol::life::{Renumbering, RenumberingBody};
use cyberid_protocol::message::{self, Message};
use cyberid_protocol::problem::ProblemType;
use cyberid_web::Failure;
use http::StatusCode;
use serde_json::json;
use tokio::sync::Semaphore;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The peer says that it cannot, and did nothing.
    Refused,
    /// The answer is lost, and nothing was done.
    LostNotDone,
    /// The answer is lost, and it was done.
    LostDone,
}

pub(super) struct HolderPeer {
    pub(super) which: KeyHolder,
    pub(super) key: AgreementKey,
    enrolment: PublicKey,
    clock: Arc<ManualClock>,
    state: Mutex<Kept>,
    /// Where a call waits until the test lets it go on.
    pub(super) gate: Semaphore,
}

#[derive(Default)]
struct Kept {
    reservations: HashMap<String, SubjectId>,
    records: HashMap<SubjectId, Record>,
    bindings: Vec<Binding>,
    unbindings: Vec<Unbinding>,
    settlements: usize,
    fault: Option<(&'static str, Fault, usize)>,
    paused: Option<&'static str>,
    waiting: bool,
}

#[derive(Clone)]
pub(super) struct Record {
    pub(super) device: PublicKey,
    pub(super) number_commitment: String,
    pub(super) fields: Vec<DepositedField>,
    pub(super) confirmed: bool,
}

impl HolderPeer {
    pub(super) fn new(which: KeyHolder, enrolment: PublicKey, clock: Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            which,
            key: AgreementKey::ephemeral().unwrap(),
            enrolment,
            clock,
            state: Mutex::default(),
            gate: Semaphore::new(0),
        })
    }

    pub(super) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/v1/deposits", post(deposit))
            .route("/v1/settlements", post(settle))
            .route("/v1/bindings", post(bind))
            .route("/v1/unbindings", post(unbind))
            .route("/v1/renumberings", post(renumber))
            .route("/v1/staged-versions", post(take))
            .route("/v1/version-switches", post(take));
        let router = match self.which {
            KeyHolder::Vault => router.route("/v1/reservations", post(reserve)),
            KeyHolder::Custodian => router,
        };
        router.with_state(Arc::clone(self))
    }

    /// Makes the next `times` calls at `path` fail so.
    pub(super) fn fail(&self, path: &'static str, fault: Fault, times: usize) {
        self.state.lock().unwrap().fault = Some((path, fault, times));
    }

    /// How many scripted faults have not been hit.
    pub(super) fn faults_left(&self) -> usize {
        self.state.lock().unwrap().fault.map_or(0, |(_, _, times)| times)
    }

    /// Makes the next call at `path` wait at the gate.
    pub(super) fn pause(&self, path: &'static str) {
        self.state.lock().unwrap().paused = Some(path);
    }

    /// Whether a call waits at the gate.
    pub(super) fn is_waiting(&self) -> bool {
        self.state.lock().unwrap().waiting
    }

    pub(super) fn records(&self) -> HashMap<SubjectId, Record> {
        self.state.lock().unwrap().records.clone()
    }

    pub(super) fn reservations(&self) -> HashMap<String, SubjectId> {
        self.state.lock().unwrap().reservations.clone()
    }

    /// How often it was told how enrolments ended.
    pub(super) fn settlements(&self) -> usize {
        self.state.lock().unwrap().settlements
    }

    /// The devices that were bound beside the first.
    pub(super) fn bindings(&self) -> Vec<Binding> {
        self.state.lock().unwrap().bindings.clone()
    }

    /// The thumbprints of the devices that were unbound.
    pub(super) fn unbound(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.unbindings.iter().map(|it| it.device.thumbprint()).collect()
    }

    fn open<C: Message>(&self, body: &CommandBody) -> C {
        message::open(&body.message, &self.enrolment).expect("a command that the enrolment key signed")
    }

    fn check(&self, aud: KeyHolder, iat: cyberid_domain::UnixTime, exp: cyberid_domain::UnixTime) {
        assert_eq!(aud, self.which, "a command for the other key holder");
        message::check_life(iat, exp, MAX_LIFE, self.clock.now()).expect("a command of this moment");
    }

    /// Does the work of a call, unless it is scripted to fail.
    async fn serve(&self, path: &'static str, work: impl FnOnce(&mut Kept) -> Response) -> Response {
        self.wait_if_paused(path).await;
        let mut state = self.state.lock().unwrap();
        let fault = match &mut state.fault {
            Some((at, fault, times)) if *at == path && *times > 0 => {
                *times -= 1;
                Some(*fault)
            }
            _ => None,
        };
        match fault {
            None => work(&mut state),
            Some(Fault::Refused) => Failure::from(ProblemType::Unavailable).into_response(),
            Some(Fault::LostNotDone) => StatusCode::BAD_GATEWAY.into_response(),
            Some(Fault::LostDone) => {
                work(&mut state);
                StatusCode::BAD_GATEWAY.into_response()
            }
        }
    }

    async fn wait_if_paused(&self, path: &'static str) {
        let paused = {
            let mut state = self.state.lock().unwrap();
            let paused = state.paused == Some(path);
            if paused {
                state.paused = None;
                state.waiting = true;
            }
            paused
        };
        if paused {
            self.gate.acquire().await.unwrap().forget();
        }
    }
}

async fn reserve(State(peer): State<Arc<HolderPeer>>, Json(body): Json<CommandBody>) -> Response {
    let command: Reservation = peer.open(&body);
    peer.check(command.aud, command.iat, command.exp);
    let sealed = base64url::decode(&command.person_sealed).unwrap();
    let person = hpke::open(&peer.key, RESERVATION_INFO, command.subject.as_bytes(), &sealed).unwrap();
    let person = String::from_utf8(person.to_vec()).unwrap();
    peer.serve("/v1/reservations", |kept| {
        let holder = *kept.reservations.entry(person).or_insert(command.subject);
        Json(json!({"reserved": holder == command.subject})).into_response()
    })
    .await
}

async fn deposit(State(peer): State<Arc<HolderPeer>>, Json(body): Json<CommandBody>) -> Response {
    let command: Deposit = peer.open(&body);
    peer.check(command.aud, command.iat, command.exp);
    let person = command.person_sealed.as_deref().map(|sealed| {
        let sealed = base64url::decode(sealed).unwrap();
        let person = hpke::open(&peer.key, RESERVATION_INFO, command.subject.as_bytes(), &sealed).unwrap();
        String::from_utf8(person.to_vec()).unwrap()
    });
    peer.serve("/v1/deposits", |kept| {
        if let Some(person) = person
            && *kept.reservations.entry(person).or_insert(command.subject) != command.subject
        {
            return Failure::from(ProblemType::Forbidden).into_response();
        }
        if peer.which == KeyHolder::Vault
            && !kept
                .reservations
                .values()
                .any(|subject| *subject == command.subject)
        {
            return Failure::from(ProblemType::Forbidden).into_response();
        }
        let record = Record {
            device: command.device,
            number_commitment: command.number_commitment,
            fields: command.fields,
            confirmed: false,
        };
        kept.records.insert(command.subject, record);
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

async fn settle(State(peer): State<Arc<HolderPeer>>, Json(body): Json<CommandBody>) -> Response {
    let command: Settlement = peer.open(&body);
    peer.check(command.aud, command.iat, command.exp);
    peer.serve("/v1/settlements", |kept| {
        kept.settlements += 1;
        for subject in command.others.iter().chain([&command.subject]) {
            match (command.outcome, kept.records.get_mut(subject)) {
                (Outcome::Confirmed, Some(record)) => record.confirmed = true,
                (Outcome::Confirmed, None) => return Failure::from(ProblemType::NotFound).into_response(),
                (Outcome::Freed, Some(record)) if record.confirmed => {}
                (Outcome::Freed, _) => {
                    kept.records.remove(subject);
                    kept.reservations.retain(|_, reserved| reserved != subject);
                }
            }
        }
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

async fn renumber(State(peer): State<Arc<HolderPeer>>, Json(body): Json<RenumberingBody>) -> Response {
    let unverified = message::unverified::<Renumbering>(&body.renumbering).unwrap();
    let kid = unverified.kid().unwrap().to_owned();
    peer.serve("/v1/renumberings", |kept| {
        let mut records = kept.records.values_mut();
        let Some(record) = records.find(|record| record.device.thumbprint() == kid) else {
            return Failure::from(ProblemType::InvalidMessage).into_response();
        };
        let claims: Renumbering = unverified.verify(&record.device).expect("the holder signed it");
        record.number_commitment = claims.number_commitment;
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

async fn bind(State(peer): State<Arc<HolderPeer>>, Json(body): Json<CommandBody>) -> Response {
    let command: Binding = peer.open(&body);
    peer.check(command.aud, command.iat, command.exp);
    peer.serve("/v1/bindings", |kept| {
        // What was unbound is so for good.
        let gone = |it: &Unbinding| it.subject == command.subject && it.device == command.device;
        if kept.unbindings.iter().any(gone) {
            return Failure::from(ProblemType::Forbidden).into_response();
        }
        kept.bindings.push(command);
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

async fn unbind(State(peer): State<Arc<HolderPeer>>, Json(body): Json<CommandBody>) -> Response {
    let command: Unbinding = peer.open(&body);
    peer.check(command.aud, command.iat, command.exp);
    peer.serve("/v1/unbindings", |kept| {
        kept.unbindings.push(command);
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

/// Takes whatever it is told.
async fn take() -> StatusCode {
    StatusCode::NO_CONTENT
}
