//! Vault and custodian as they look from here: both check the whole warrant, and remember.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use cyberid_client::Client;
use cyberid_crypto::PublicKey;
use cyberid_domain::Clock;
use cyberid_domain::id::ReleaseId;
use cyberid_protocol::cancellation::CancellationBody;
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::official::{OfficialWarrant, OfficialWarrantBody};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::warrant::{
    Anchors, Opened, Remembered, RememberedSize, Warrant, WarrantBody, WarrantRefused,
};
use cyberid_tlog::receipt::TlogProof;
use cyberid_web::Failure;

use super::script::Script;
use super::witness::StubWitness;

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
    away: AtomicBool,
    witness: Arc<StubWitness>,
    script: Arc<Script>,
}

#[derive(Default)]
struct Inside {
    vault: Remembered,
    custodian: Remembered,
    asked: Vec<Warrant>,
    opened: usize,
    /// The intents, by their releases, that something was opened for.
    openings: Vec<Leaf>,
    /// How often a warrant came whose intent the witness had not vouched for.
    unwitnessed: usize,
    /// What was asked to be erased.
    erasures: Vec<String>,
    moods: Vec<Mood>,
}

impl KeyHolders {
    /// Starts both; the clients for the vault and the custodian.
    pub(super) async fn start(
        anchors: Anchors,
        devices: Vec<PublicKey>,
        clock: Arc<dyn Clock>,
        witness: Arc<StubWitness>,
        script: Arc<Script>,
    ) -> (Arc<Self>, Client, Client) {
        let holders = Arc::new(Self {
            anchors,
            devices,
            clock,
            state: Mutex::default(),
            at_work: AtomicUsize::new(0),
            most_at_work: AtomicUsize::new(0),
            away: AtomicBool::new(false),
            witness,
            script,
        });
        let vault = Router::new()
            .route("/v1/checkpoint", get(vault_checkpoint))
            .route("/v1/openings", post(open))
            .route("/v1/official-openings", post(open_official))
            .route("/v1/erasures", post(erase))
            .with_state(Arc::clone(&holders));
        let custodian = Router::new()
            .route("/v1/checkpoint", get(custodian_checkpoint))
            .route("/v1/erasures", post(erase))
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

    /// How often something was opened for this release, and for how many different intents.
    pub(super) fn openings_of(&self, id: &ReleaseId) -> (usize, usize) {
        let inside = self.state.lock().unwrap();
        let of = |leaf: &&Leaf| leaf.request.as_ref() == Some(id);
        let opened = inside.openings.iter().filter(of).count();
        let asked = inside.asked.iter().map(|warrant| warrant.leaf.as_str());
        let shown: BTreeSet<_> = asked
            .filter(|leaf| of(&&Leaf::from_text(leaf).unwrap()))
            .collect();
        (opened, shown.len())
    }

    /// How often a warrant came before the witness had vouched for its intent.
    pub(super) fn unwitnessed(&self) -> usize {
        self.state.lock().unwrap().unwitnessed
    }

    /// What the two were asked to erase, by what its holder had signed.
    pub(super) fn erasures(&self) -> Vec<String> {
        self.state.lock().unwrap().erasures.clone()
    }

    /// Whether an erasure is answered at all.
    pub(super) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The check of one key holder, by itself.
    fn admit(&self, holder: KeyHolder, warrant: &Warrant) -> Result<(), Box<Response>> {
        let checked = self.check(holder, warrant);
        checked.map_err(|refused| {
            let problem = Problem::new(ProblemType::WarrantRefused).with("reason", refused.reason());
            Box::new(Failure::from(problem).into_response())
        })
    }

    fn check(&self, holder: KeyHolder, warrant: &Warrant) -> Result<(), WarrantRefused> {
        let jkt = warrant.device_jkt()?;
        let device = self.devices.iter().find(|key| key.thumbprint() == jkt);
        let device = device.ok_or(WarrantRefused::UnknownDevice)?;
        let mut inside = self.state.lock().unwrap();
        let remembered = match holder {
            KeyHolder::Vault => &mut inside.vault,
            KeyHolder::Custodian => &mut inside.custodian,
        };
        let checked = warrant.check(holder, &self.anchors, device, *remembered, self.clock.now())?;
        *remembered = checked.checkpoint;
        Ok(())
    }

    /// What both key holders do with an authority's order, each by itself.
    fn serve_official(&self, warrant: &OfficialWarrant) -> Result<Opened, Box<Response>> {
        self.next_mood()?;
        let mut inside = self.state.lock().unwrap();
        for holder in [KeyHolder::Vault, KeyHolder::Custodian] {
            let remembered = match holder {
                KeyHolder::Vault => &mut inside.vault,
                KeyHolder::Custodian => &mut inside.custodian,
            };
            let checked =
                super::official::check(warrant, holder, &self.anchors, *remembered, self.clock.now());
            let checked = checked.map_err(|refused| {
                let problem = Problem::new(ProblemType::WarrantRefused).with("reason", refused.reason());
                Box::new(Failure::from(problem).into_response())
            })?;
            *remembered = checked.checkpoint;
        }
        inside.opened += 1;
        let identity = format!("sealed identity number {}", inside.opened);
        Ok(Opened { identity })
    }

    /// Notes what is asked, and whether it comes too early.
    fn note(&self, warrant: &Warrant) {
        let mut inside = self.state.lock().unwrap();
        inside.asked.push(warrant.clone());
        let proof: Option<TlogProof> = warrant.proof.parse().ok();
        let vouched = proof.is_some_and(|proof| proof.index < self.witness.seen());
        inside.unwitnessed += usize::from(!vouched);
    }

    fn next_mood(&self) -> Result<(), Box<Response>> {
        let mut inside = self.state.lock().unwrap();
        if inside.moods.is_empty() {
            return Ok(());
        }
        let problem = match inside.moods.remove(0) {
            Mood::Refuse => Problem::new(ProblemType::WarrantRefused).with("reason", "leaf_differs"),
            Mood::Stale => Problem::new(ProblemType::StaleConsistency).with("size", 0),
            Mood::Break => return Err(Box::new(broken())),
        };
        Err(Box::new(Failure::from(problem).into_response()))
    }

    fn hand_over(&self, warrant: &Warrant) -> Opened {
        let mut inside = self.state.lock().unwrap();
        inside.opened += 1;
        let identity = format!("sealed identity number {}", inside.opened);
        inside.openings.push(Leaf::from_text(&warrant.leaf).unwrap());
        Opened { identity }
    }

    /// What a vault does, with the custodian's part of it.
    async fn serve(&self, warrant: &Warrant) -> Result<Opened, Box<Response>> {
        let failed = || Box::new(broken());
        self.note(warrant);
        self.next_mood()?;
        let vault = async { self.admit(KeyHolder::Vault, warrant) };
        self.script.reach("vault admits", vault, failed).await?;
        let custodian = async { self.admit(KeyHolder::Custodian, warrant) };
        self.script.reach("custodian yields", custodian, failed).await?;
        let opened = async { Ok(self.hand_over(warrant)) };
        self.script.reach("vault opens", opened, failed).await
    }
}

fn broken() -> Response {
    http::StatusCode::BAD_GATEWAY.into_response()
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
    match holders.serve(&body.warrant).await {
        Ok(opened) => Json(opened).into_response(),
        Err(failed) => *failed,
    }
}

async fn open_official(
    State(holders): State<Arc<KeyHolders>>,
    Json(body): Json<OfficialWarrantBody>,
) -> Response {
    match holders.serve_official(&body.warrant) {
        Ok(opened) => Json(opened).into_response(),
        Err(failed) => *failed,
    }
}

async fn erase(State(holders): State<Arc<KeyHolders>>, Json(body): Json<CancellationBody>) -> Response {
    let done = async {
        holders.state.lock().unwrap().erasures.push(body.cancellation);
        if holders.away.load(Ordering::SeqCst) {
            // The connection ends without an answer.
            std::panic::resume_unwind(Box::new("away"));
        }
        Ok(http::StatusCode::NO_CONTENT.into_response())
    };
    let erased = holders.script.reach("key holder erases", done, broken).await;
    erased.unwrap_or_else(|failed| failed)
}
