//! A witness that keeps its word, and can be switched off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use cyberid_client::Client;
use cyberid_ledger::Witness;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::note::{Ed25519Signer, NoteSignature, NoteSigner as _, VerifierKey};
use cyberid_tlog::witness::{AddCheckpoint, Latest, Refusal, format_size};
use http::StatusCode;

use super::script::Script;

pub(super) struct StubWitness {
    log: VerifierKey,
    key: Ed25519Signer,
    latest: Mutex<Latest>,
    down: AtomicBool,
    script: Arc<Script>,
}

impl StubWitness {
    pub(super) async fn start(log: VerifierKey, script: Arc<Script>) -> (Arc<Self>, Witness) {
        let key = Ed25519Signer::cosigner_from_seed("witness.example/w1", &[9; 32]);
        let key = key.unwrap_or_else(|_| unreachable!());
        let verifier = key.verifier_key().clone();
        let witness = Arc::new(Self {
            log,
            key,
            latest: Mutex::default(),
            down: AtomicBool::new(false),
            script,
        });
        let router = Router::new().route("/add-checkpoint", post(add_checkpoint));
        let base = super::platform::serve(router.with_state(Arc::clone(&witness))).await;
        let client = Client::new(&base).unwrap();
        (
            witness,
            Witness {
                client,
                key: verifier,
            },
        )
    }

    /// How many leaves the witness has vouched for.
    pub(super) fn seen(&self) -> u64 {
        self.latest.lock().unwrap().size
    }

    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }
}

async fn add_checkpoint(State(witness): State<Arc<StubWitness>>, body: String) -> Response {
    if witness.down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let cosigned = async { Ok(cosigned(&witness, &body)) };
    let failure = || StatusCode::BAD_GATEWAY.into_response();
    let reached = witness.script.reach("witness", cosigned, failure).await;
    reached.unwrap_or_else(|failed| failed)
}

fn cosigned(witness: &StubWitness, body: &str) -> Response {
    let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
    let mut latest = witness.latest.lock().unwrap();
    match request.check(&witness.log, *latest) {
        Ok(checkpoint) => {
            *latest = Latest {
                size: checkpoint.size(),
                root: checkpoint.root(),
            };
            let line = cosign(&checkpoint, 1_800_000_000, &witness.key).unwrap();
            NoteSignature::format_lines(&[line]).into_response()
        }
        Err(Refusal::Conflict { size }) => (StatusCode::CONFLICT, format_size(size)).into_response(),
        Err(_) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}
