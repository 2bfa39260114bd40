//! The platform's looks on another address, with signing keys that are ours: so that what the libraries read can be
//! anything that a platform could sign, and anything that it could not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use cyberid_client::Client;
use cyberid_client::key_file::PrivateKey;
use cyberid_crypto::Sign;
use cyberid_domain::rng::SystemRng;
use journeys::TestPlatform;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ROLES: [&str; 6] = [
    "attestation",
    "request",
    "certificate",
    "registration",
    "identity",
    "event",
];

/// A server that answers as it is told.
pub(crate) struct Mirror {
    url: String,
    client: Client,
    told: Arc<Told>,
    jwks: Vec<Value>,
    keys: HashMap<&'static str, Arc<dyn Sign>>,
}

#[derive(Default)]
struct Told(Mutex<HashMap<String, Bytes>>);

impl Mirror {
    pub(crate) async fn open(platform: &TestPlatform) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Told::default());
        let router = Router::new().fallback(answer).with_state(told.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut mirror = Self {
            client: Client::new(&url).unwrap(),
            url,
            told,
            jwks: Vec::new(),
            keys: HashMap::new(),
        };
        for role in ROLES {
            let key = PrivateKey::make_of(platform.suite(), &SystemRng).unwrap();
            let alg = platform.suite().signing_alg();
            let mut jwk = json!(key.public_key().to_published_jwk("sig", alg));
            jwk["role"] = role.into();
            jwk["state"] = "active".into();
            mirror.jwks.push(jwk);
            mirror.keys.insert(role, Arc::new(key.to_signing_key().unwrap()));
        }
        let mut discovery: Value = platform.client.get("/.well-known/cyberid").await.unwrap();
        discovery["issuer"] = mirror.url.clone().into();
        mirror.tell("GET /.well-known/cyberid", &discovery);
        mirror.tell_keys(&mirror.jwks);
        let token = json!({"access_token": "any", "token_type": "DPoP", "expires_in": 600});
        mirror.tell("POST /oauth/token", &token);
        mirror
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The key of a role.
    pub(crate) fn key(&self, role: &str) -> Arc<dyn Sign> {
        self.keys[role].clone()
    }

    /// Shows this certificate of the key that signs attestations from now on.
    pub(crate) fn certify(&self, certificate: &str) {
        let mut jwks = self.jwks.clone();
        let key = jwks.iter_mut().find(|jwk| jwk["role"] == "attestation");
        key.unwrap()["certificate"] = certificate.into();
        self.tell_keys(&jwks);
    }

    fn tell_keys(&self, jwks: &[Value]) {
        self.tell("GET /.well-known/jwks.json", &json!({ "keys": jwks }));
    }

    /// Answers this line with JSON from now on.
    pub(crate) fn tell(&self, line: &str, answer: &Value) {
        self.tell_text(line, &answer.to_string());
    }

    /// Answers this line with a text from now on.
    pub(crate) fn tell_text(&self, line: &str, answer: &str) {
        let answer = Bytes::copy_from_slice(answer.as_bytes());
        self.told.0.lock().unwrap().insert(line.into(), answer);
    }
}

async fn answer(State(told): State<Arc<Told>>, request: Request) -> Response {
    let line = format!("{} {}", request.method(), request.uri().path());
    match told.0.lock().unwrap().get(&line) {
        Some(answer) => ([("content-type", "application/json")], answer.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "line": line }))).into_response(),
    }
}
