//! Every answer of tlog-witness, over the real router.

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

use crate::{Parts, Witness, WitnessError, routes};

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
        let logs = vec![log_key().verifier_key().clone()];
        let witness = Witness::open(parts(folder.path(), logs)).unwrap();
        Self { folder, witness }
    }

    fn restart(self) -> Self {
        let Self { folder, witness } = self;
        drop(witness);
        let logs = vec![log_key().verifier_key().clone()];
        let witness = Witness::open(parts(folder.path(), logs)).unwrap();
        Self { folder, witness }
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

#[tokio::test]
async fn a_log_that_grows_is_cosigned() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 0).await;
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_cosigns(TRUE, 5, 11).await;
    setting.assert_cosigns(TRUE, 11, 12).await;
}

#[tokio::test]
async fn the_same_checkpoint_is_cosigned_again() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_cosigns(TRUE, 5, 5).await;
    setting.assert_cosigns(TRUE, 5, 6).await;
}

#[tokio::test]
async fn a_fork_of_the_same_size_is_a_conflict() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_conflicts(&FORK.request(5, 5), 5).await;
    setting.assert_conflicts(&FORK.request(0, 5), 5).await;
    setting.assert_cosigns(TRUE, 5, 5).await;
}

#[tokio::test]
async fn a_fork_that_grew_is_inconsistent() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_refuses(&FORK.request(5, 9), 422).await;
    let mut unproved = TRUE.request(5, 9);
    unproved.proof = ConsistencyProof::default();
    setting.assert_refuses(&unproved, 422).await;
    let mut overproved = TRUE.request(5, 5);
    overproved.proof = TRUE.request(5, 9).proof;
    setting.assert_refuses(&overproved, 422).await;
    setting.assert_cosigns(TRUE, 5, 9).await;
}

#[tokio::test]
async fn a_log_does_not_shrink() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    setting.assert_refuses(&TRUE.request(5, 3), 400).await;
    setting.assert_conflicts(&TRUE.request(3, 3), 5).await;
    setting.assert_conflicts(&TRUE.request(0, 3), 5).await;
    setting.assert_conflicts(&TRUE.request(0, 9), 5).await;
    setting.assert_conflicts(&TRUE.request(7, 9), 5).await;
}

#[tokio::test]
async fn an_unknown_log_is_not_found() {
    let setting = Setting::new();
    let stranger = Ed25519Signer::from_seed("other.example", &[1; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new("other.example", 5, TRUE.root(0..5)).unwrap();
    let mut request = TRUE.request(0, 5);
    request.checkpoint = checkpoint.sign(&stranger).unwrap().note().clone();
    setting.assert_refuses(&request, 404).await;
}

#[tokio::test]
async fn a_checkpoint_that_the_log_has_not_signed_is_forbidden() {
    let setting = Setting::new();
    let mut request = TRUE.request(0, 5);
    let good = request.checkpoint.to_string();

    let stranger = Ed25519Signer::from_seed(ORIGIN, &[9; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new(ORIGIN, 5, TRUE.root(0..5)).unwrap();
    request.checkpoint = checkpoint.sign(&stranger).unwrap().note().clone();
    setting.assert_refuses(&request, 403).await;

    let other_size = good.replacen("\n5\n", "\n6\n", 1);
    request.checkpoint = SignedNote::parse(other_size.as_bytes()).unwrap();
    setting.assert_refuses(&request, 403).await;
    setting.assert_cosigns(TRUE, 0, 5).await;
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_as_such() {
    let setting = Setting::new();
    let good = TRUE.request(0, 5).to_string();
    let malformed: [Vec<u8>; 6] = [
        Vec::new(),
        b"\xff\xfe\n\n".to_vec(),
        good.replacen("old 0", "old 00", 1).into(),
        good.replacen("old 0", "0", 1).into(),
        good.replacen("old 0\n", "old 0\nAAAA\n", 1).into(),
        good.trim_end().into(),
    ];
    for body in malformed {
        let answer = setting.post(body).await;
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (400, "text/plain; charset=utf-8")
        );
    }
    // Signed by the log, and still not a checkpoint.
    let mut request = TRUE.request(0, 5);
    request.checkpoint = SignedNote::sign(&format!("{ORIGIN}\nfive\n"), &log_key()).unwrap();
    setting.assert_refuses(&request, 400).await;
}

#[tokio::test]
async fn of_two_forks_at_once_one_is_cosigned() {
    for _ in 0..8 {
        let setting = Setting::new();
        let router = setting.router();
        let submissions: Vec<_> = (0..16)
            .map(|number| {
                let history = if number % 2 == 0 { TRUE } else { FORK };
                let body = Body::from(history.request(0, 5).to_string());
                let request = Request::post("/add-checkpoint").body(body).unwrap();
                let router = router.clone();
                tokio::spawn(async move {
                    (
                        number % 2,
                        router.oneshot(request).await.unwrap().status().as_u16(),
                    )
                })
            })
            .collect();
        let mut cosigned = Vec::new();
        for submission in submissions {
            let (history, status) = submission.await.unwrap();
            match status {
                200 => cosigned.push(history),
                status => assert_eq!(status, 409),
            }
        }
        assert_eq!(cosigned.len(), 1, "{cosigned:?}");
    }
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let setting = setting.restart();
    setting.assert_conflicts(&FORK.request(0, 5), 5).await;
    setting.assert_conflicts(&FORK.request(5, 5), 5).await;
    setting.assert_cosigns(TRUE, 5, 9).await;
}

#[tokio::test]
async fn what_cannot_be_remembered_is_not_cosigned() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    std::fs::remove_dir_all(setting.folder.path().join("witness")).unwrap();
    let answer = setting.add(&TRUE.request(0, 9)).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (500, "application/problem+json")
    );
    assert!(!answer.body.contains('\u{2014}'));
}

#[tokio::test]
async fn a_damaged_memory_stops_the_witness() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let folder = setting.folder.path().join("witness");
    let entries = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = entries
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "checkpoint"));
    let file = file.unwrap();
    std::fs::write(&file, "").unwrap();
    assert_eq!(setting.add(&FORK.request(0, 5)).await.status, 500);
    let Setting { folder, witness } = setting;
    drop(witness);
    let logs = vec![log_key().verifier_key().clone()];
    assert_eq!(
        Witness::open(parts(folder.path(), logs)).err(),
        Some(WitnessError::Corrupt(file))
    );
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = |logs| Witness::open(parts(folder.path(), logs)).err();
    let log = log_key().verifier_key().clone();
    let twice = open(vec![log.clone(), log]);
    assert_eq!(twice, Some(WitnessError::DuplicateLog(ORIGIN.into())));
    let witness = Ed25519Signer::cosigner_from_seed(ORIGIN, &[1; 32]).ok().unwrap();
    let wrong = open(vec![witness.verifier_key().clone()]);
    assert_eq!(wrong, Some(WitnessError::NotALogKey(ORIGIN.into())));
}

#[tokio::test]
async fn the_operator_reads_what_goes_into_a_policy() {
    let setting = Setting::new();
    setting.assert_cosigns(TRUE, 0, 5).await;
    let request = Request::get("/v1/witness").body(Body::empty()).unwrap();
    let answer = Answer::of(setting.router().oneshot(request).await.unwrap()).await;
    let expected = serde_json::json!({
        "name": NAME,
        "vkey": setting.witness.verifier_key().to_string(),
        "logs": [{"origin": ORIGIN, "vkey": log_key().verifier_key().to_string(), "size": 5}],
    });
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap(),
        expected
    );
}
