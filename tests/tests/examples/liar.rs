//! Somebody in the platform's place, who answers every call and lies in one point of the attestation.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use cyberid_client::key_file::PrivateKey;
use cyberid_crypto::{Sign as _, SigningKey, base64url, jws};
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::rng::SystemRng;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CLIENT: &str = "c2FuZGJveC1jbGllbnQxMg";

/// What is wrong with the attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    AnotherType,
    AnotherIssuer,
    AnotherAudience,
    AnotherNonce,
    AnotherPurpose,
    OtherChecks,
    Failed,
    Expired,
    UnpublishedKey,
    KeyOfAnotherRole,
    AnotherSignature,
    NoSignature,
}

impl Lie {
    pub(crate) const ALL: [Self; 12] = [
        Self::AnotherType,
        Self::AnotherIssuer,
        Self::AnotherAudience,
        Self::AnotherNonce,
        Self::AnotherPurpose,
        Self::OtherChecks,
        Self::Failed,
        Self::Expired,
        Self::UnpublishedKey,
        Self::KeyOfAnotherRole,
        Self::AnotherSignature,
        Self::NoSignature,
    ];
}

/// A server that lies.
pub(crate) struct Liar(Arc<Tongue>);

struct Tongue {
    url: String,
    attestation: Key,
    request: Key,
    unpublished: Key,
    client: PrivateKey,
    nonce: Mutex<Value>,
    lie: Mutex<Option<Lie>>,
}

struct Key {
    jwk: Value,
    signing: SigningKey,
}

impl Key {
    fn make(role: &str) -> Self {
        let key = PrivateKey::make(&SystemRng);
        let mut jwk = json!(key.public_key().to_published_jwk("sig", "ES256"));
        jwk["role"] = role.into();
        let signing = key.to_signing_key().unwrap();
        Self { jwk, signing }
    }
}

impl Liar {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tongue = Arc::new(Tongue {
            url: format!("http://{}", listener.local_addr().unwrap()),
            attestation: Key::make("attestation"),
            request: Key::make("request"),
            unpublished: Key::make("attestation"),
            client: PrivateKey::make(&SystemRng),
            nonce: Mutex::default(),
            lie: Mutex::default(),
        });
        let router = router().with_state(tongue.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(tongue)
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    pub(crate) fn tell(&self, lie: Lie) {
        *self.0.lie.lock().unwrap() = Some(lie);
    }
}

type Speaker = State<Arc<Tongue>>;

fn router() -> Router<Arc<Tongue>> {
    Router::new()
        .route(
            "/.well-known/cyberid",
            get(async |State(tongue): Speaker| Json(tongue.discovery())),
        )
        .route(
            "/.well-known/jwks.json",
            get(async |State(tongue): Speaker| Json(tongue.keys())),
        )
        .route(
            "/sandbox/keys",
            get(async |State(tongue): Speaker| Json(tongue.sandbox())),
        )
        .route(
            "/oauth/token",
            post(async || Json(json!({"access_token": "t", "token_type": "DPoP", "expires_in": 600}))),
        )
        .route("/v1/verifications", post(ask))
        .route(
            "/v1/verifications/x",
            get(async |State(tongue): Speaker| Json(tongue.answer())),
        )
}

async fn ask(State(tongue): Speaker, Json(asked): Json<Value>) -> Json<Value> {
    *tongue.nonce.lock().unwrap() = asked["nonce"].clone();
    let request_uri = format!("{}/v1/requests/x", tongue.url);
    Json(
        json!({"id": "x", "request_uri": request_uri, "expires_at": 2_000_000_000, "comparison_code": "0000"}),
    )
}

impl Tongue {
    fn discovery(&self) -> Value {
        json!({
            "issuer": self.url,
            "token_endpoint": format!("{}/oauth/token", self.url),
            "jwks_uri": format!("{}/.well-known/jwks.json", self.url),
        })
    }

    fn keys(&self) -> Value {
        json!({"keys": [self.attestation.jwk, self.request.jwk]})
    }

    fn sandbox(&self) -> Value {
        let signing_jwk = json!(self.client);
        json!({"relying_party": {"client_id": CLIENT, "signing_jwk": signing_jwk}})
    }

    fn answer(&self) -> Value {
        json!({"status": "passed", "attestation": self.attest(*self.lie.lock().unwrap())})
    }

    fn attest(&self, lie: Option<Lie>) -> String {
        let typ = match lie {
            Some(Lie::AnotherType) => "cyberid-request+jwt",
            _ => "cyberid-attestation+jwt",
        };
        let key = match lie {
            Some(Lie::UnpublishedKey) => &self.unpublished,
            Some(Lie::KeyOfAnotherRole) => &self.request,
            _ => &self.attestation,
        };
        let compact = jws::sign(&key.signing, typ, &self.claims(lie)).unwrap();
        let (signed, _) = compact.rsplit_once('.').unwrap();
        match lie {
            Some(Lie::AnotherSignature) => {
                let signature = self.unpublished.signing.sign(signed.as_bytes()).unwrap();
                format!("{signed}.{}", base64url::encode(&signature))
            }
            Some(Lie::NoSignature) => {
                let (_, claims) = signed.split_once('.').unwrap();
                let header = json!({"alg": "none", "typ": typ, "kid": key.signing.kid()});
                format!("{}.{claims}.", base64url::encode(header.to_string().as_bytes()))
            }
            _ => compact,
        }
    }

    fn claims(&self, lie: Option<Lie>) -> Value {
        let now = SystemClock.now().0;
        let mut claims = json!({
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 600,
            "jti": "bm9uY2Utb2YtdGhlLXJw",
            "nonce": *self.nonce.lock().unwrap(),
            "purpose": "register",
            "result": "pass",
            "checks": {"real_person": "pass", "age_over_18": "pass"},
            "acr": "device",
            "sub": "1Nq7xQ0W3vVJk0pPq3d2v0hN6S7r8t9u0v1w2x3y4z4",
        });
        match lie {
            Some(Lie::AnotherIssuer) => claims["iss"] = "https://other.example".into(),
            Some(Lie::AnotherAudience) => claims["aud"] = "b3RoZXItY2xpZW50LTEyMw".into(),
            Some(Lie::AnotherNonce) => claims["nonce"] = "b3RoZXItbm9uY2Utb2YtcnA".into(),
            Some(Lie::AnotherPurpose) => claims["purpose"] = "deliver".into(),
            Some(Lie::OtherChecks) => claims["checks"] = json!({"real_person": "pass"}),
            Some(Lie::Failed) => {
                claims["result"] = "fail".into();
                claims["checks"]["age_over_18"] = "fail".into();
            }
            Some(Lie::Expired) => {
                claims["iat"] = (now - 1200).into();
                claims["exp"] = (now - 600).into();
            }
            _ => {}
        }
        claims
    }
}
