//! Witnesses on real sockets that follow tlog-witness, and can be told not to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64ct::Encoding as _;
use cyberid_client::Client;
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::note::{Ed25519Signer, NoteSignature, NoteSigner};
use cyberid_tlog::witness::{AddCheckpoint, Latest, Refusal, SIZE_CONTENT_TYPE, format_size};

use super::vkey;
use crate::Witness;

/// How a witness behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Honest,
    Down,
    Slow,
    Hanging,
    Garbled,
    Silent,
}

pub(super) struct StubWitness {
    pub(super) key: Ed25519Signer,
    state: Mutex<Inner>,
    url: String,
}

struct Inner {
    mood: Mood,
    latest: Latest,
    requests: usize,
}

impl StubWitness {
    pub(super) async fn start(seed: u8) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = format!("witness{seed}.example");
        let stub = Arc::new(Self {
            key: Ed25519Signer::cosigner_from_seed(&name, &[seed; 32])
                .ok()
                .unwrap(),
            state: Mutex::new(Inner {
                mood: Mood::Honest,
                latest: Latest::default(),
                requests: 0,
            }),
            url: format!("http://{}", listener.local_addr().unwrap()),
        });
        let router = Router::new()
            .route("/add-checkpoint", post(add_checkpoint))
            .with_state(Arc::clone(&stub));
        tokio::spawn(async move { axum::serve(listener, router).await });
        stub
    }

    pub(super) fn witness(&self) -> Witness {
        Witness {
            client: Client::new(&self.url).unwrap(),
            key: self.key.verifier_key().clone(),
        }
    }

    pub(super) fn feel(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    pub(super) fn remember(&self, latest: Latest) {
        self.state.lock().unwrap().latest = latest;
    }

    pub(super) fn latest(&self) -> Latest {
        self.state.lock().unwrap().latest
    }

    pub(super) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    fn answer(&self, body: &[u8]) -> Response {
        let mut state = self.state.lock().unwrap();
        let request = AddCheckpoint::parse(body).unwrap();
        let checkpoint = match request.check(&vkey(), state.latest) {
            Ok(checkpoint) => checkpoint,
            Err(Refusal::Conflict { size }) => {
                let content_type = [("content-type", SIZE_CONTENT_TYPE)];
                return (StatusCode::CONFLICT, content_type, format_size(size)).into_response();
            }
            Err(_) => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        };
        state.latest = Latest {
            size: checkpoint.size(),
            root: checkpoint.root(),
        };
        let line = cosign(&checkpoint, 1_795_000_000, &self.key).unwrap();
        NoteSignature::format_lines(&[line]).into_response()
    }
}

async fn add_checkpoint(State(stub): State<Arc<StubWitness>>, body: Bytes) -> Response {
    let mood = {
        let mut state = stub.state.lock().unwrap();
        state.requests += 1;
        state.mood
    };
    match mood {
        Mood::Honest => stub.answer(&body),
        Mood::Slow => {
            tokio::time::sleep(Duration::from_millis(400)).await;
            stub.answer(&body)
        }
        Mood::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Hanging => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
        Mood::Garbled => {
            // Its own name and key id over somebody else's bytes.
            let log_line = AddCheckpoint::parse(&body).unwrap().checkpoint.signatures()[0].clone();
            let bytes = [stub.key.key_id().0.as_slice(), log_line.bytes()].concat();
            let base64 = base64ct::Base64::encode_string(&bytes);
            format!("\u{2014} {} {base64}\n", stub.key.name()).into_response()
        }
        Mood::Silent => "".into_response(),
    }
}
