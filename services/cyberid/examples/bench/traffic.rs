//! Calls as a relying party and its visitors make them, each with another person's device.

use std::cell::Cell;
use std::sync::Arc;

use cyberid_client::key_file::PrivateKey;
use cyberid_client::{Client, Platform, Session};
use cyberid_crypto::{PublicKey, Sign as _, SigningKey, base64url};
use cyberid_domain::Clock as _;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::{ClientId, Nonce, VerificationId};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::sealed::SealedProof;
use cyberid_protocol::verification::VerificationRequested;
use serde_json::{Value, json};

use crate::load;
use crate::people;
use crate::server::Server;

const PURPOSE_CHECKS: [Check; 2] = [Check::RealPerson, Check::AgeOver18];

/// Whose device proves what.
pub(crate) struct Visitor {
    /// The device that the proof names.
    pub(crate) device: SigningKey,
    /// Who signs in its place.
    pub(crate) forger: Option<SigningKey>,
    /// The PIN that comes with it.
    pub(crate) pin: Option<Pin>,
}

impl Visitor {
    /// A person with their own device.
    pub(crate) fn person(person: u32) -> Self {
        Self {
            device: people::device(person),
            forger: None,
            pin: None,
        }
    }

    fn sign(&self, proof: &Proof) -> String {
        let compact = proof.sign(&self.device).unwrap();
        let Some(forger) = &self.forger else {
            return compact;
        };
        let (signed, _) = compact.rsplit_once('.').unwrap();
        let signature = forger.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url::encode(&signature))
    }
}

/// The sandbox's relying party, and everybody who visits it.
pub(crate) struct Traffic {
    session: Session,
    client_id: ClientId,
    purpose: String,
    issuer: String,
    platform_key: PublicKey,
    address: std::net::SocketAddr,
    tls: Option<load::Tls>,
    people: u32,
    next: Cell<u32>,
}

impl Traffic {
    pub(crate) async fn new(server: &Server, people: u32) -> Self {
        let client = Client::new(&server.url).unwrap();
        let keys: Value = client.get("/sandbox/keys").await.unwrap();
        let party = &keys["relying_party"];
        let client_id: ClientId = serde_json::from_value(party["client_id"].clone()).unwrap();
        let signing = PrivateKey::from_jwk(party["signing_jwk"].to_string().as_bytes()).unwrap();
        let platform = Platform::contact(client.clone(), Arc::new(SystemClock))
            .await
            .unwrap();
        let uses = party["intended_uses"].as_array().unwrap();
        let fits = |intended: &&Value| {
            let checks: Vec<Check> = serde_json::from_value(intended["checks"].clone()).unwrap();
            PURPOSE_CHECKS.iter().all(|check| checks.contains(check))
        };
        let purpose = uses.iter().find(fits).unwrap()["purpose"]
            .as_str()
            .unwrap()
            .to_owned();
        let session = Session::client(
            client,
            platform.issuer(),
            client_id.clone(),
            Arc::new(signing.to_signing_key().unwrap()),
            Arc::new(SystemClock),
            Arc::new(SystemRng),
        );
        Self {
            session,
            client_id,
            purpose,
            issuer: platform.issuer().into(),
            platform_key: platform.sealing_key().await.unwrap(),
            address: server.address,
            tls: server.tls(),
            people,
            next: Cell::new(0),
        }
    }

    /// So many direct verifications.
    pub(crate) async fn directs(&self, count: usize) -> Vec<Vec<u8>> {
        self.fetch_nonce().await;
        let mut calls = Vec::with_capacity(count);
        for _ in 0..count {
            calls.push(self.direct(&self.sealed_by(&self.next(), None)).await);
        }
        calls
    }

    /// A direct verification of what a visitor sealed.
    pub(crate) async fn direct(&self, sealed: &str) -> Vec<u8> {
        self.call("POST", "/v1/verifications/direct", &json!({ "sealed": sealed }))
            .await
    }

    /// What a visitor seals: the proof for a request, or for a direct verification.
    pub(crate) fn sealed_by(&self, visitor: &Visitor, request: Option<(VerificationId, Nonce)>) -> String {
        let compact = visitor.sign(&self.proof(visitor, request));
        SealedProof::seal(&self.platform_key, &compact, visitor.pin.as_ref()).unwrap()
    }

    /// So many answers, each to a verification that the relying party has asked for.
    pub(crate) async fn answers(&self, count: usize) -> Vec<Vec<u8>> {
        self.fetch_nonce().await;
        let mut asked = Vec::with_capacity(count);
        for _ in 0..count {
            let body = json!({
                "purpose": self.purpose, "checks": PURPOSE_CHECKS, "factors": [Factor::Device],
                "nonce": "n-0S6_WzA2MjKkDgJXf4Yg", "expires_in": 900
            });
            asked.push(self.call("POST", "/v1/verifications", &body).await);
        }
        let asked = load::at_once(self.address, self.tls.clone(), asked, 32).await;
        let nonce: Nonce = "n-0S6_WzA2MjKkDgJXf4Yg".parse().unwrap();
        let answer = |body: Vec<u8>| {
            let requested: VerificationRequested = serde_json::from_slice(&body).unwrap();
            let sealed = json!({ "sealed": self.sealed_by(&self.next(), Some((requested.id.clone(), nonce.clone()))) });
            http(
                "POST",
                &format!("/v1/requests/{}/answer", requested.id),
                "",
                &sealed,
            )
        };
        asked.bodies.into_iter().map(answer).collect()
    }

    fn next(&self) -> Visitor {
        let person = self.next.get();
        // A stride that is prime to any round number: no two calls that are near each other share a person.
        self.next.set(person.wrapping_add(7_919) % self.people);
        Visitor::person(person)
    }

    fn proof(&self, visitor: &Visitor, request: Option<(VerificationId, Nonce)>) -> Proof {
        let now = SystemClock.now();
        let (request, nonce) = request.unzip();
        let pin = visitor.pin.as_ref().map(|_| Factor::Pin);
        Proof {
            aud: self.issuer.clone(),
            rp: self.client_id.clone(),
            request,
            purpose: self.purpose.clone(),
            checks: PURPOSE_CHECKS.into(),
            factors: std::iter::once(Factor::Device).chain(pin).collect(),
            nonce: nonce.unwrap_or_else(|| Nonce::random(&SystemRng)),
            iat: now,
            exp: now.plus(300),
            jti: Nonce::random(&SystemRng),
        }
    }

    /// A server nonce is good for half a minute at least: longer than a round takes.
    pub(crate) async fn fetch_nonce(&self) {
        let path = format!("/v1/relying-parties/{}", self.client_id);
        // A connection that has rested for long may be closed: then the second one counts.
        if self.session.get::<Value>(&path).await.is_err() {
            let _: Value = self.session.get(&path).await.unwrap();
        }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        let authorisation = self.session.authorise(method, path).await.unwrap();
        let headers = format!(
            "authorization: DPoP {}\r\ndpop: {}\r\n",
            authorisation.token, authorisation.proof
        );
        http(method, path, &headers, body)
    }
}

/// A call as bytes.
pub(crate) fn http(method: &str, path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
