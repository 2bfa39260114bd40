//! Vault and custodian as they look from here: both check the whole warrant, and remember.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_domain::Clock;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::warrant::{
    Anchors, Opened, Remembered, RememberedSize, Warrant, WarrantBody, WarrantRefused,
};
use cyberid_web::Failure;

/// What the vault does next instead of its work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Refuse,
    Stale,
    Break,
}

pub(super) struct KeyHolders {
    anchors: Anchors,
    devices: Vec<PublicKey>,
    clock: Arc<dyn Clock>,
    state: Mutex<Inside>,
    at_work: AtomicUsize,
    most_at_work: AtomicUsize,
}

#[derive(Default)]
struct Inside {
    vault: Remembered,
    custodian: Remembered,
    asked: Vec<Warrant>,
    opened: usize,
    moods: Vec<Mood>,
}

impl KeyHolders {
    /// Starts both; the clients for the vault and the custodian.
    pub(super) async fn start(
        anchors: Anchors,
        devices: Vec<PublicKey>,
        clock: Arc<dyn Clock>,
    ) -> (Arc<Self>, Client, Client) {
        let holders = Arc::new(Self {
            anchors,
            devices,
            clock,
            state: Mutex::default(),
            at_work: AtomicUsize::new(0),
            most_at_work: AtomicUsize::new(0),
        });
        let vault = Router::new()
            .route("/v1/checkpoint", get(vault_checkpoint))
            .route("/v1/openings", post(open))
            .with_state(Arc::clone(&holders));
        let custodian = Router::new()
            .route("/v1/checkpoint", get(custodian_checkpoint))
            .with_state(Arc::clone(&holders));
        let vault = Client::new(&super::platform::serve(vault).await).unwrap();
        let custodian = Client::new(&super::platform::serve(custodian).await).unwrap();
        (holders, vault, custodian)
    }

    /// What the vault does at the next calls, before it works again.
    pub(super) fn will(&self, moods: &[Mood]) {
        self.state.lock().unwrap().moods = moods.to_vec();
    }

    /// How often the vault was asked.
    pub(super) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked.len()
    }

    /// How many warrants the vault ever had before it at once.
    pub(super) fn most_at_work(&self) -> usize {
        self.most_at_work.load(Ordering::SeqCst)
    }

    /// How often the vault opened.
    pub(super) fn opened(&self) -> usize {
        self.state.lock().unwrap().opened
    }

    fn check(&self, inside: &mut Inside, warrant: &Warrant) -> Result<(), WarrantRefused> {
        let jkt = warrant.device_jkt()?;
        let device = self.devices.iter().find(|key| key.thumbprint() == jkt);
        let device = device.ok_or(WarrantRefused::UnknownDevice)?;
        let now = self.clock.now();
        let check = |holder, remembered| warrant.check(holder, &self.anchors, device, remembered, now);
        let vault = check(KeyHolder::Vault, inside.vault)?.checkpoint;
        let custodian = check(KeyHolder::Custodian, inside.custodian)?.checkpoint;
        (inside.vault, inside.custodian) = (vault, custodian);
        Ok(())
    }
}

async fn vault_checkpoint(State(holders): State<Arc<KeyHolders>>) -> Json<RememberedSize> {
    let size = holders.state.lock().unwrap().vault.size;
    Json(RememberedSize { size })
}

async fn custodian_checkpoint(State(holders): State<Arc<KeyHolders>>) -> Json<RememberedSize> {
    let size = holders.state.lock().unwrap().custodian.size;
    Json(RememberedSize { size })
}

async fn open(State(holders): State<Arc<KeyHolders>>, Json(body): Json<WarrantBody>) -> Response {
    let at_work = holders.at_work.fetch_add(1, Ordering::SeqCst) + 1;
    holders.most_at_work.fetch_max(at_work, Ordering::SeqCst);
    // Long enough for another warrant to arrive, if one is sent.
    tokio::time::sleep(Duration::from_millis(20)).await;
    holders.at_work.fetch_sub(1, Ordering::SeqCst);
    answer(&holders, &body)
}

fn answer(holders: &KeyHolders, body: &WarrantBody) -> Response {
    let mut inside = holders.state.lock().unwrap();
    inside.asked.push(body.warrant.clone());
    if !inside.moods.is_empty() {
        let problem = match inside.moods.remove(0) {
            Mood::Refuse => Problem::new(ProblemType::WarrantRefused).with("reason", "leaf_differs"),
            Mood::Stale => Problem::new(ProblemType::StaleConsistency).with("size", 0),
            Mood::Break => return http::StatusCode::BAD_GATEWAY.into_response(),
        };
        return Failure::from(problem).into_response();
    }
    match holders.check(&mut inside, &body.warrant) {
        Ok(()) => {
            inside.opened += 1;
            let identity = format!("sealed identity number {}", inside.opened);
            Json(Opened { identity }).into_response()
        }
        Err(refused) => {
            let problem = Problem::new(ProblemType::WarrantRefused).with("reason", refused.reason());
            Failure::from(problem).into_response()
        }
    }
}
