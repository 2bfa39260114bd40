//! Every answer of tlog-witness, over the real router, and what is remembered of it.

mod answers;
mod socket;
mod states;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use cyberid_domain::UnixTime;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_keystore::{KdfCost, Keystore, RoleName};
use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner, SignedNote, VerifierKey};
use cyberid_tlog::proof::{ConsistencyPlan, ConsistencyProof};
use cyberid_tlog::tree::root_from_leaves;
use cyberid_tlog::witness::{AddCheckpoint, accept_response};
use cyberid_web::auth::{Authenticate, Caller};
use cyberid_web::{Failure, ProblemType};
use http::request::Parts as RequestParts;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{Parts, Witness, WitnessError, origin_hash, routes};

const ORIGIN: &str = "log.example/ledger";
const NAME: &str = "witness.example";
const NOW: u64 = 1_795_000_000;

struct Nobody;

#[async_trait]
impl Authenticate for Nobody {
    async fn authenticate(&self, _: &RequestParts) -> Result<Caller, Failure> {
        Err(ProblemType::Unauthenticated.into())
    }
}

/// A log's history: `salt` tells one from another.
#[derive(Clone, Copy)]
struct History(u8);

impl History {
    fn root(self, range: std::ops::Range<u64>) -> Hash {
        root_from_leaves(range.map(|index| leaf_hash(&[&[self.0], index.to_be_bytes().as_slice()].concat())))
            .unwrap()
    }

    fn node(self, node: Node) -> Hash {
        self.root(node.first_leaf()..node.end())
    }

    fn checkpoint(self, size: u64) -> VerifiedCheckpoint {
        let checkpoint = Checkpoint::new(ORIGIN, size, self.root(0..size)).unwrap();
        checkpoint.sign(&log_key()).unwrap()
    }

    fn request(self, old: u64, new: u64) -> AddCheckpoint {
        let proof = ConsistencyPlan::new(old.min(new), new)
            .unwrap()
            .prove(|node| Some(self.node(node)));
        AddCheckpoint {
            old_size: old,
            proof: proof.unwrap(),
            checkpoint: self.checkpoint(new).note().clone(),
        }
    }
}

const TRUE: History = History(0);
const FORK: History = History(1);

fn log_key() -> Ed25519Signer {
    Ed25519Signer::from_seed(ORIGIN, &[1; 32]).ok().unwrap()
}

fn parts(folder: &Path, logs: Vec<VerifierKey>) -> Parts {
    let secret = SecretBytes::from("passphrase".to_owned());
    let clock = Arc::new(ManualClock::new(UnixTime(NOW)));
    let keys = folder.join("keys");
    let cost = KdfCost::INSECURE;
    let rng = Arc::new(SystemRng);
    let keystore = if keys.exists() {
        Keystore::open(&keys, &secret, Arc::clone(&clock) as _, rng).unwrap()
    } else {
        Keystore::create(&keys, &secret, cost, Arc::clone(&clock) as _, rng).unwrap()
    };
    keystore.ensure(&[RoleName::Witness]).unwrap();
    Parts {
        dir: folder.join("witness"),
        name: NAME.into(),
        key: keystore.note_key().unwrap(),
        logs,
        clock,
    }
}

struct Setting {
    folder: TempDir,
    witness: Arc<Witness>,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Witness::begin(&folder.path().join("witness")).unwrap();
        let logs = vec![log_key().verifier_key().clone()];
        let witness = Witness::open(parts(folder.path(), logs)).unwrap();
        Self { folder, witness }
    }

    fn restart(self) -> Self {
        self.restart_with(vec![log_key().verifier_key().clone()])
    }

    fn restart_with(self, logs: Vec<VerifierKey>) -> Self {
        let Self { folder, witness } = self;
        drop(witness);
        let witness = Witness::open(parts(folder.path(), logs)).unwrap();
        Self { folder, witness }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Answer::of(self.router().oneshot(request).await.unwrap()).await
    }

    fn files(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.folder.path().join("witness")).unwrap();
        let read = entries.map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), std::fs::read(&path).unwrap())
        });
        read.collect()
    }

    fn router(&self) -> Router {
        routes().finish(Arc::clone(&self.witness), Arc::new(Nobody))
    }

    async fn post(&self, body: impl Into<Vec<u8>>) -> Answer {
        let request = Request::post("/add-checkpoint")
            .body(Body::from(body.into()))
            .unwrap();
        Answer::of(self.router().oneshot(request).await.unwrap()).await
    }

    async fn add(&self, request: &AddCheckpoint) -> Answer {
        self.post(request.to_string()).await
    }

    async fn assert_cosigns(&self, history: History, old: u64, new: u64) {
        let answer = self.add(&history.request(old, new)).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (200, "text/plain; charset=utf-8")
        );
        let mut checkpoint = history.checkpoint(new);
        let key = self.witness.verifier_key();
        assert_eq!(accept_response(&mut checkpoint, &answer.body, key), Ok(true));
        let cosignature = cosignature::verify(checkpoint.note(), key).unwrap().unwrap();
        assert_eq!((cosignature.timestamp, cosignature.witness.name()), (NOW, NAME));
    }

    /// Refused in plain words, and nothing was cosigned.
    async fn assert_refuses(&self, request: &AddCheckpoint, status: u16) {
        let answer = self.add(request).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, "text/plain; charset=utf-8")
        );
        assert!(!answer.body.contains('\u{2014}'), "{}", answer.body);
    }

    async fn assert_conflicts(&self, request: &AddCheckpoint, size: u64) {
        let answer = self.add(request).await;
        let expected = (409, "text/x.tlog.size", format!("{size}\n"));
        assert_eq!(
            (answer.status, answer.content_type.as_str(), answer.body),
            expected
        );
    }
}

struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let status = response.status().as_u16();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            status,
            content_type,
            body,
        }
    }
}
