//! A platform in four processes, everybody around it, and what an attacker could collect.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
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
use cyberid_keystore::Keystore;
use cyberid_relying_party::{Ask, RelyingParty};
use journeys::attacks::{Loot, Seal, Token};
use journeys::{Citizen, Granted, PIN, Part, Person, SplitPlatform, Suite};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::attackers::Other;
use crate::mirror::Mirror;

/// Wrong evidence is no guess here: nobody is kept out for having tried often.
const CONFIG: &str = "[issuance]\nrefusals_of_one_caller = 100000\nrefusals_of_all = 100000\n";
/// The first adult who is nobody's in particular.
const NEWCOMERS: usize = 10;
/// A nonce of the server's is good for thirty seconds at least.
const WARM_FOR: Duration = Duration::from_secs(15);

thread_local! {
    static HTTP: Client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .pool_idle_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
}

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
    /// A key of the attacker's own.
    own: Arc<dyn Sign>,
    /// Everybody's public keys.
    keys: Vec<PublicKey>,
    sink: SocketAddr,
    /// Held while the mirror tells what was redeemed.
    pub(crate) redeeming: Mutex<()>,
    /// What enrols people, but for the key proof.
    pub(crate) enrolments: Vec<Value>,
    /// How many have come.
    newcomers: AtomicUsize,
    /// When the nonce of a session was renewed, by where the session is.
    warm: StdMutex<HashMap<usize, Instant>>,
}

impl Scene {
    pub(crate) async fn set(suite: Suite, sink: SocketAddr) -> Self {
        let split = SplitPlatform::start_in_with(suite, CONFIG).await;
        let platform = split.platform();
        let (party, citizen) = (platform.relying_party().await, platform.citizen(0).await);
        let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
        let delivered = delivered(&party, &citizen).await;
        citizen
            .holder
            .withdraw(&delivered.0.consented.consent_id)
            .await
            .unwrap();
        let mirror = Mirror::open(platform).await;
        let enrolments = vec![
            enrolment(&platform.adult(7).await),
            enrolment(&platform.adult(8).await),
        ];
        Self {
            event: event(&party).await,
            certificate: certificate(&party).await,
            own: platform.device_key().signer(),
            keys: public_keys(&split).await,
            sink,
            split,
            party,
            citizen,
            granted,
            delivered,
            mirror,
            enrolments,
            redeeming: Mutex::default(),
            newcomers: AtomicUsize::new(NEWCOMERS),
            warm: StdMutex::default(),
        }
    }

    /// What an attacker has, with these valid messages of everybody.
    pub(crate) fn loot(&self, others: Vec<Other>) -> Loot {
        Loot {
            own: self.own.clone(),
            keys: self.keys.clone(),
            sink: self.sink,
            others,
        }
    }

    /// Plain calls by this thread.
    #[expect(
        clippy::unused_self,
        reason = "who calls has the scene at hand, and each thread connections of its own"
    )]
    pub(crate) fn http(&self) -> Client {
        HTTP.with(Client::clone)
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
        patiently(async || self.citizen.holder.platform().sealing_key().await).await
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
        self.authorised(self.citizen.holder.session(), ["GET", "/v1/me"])
            .await
    }

    /// A call with JSON of whose session this is, with everything that authorises it.
    pub(crate) async fn post(&self, session: &Session, path: &str, body: &Value) -> RequestBuilder {
        let call = self.http().post(self.url(path)).json(body);
        self.authorise(session, path, call).await
    }

    /// Adds what authorises a call.
    pub(crate) async fn authorise(
        &self,
        session: &Session,
        path: &str,
        call: RequestBuilder,
    ) -> RequestBuilder {
        let CallProof { token, proof } = self.authorised(session, ["POST", path]).await;
        call.header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
    }

    /// The authorisation of a call, under a nonce that is fresh.
    async fn authorised(&self, session: &Session, [method, path]: [&str; 2]) -> CallProof {
        let name = std::ptr::from_ref(session).addr();
        let warm = self.warm.lock().unwrap().get(&name).copied();
        if warm.is_none_or(|at| at.elapsed() > WARM_FOR) {
            self.warm.lock().unwrap().insert(name, Instant::now());
            // Every answer to somebody known brings a nonce, whatever else it says.
            let _: Result<Value, _> = session.get("/v1/me").await;
        }
        patiently(async || session.authorise(method, path).await).await
    }

    /// Somebody who has just enrolled.
    pub(crate) async fn newcomer(&self) -> Citizen {
        self.split.platform().citizen(self.next()).await
    }

    /// Somebody who could enrol.
    pub(crate) async fn stranger(&self) -> Person {
        self.split.platform().adult(self.next()).await
    }

    fn next(&self) -> usize {
        self.newcomers.fetch_add(1, Ordering::Relaxed)
    }

    /// A fresh key for a device here.
    pub(crate) fn key(&self) -> Arc<dyn Sign> {
        self.split.platform().device_key().signer()
    }

    /// The proof of a key that is nobody's, with a nonce that was not used.
    pub(crate) async fn key_proof(&self, key: Arc<dyn Sign>) -> Token {
        let platform = self.split.platform();
        let nonce: Value = patiently(async || platform.client.post_empty("/v1/nonces").await).await;
        let claims = json!({"aud": platform.url(), "nonce": nonce["nonce"], "iat": SystemClock.now().0});
        Token::embedding("cyberid-key-proof+jwt", claims, key)
    }

    /// A body that is sealed to the platform.
    pub(crate) async fn seal(&self, body: &Value) -> Seal {
        Seal::to(self.sealing_key().await, body.to_string().as_bytes())
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
            me,
            party["client_id"].clone(),
            events["next"].clone(),
            release,
            self.leaves().await,
        ]
    }

    /// What the ledger says, as the regulator reads it, but for orders that were wider than one person: that somebody
    /// tried is written down.
    async fn leaves(&self) -> Value {
        let regulator = self.split.platform().regulator();
        let read: Value = regulator.get("/v1/audit/entries?limit=1000").await.unwrap();
        let leaves = read["entries"].as_array().unwrap().iter();
        let leaves: Vec<Value> = leaves
            .map(|entry| serde_json::from_str(entry["leaf"].as_str().unwrap()).unwrap())
            .collect();
        assert!(leaves.len() < 1000, "the whole ledger is read");
        let refused: Vec<Value> = leaves
            .iter()
            .filter(|leaf| leaf["kind"] == "official.refused")
            .map(|leaf| leaf["official"].clone())
            .collect();
        let stands = |leaf: &Value| leaf["official"].is_null() || !refused.contains(&leaf["official"]);
        leaves.into_iter().filter(stands).collect()
    }

    /// The keys of a part of the platform, or of the source that it has as a sandbox.
    pub(crate) fn keystore(&self, folder: &str) -> Keystore {
        let folder = self.split.data(Part::Platform).join(folder);
        let passphrase = self.split.passphrase(Part::Platform);
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Keystore::administer(&folder, &passphrase, clock, rng).unwrap()
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
            assert_eq!(
                self.http().get(url).send().await.unwrap().status(),
                200,
                "{part:?}"
            );
        }
    }
}

/// What a call gives that has to succeed, at the third try at the latest: on a machine that is busy a connection may have
/// been closed by the time that it is used again.
pub(crate) async fn patiently<T, E: std::fmt::Debug>(call: impl AsyncFn() -> Result<T, E>) -> T {
    for _ in 0..2 {
        if let Ok(answer) = call().await {
            return answer;
        }
    }
    call().await.unwrap()
}

/// What enrols a person, but for the key proof.
pub(crate) fn enrolment(person: &Person) -> Value {
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
