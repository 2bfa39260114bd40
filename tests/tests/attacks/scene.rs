//! A platform in four processes, everybody around it, and what an attacker could collect.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_client::key_file::PrivateKey;
use cyberid_client::{CallProof, Session};
use cyberid_crypto::{PublicKey, Sign};
use cyberid_domain::check::Check;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::DeviceKey;
use cyberid_relying_party::{Ask, RelyingParty};
use journeys::attacks::Loot;
use journeys::{Citizen, Granted, PIN, Part, Person, SplitPlatform};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::mirror::Mirror;

/// A nonce of the server's is good for thirty seconds at least.
const WARM_FOR: Duration = Duration::from_secs(15);

pub(crate) struct Scene {
    pub(crate) split: SplitPlatform,
    pub(crate) party: RelyingParty,
    pub(crate) citizen: Citizen,
    /// A consent that stands.
    pub(crate) granted: Granted,
    /// A release that was delivered, with the answer that delivered it.
    pub(crate) delivered: (Granted, Value),
    /// An event that the platform signed.
    pub(crate) event: String,
    /// A certificate of the relying party's registration.
    pub(crate) certificate: String,
    /// The platform's looks with keys that are ours.
    pub(crate) mirror: Mirror,
    pub(crate) loot: Loot,
    pub(crate) http: Client,
    /// Held while the mirror tells what was redeemed.
    pub(crate) redeeming: Mutex<()>,
    /// What enrols people, but for the key proof.
    pub(crate) enrolments: Vec<Value>,
    /// When the nonces of the holder and of the relying party were renewed.
    warm: [Mutex<Option<Instant>>; 2],
}

impl Scene {
    pub(crate) async fn set(sink: SocketAddr) -> Self {
        let split = SplitPlatform::start().await;
        let platform = split.platform();
        let (party, citizen) = (platform.relying_party().await, platform.citizen(0).await);
        let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
        let delivered = delivered(&party, &citizen).await;
        citizen
            .holder
            .withdraw(&delivered.0.consented.consent_id)
            .await
            .unwrap();
        let mirror = Mirror::open(platform.url()).await;
        let enrolments = vec![
            enrolment(&platform.adult(7).await),
            enrolment(&platform.adult(8).await),
        ];
        let mut scene = Self {
            http: Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(20))
                .build()
                .unwrap(),
            event: event(&party).await,
            certificate: certificate(&party).await,
            loot: Loot {
                own: key(),
                keys: public_keys(&split).await,
                others: Vec::new(),
                sink,
            },
            split,
            party,
            citizen,
            granted,
            delivered,
            mirror,
            enrolments,
            redeeming: Mutex::default(),
            warm: [Mutex::default(), Mutex::default()],
        };
        scene.loot.others = scene.others().await;
        scene
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.split.platform().url())
    }

    pub(crate) fn device(&self) -> Arc<dyn Sign> {
        self.citizen.key.signer()
    }

    /// The relying party's signing key.
    pub(crate) fn rp_key(&self) -> Arc<dyn Sign> {
        let key = self.split.platform().private_key("/relying_party/signing_jwk");
        Arc::new(key.to_signing_key().unwrap())
    }

    /// The relying party's key for what is sealed to it.
    pub(crate) fn rp_sealing_key(&self) -> PrivateKey {
        self.split.platform().private_key("/relying_party/encryption_jwk")
    }

    pub(crate) async fn sealing_key(&self) -> PublicKey {
        self.citizen.holder.platform().sealing_key().await.unwrap()
    }

    /// Claims to the platform, of this moment.
    pub(crate) fn claims(&self, life: u64, more: &Value) -> Value {
        let now = SystemClock.now().0;
        let mut claims =
            json!({"aud": self.split.platform().url(), "iat": now, "exp": now + life, "jti": fresh()});
        let members = claims.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        claims
    }

    /// What the holder's next call of `GET /v1/me` carries.
    pub(crate) async fn call_proof(&self) -> CallProof {
        let session = self.citizen.holder.session();
        authorised(session, &self.warm[0], ["GET", "/v1/me"], "/v1/me").await
    }

    /// What the relying party's next call of this path carries.
    pub(crate) async fn party_proof(&self, path: &str) -> CallProof {
        let session = self.party.session();
        authorised(session, &self.warm[1], ["POST", path], "/v1/events?after=0").await
    }

    /// What must stay as it is: the ledger, the holder, the relying party. What was answered may be published a moment
    /// later, when the witness has seen it.
    pub(crate) async fn inventory(&self) -> Vec<Value> {
        loop {
            let seen = self.seen().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.seen().await == seen {
                return seen;
            }
        }
    }

    async fn seen(&self) -> Vec<Value> {
        let checkpoint = self
            .split
            .platform()
            .client
            .get_bytes("/ledger/checkpoint")
            .await
            .unwrap();
        let size = String::from_utf8(checkpoint).unwrap();
        let size = size.lines().nth(1).unwrap().to_owned();
        let holder = self.citizen.holder.session();
        let me: Value = holder.get("/v1/me").await.unwrap();
        let client = self.party.client_id();
        let party: Value = self
            .party
            .session()
            .get(&format!("/v1/relying-parties/{client}"))
            .await
            .unwrap();
        let events: Value = self.party.session().get("/v1/events?after=0").await.unwrap();
        let release = format!("/v1/releases/{}", self.granted.pending.id);
        let release: Value = self.party.session().get(&release).await.unwrap();
        vec![
            size.into(),
            me,
            party["client_id"].clone(),
            events["next"].clone(),
            release,
            self.leaves().await,
        ]
    }

    /// What the ledger says, as the regulator reads it.
    async fn leaves(&self) -> Value {
        let regulator = self.split.platform().regulator();
        let read: Value = regulator.get("/v1/audit/entries?limit=100").await.unwrap();
        let leaves = read["entries"].as_array().unwrap().iter();
        leaves.map(|entry| entry["leaf"].clone()).collect()
    }

    /// Every process lives, and is ready.
    pub(crate) async fn is_alive(&self) {
        for (part, path) in [
            (Part::Platform, "/readyz"),
            (Part::Vault, "/readyz"),
            (Part::Custodian, "/readyz"),
            (Part::Witness, "/v1/witness"),
        ] {
            let url = format!("{}{path}", self.split.url(part));
            assert_eq!(self.http.get(url).send().await.unwrap().status(), 200, "{part:?}");
        }
    }
}

/// The authorisation of a call, under a nonce that is fresh: `read` renews it.
async fn authorised(
    session: &Session,
    warm: &Mutex<Option<Instant>>,
    [method, path]: [&str; 2],
    read: &str,
) -> CallProof {
    let mut warm = warm.lock().await;
    if warm.is_none_or(|at| at.elapsed() > WARM_FOR) {
        let _: Value = session.get(read).await.unwrap();
        *warm = Some(Instant::now());
    }
    session.authorise(method, path).await.unwrap()
}

fn enrolment(person: &Person) -> Value {
    let document = &person.document;
    json!({
        "document": {"type": document.kind, "name": document.name, "number": document.number,
            "valid_until": document.valid_until},
        "evidence": {"kind": person.evidence.kind, "token": person.evidence.token},
        "pin": PIN,
        "locale": "en",
    })
}

pub(crate) fn key() -> Arc<dyn Sign> {
    DeviceKey::make(&SystemRng).unwrap().signer()
}

pub(crate) fn fresh() -> Value {
    json!(Nonce::random(&SystemRng))
}

pub(crate) fn ask() -> Ask {
    Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        ..Ask::default()
    }
}

/// Everybody's public keys: the platform's of every role and the key that is sealed to, and the relying party's.
async fn public_keys(split: &SplitPlatform) -> Vec<PublicKey> {
    let platform = split.platform();
    let jwks: Value = platform.client.get("/.well-known/jwks.json").await.unwrap();
    let discovery: Value = platform.client.get("/.well-known/cyberid").await.unwrap();
    let mut jwks = jwks["keys"].as_array().unwrap().clone();
    jwks.push(discovery["encryption_jwk"].clone());
    let keys = jwks.into_iter().map(|mut jwk| {
        let members = jwk.as_object_mut().unwrap();
        members.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        serde_json::from_value(jwk).unwrap()
    });
    let mut keys: Vec<PublicKey> = keys.collect();
    for name in [
        "/relying_party/signing_jwk",
        "/relying_party/encryption_jwk",
        "/regulator/signing_jwk",
    ] {
        keys.push(platform.private_key(name).public_key());
    }
    keys
}

async fn delivered(party: &RelyingParty, citizen: &Citizen) -> (Granted, Value) {
    let granted = Granted::by(citizen, party, &[Field::Name]).await;
    let pending = serde_json::to_value(&granted.pending).unwrap();
    let path = format!("/v1/releases/{}/redeem", granted.pending.id);
    let headers = [("idempotency-key", pending["idempotency_key"].as_str().unwrap())];
    let redeemed = party.session().post_empty(&path, &headers).await.unwrap();
    (granted, redeemed)
}

async fn event(party: &RelyingParty) -> String {
    let events: Value = party.session().get("/v1/events?after=0").await.unwrap();
    events["events"][0].as_str().unwrap().to_owned()
}

async fn certificate(party: &RelyingParty) -> String {
    let path = format!("/v1/relying-parties/{}", party.client_id());
    let registered: Value = party.session().get(&path).await.unwrap();
    let certificates = registered["registration_certificates"].as_array().unwrap();
    let of = |certificate: &&Value| {
        let claims = journeys::attacks::Token::stolen(certificate.as_str().unwrap().into(), key()).claims;
        claims["intended_use"]["purpose"] == "register"
    };
    certificates.iter().find(of).unwrap().as_str().unwrap().to_owned()
}
