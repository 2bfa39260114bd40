//! A platform for the tests of the libraries that stand outside it: real keys, a real log, and scripted answers.
//!
//! `cyberid-holder` and `cyberid-relying-party` take this file in by its path, so that it depends on nothing but the
//! contract.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use cyberid_crypto::jws::Unverified;
use cyberid_crypto::{Agree, AgreementKey, Sign, SigningKey, Suite, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::ManualClock;
use cyberid_protocol::access::{DPOP_TYP, DpopProof};
use cyberid_protocol::message::Message;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::InclusionPlan;
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tile::{TileKind, TilePath};
use cyberid_tlog::tree::root_from_leaves;
use serde_json::{Value, json};

/// The moment at which every test begins.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// The roles of the platform's signing keys.
pub const ROLES: [&str; 6] = [
    "attestation",
    "request",
    "certificate",
    "registration",
    "identity",
    "event",
];

/// A call that the platform received.
#[derive(Debug, Clone)]
pub struct Received {
    /// `METHOD /path?query`.
    pub line: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// A platform on a socket of its own.
pub struct PlatformDouble {
    /// Its issuer, which is its address.
    pub issuer: String,
    /// The suite that it says it runs.
    pub suite: Suite,
    /// The suite of the keys that it publishes and signs with.
    pub keys_suite: Mutex<Suite>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The key that messages to it are sealed to.
    pub sealing: AgreementKey,
    /// Its log.
    pub log: Mutex<Log>,
    /// Its published keys: role and scalar.
    pub keys: Mutex<Vec<(&'static str, u8)>>,
    /// The nonce that `DPoP` proofs must hold, if it asks for one.
    pub nonce: Mutex<Option<String>>,
    /// Whether every proof at a resource is refused for its nonce, whatever it holds.
    pub fickle: Mutex<bool>,
    /// The type of the tokens that it gives.
    pub token_type: Mutex<&'static str>,
    answers: Mutex<HashMap<String, (u16, String)>>,
    received: Mutex<Vec<Received>>,
    proofs: Mutex<HashSet<String>>,
}

impl PlatformDouble {
    /// A platform that answers.
    pub async fn start() -> Arc<Self> {
        Self::start_of(Suite::Nist).await
    }

    /// A platform of this suite that answers.
    pub async fn start_of(suite: Suite) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            suite,
            keys_suite: Mutex::new(suite),
            clock: Arc::new(ManualClock::new(NOW)),
            sealing: AgreementKey::of(suite, &[99; 32]).unwrap(),
            log: Mutex::new(Log::new()),
            keys: Mutex::new(ROLES.into_iter().zip(11..).collect()),
            nonce: Mutex::default(),
            fickle: Mutex::default(),
            token_type: Mutex::new("DPoP"),
            answers: Mutex::default(),
            received: Mutex::default(),
            proofs: Mutex::default(),
        });
        let app = axum::Router::new().fallback(answer).with_state(platform.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        platform
    }

    /// The signing key of a role.
    pub fn key(&self, role: &str) -> SigningKey {
        let keys = self.keys.lock().unwrap();
        let (_, scalar) = keys.iter().rev().find(|(known, _)| *known == role).unwrap();
        self.of_scalar(*scalar)
    }

    fn of_scalar(&self, scalar: u8) -> SigningKey {
        SigningKey::of(*self.keys_suite.lock().unwrap(), &[scalar; 32]).unwrap()
    }

    /// Signs a message with the key of a role.
    pub fn sign(&self, role: &str, message: &impl Message) -> String {
        message.sign(&self.key(role)).unwrap()
    }

    /// Answers `METHOD /path` with this status and this body from now on.
    pub fn script(&self, line: &str, status: u16, body: impl Into<String>) {
        self.answers
            .lock()
            .unwrap()
            .insert(line.into(), (status, body.into()));
    }

    /// Answers `METHOD /path` with this JSON from now on.
    pub fn script_json(&self, line: &str, body: &impl serde::Serialize) {
        self.script(line, 200, serde_json::to_string(body).unwrap());
    }

    /// What was received under this beginning of `METHOD /path?query`.
    pub fn received(&self, line: &str) -> Vec<Received> {
        let received = self.received.lock().unwrap();
        received
            .iter()
            .filter(|call| call.line.starts_with(line))
            .cloned()
            .collect()
    }

    /// Adds a leaf to the log, and gives the proof that it is there.
    pub fn append(&self, leaf: &str) -> String {
        let mut log = self.log.lock().unwrap();
        log.leaves.push(leaf.as_bytes().to_vec());
        log.proof(log.leaves.len() - 1)
    }

    /// `GET /.well-known/cyberid`.
    pub fn discovery(&self) -> Value {
        let log = self.log.lock().unwrap();
        json!({
            "issuer": self.issuer, "jwks_uri": format!("{}/.well-known/jwks.json", self.issuer),
            "token_endpoint": format!("{}/oauth/token", self.issuer),
            "enrolment_endpoint": format!("{}/v1/enrolments", self.issuer),
            "openapi_uri": format!("{}/openapi", self.issuer),
            "checks_supported": [], "fields_supported": [], "document_types_supported": [],
            "signing_alg": self.suite.signing_alg(), "suite": self.suite, "version": "1",
            "encryption_jwk": self.sealing.public_key().to_sealing_jwk(),
            "ledger": {
                "origin": "log.example", "vkey": log.signer.verifier_key().to_string(),
                "url": format!("{}/ledger", self.issuer),
                "witnesses": [log.witness.verifier_key().to_string()], "policy": log.policy_text(),
            },
        })
    }

    fn jwks(&self) -> Value {
        let keys = self.keys.lock().unwrap();
        let keys = keys.iter().map(|(role, scalar)| {
            let key = self.of_scalar(*scalar).public_key();
            let mut jwk = serde_json::to_value(key.to_signing_jwk()).unwrap();
            jwk["role"] = (*role).into();
            jwk["state"] = "active".into();
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// The proof's claims, if it is a good and new one for this call.
    fn dpop(&self, call: &Received) -> Option<DpopProof> {
        let compact = call.headers.get("dpop")?.to_str().ok()?;
        let message = Unverified::parse(compact, DPOP_TYP).ok()?;
        let key = message.embedded_key().ok()?;
        let proof: DpopProof = message.verify(&key).ok()?;
        let (method, path) = call.line.split_once(' ')?;
        let path = path.split('?').next()?;
        let token = call
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let ath = token.map(|token| digest::sha256_base64url(token.trim_start_matches("DPoP ").as_bytes()));
        let good = proof.htm == method
            && proof.htu == format!("{}{path}", self.issuer)
            && proof.ath == ath
            && self.proofs.lock().unwrap().insert(proof.jti.clone());
        good.then_some(proof)
    }

    fn answer(&self, call: &Received) -> Response {
        let line = call.line.split('?').next().unwrap();
        if let Some(refusal) = self.refuse_proof(call) {
            return refusal;
        }
        if let Some((status, body)) = self.answers.lock().unwrap().get(line) {
            let kind = if *status < 400 {
                "application/json"
            } else {
                "application/problem+json"
            };
            let status = StatusCode::from_u16(*status).unwrap();
            let mut answer = (status, [("content-type", kind)], body.clone()).into_response();
            if status.is_redirection() {
                answer.headers_mut().insert("location", body.parse().unwrap());
            }
            return answer;
        }
        match line {
            "GET /.well-known/cyberid" => axum::Json(self.discovery()).into_response(),
            "GET /.well-known/jwks.json" => axum::Json(self.jwks()).into_response(),
            "GET /ledger/checkpoint" => {
                let log = self.log.lock().unwrap();
                log.checkpoint(log.leaves.len())
                    .note()
                    .to_string()
                    .into_response()
            }
            "POST /oauth/token" => {
                let token = format!("token-{}", self.proofs.lock().unwrap().len());
                let token_type = *self.token_type.lock().unwrap();
                let answer = json!({"access_token": token, "token_type": token_type, "expires_in": 600});
                axum::Json(answer).into_response()
            }
            _ => self.tile(line).unwrap_or_else(|| problem(ProblemType::NotFound)),
        }
    }

    fn refuse_proof(&self, call: &Received) -> Option<Response> {
        let at_token = call.line.starts_with("POST /oauth/token");
        if !at_token && !call.headers.contains_key("authorization") {
            return None;
        }
        let Some(proof) = self.dpop(call) else {
            return Some(problem(ProblemType::Unauthenticated));
        };
        let wanted = self.nonce.lock().unwrap().clone()?;
        let fickle = *self.fickle.lock().unwrap() && !at_token;
        if proof.nonce.as_ref() == Some(&wanted) && !fickle {
            return None;
        }
        let mut refusal = if at_token {
            let body = axum::Json(json!({"error": "use_dpop_nonce"}));
            (StatusCode::BAD_REQUEST, body).into_response()
        } else {
            problem(ProblemType::UseDpopNonce)
        };
        refusal
            .headers_mut()
            .insert("dpop-nonce", wanted.parse().unwrap());
        Some(refusal)
    }

    fn tile(&self, line: &str) -> Option<Response> {
        let path: TilePath = line.strip_prefix("GET /ledger/")?.parse().ok()?;
        let bytes = self.log.lock().unwrap().tile(path)?;
        Some(bytes.into_response())
    }
}

/// A problem as the platform answers it.
pub fn problem(kind: ProblemType) -> Response {
    let body = serde_json::to_string(&Problem::new(kind)).unwrap();
    let status = StatusCode::from_u16(kind.status()).unwrap();
    (status, [("content-type", "application/problem+json")], body).into_response()
}

async fn answer(
    State(platform): State<Arc<PlatformDouble>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Received {
        line: format!("{method} {uri}"),
        headers,
        body: body.to_vec(),
    };
    platform.received.lock().unwrap().push(call.clone());
    platform.answer(&call)
}

/// A log in memory, with one witness.
pub struct Log {
    /// Its leaves.
    pub leaves: Vec<Vec<u8>>,
    /// Whether its partial tiles have gone.
    pub only_full_tiles: bool,
    /// Whether the witness cosigns.
    pub witnessed: bool,
    signer: Ed25519Signer,
    witness: Ed25519Signer,
}

impl Log {
    fn new() -> Self {
        Self {
            leaves: Vec::new(),
            only_full_tiles: false,
            witnessed: true,
            signer: Ed25519Signer::from_seed("log.example", &[1; 32]).unwrap(),
            witness: Ed25519Signer::cosigner_from_seed("witness.example", &[2; 32]).unwrap(),
        }
    }

    /// The signed and cosigned checkpoint of the first `size` leaves.
    pub fn checkpoint(&self, size: usize) -> VerifiedCheckpoint {
        let root = root_from_leaves(self.hashes(0, size)).unwrap();
        let checkpoint = Checkpoint::new("log.example", size as u64, root).unwrap();
        let mut checkpoint = checkpoint.sign(&self.signer).unwrap();
        if self.witnessed {
            let line = cosign(&checkpoint, NOW.0, &self.witness).unwrap();
            checkpoint.add_cosignature(line).unwrap();
        }
        checkpoint
    }

    /// The proof of a leaf under the checkpoint of all leaves (C2SP tlog-proof).
    pub fn proof(&self, index: usize) -> String {
        let size = self.leaves.len();
        let plan = InclusionPlan::new(index as u64, size as u64).unwrap();
        let proof = TlogProof {
            extra: None,
            index: index as u64,
            proof: plan.prove(|node| self.node(node)).unwrap(),
            checkpoint: self.checkpoint(size).note().clone(),
        };
        let mut text = String::new();
        write!(text, "{proof}").unwrap();
        text
    }

    fn policy_text(&self) -> String {
        let (log, witness) = (
            self.signer.verifier_key().clone(),
            self.witness.verifier_key().clone(),
        );
        let policy = Policy::k_of_n(Some(log), &[witness], 1).unwrap();
        String::from_utf8(policy.to_bytes()).unwrap()
    }

    fn tile(&self, path: TilePath) -> Option<Vec<u8>> {
        let TileKind::Hashes { level } = path.kind() else {
            return None;
        };
        if path.is_partial() && self.only_full_tiles {
            return None;
        }
        let first = path.index() * 256;
        let hashes = (first..first + u64::from(path.width()))
            .map(|index| self.node(Node::new(level * 8, index)?))
            .collect::<Option<Vec<Hash>>>()?;
        Some(hashes.iter().flat_map(|hash| hash.0).collect())
    }

    fn node(&self, node: Node) -> Option<Hash> {
        let end = usize::try_from(node.end())
            .ok()
            .filter(|end| *end <= self.leaves.len())?;
        let start = usize::try_from(node.first_leaf()).ok()?;
        root_from_leaves(self.hashes(start, end)).ok()
    }

    fn hashes(&self, start: usize, end: usize) -> Vec<Hash> {
        self.leaves[start..end]
            .iter()
            .map(|leaf| leaf_hash(leaf))
            .collect()
    }
}
