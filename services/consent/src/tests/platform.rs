//! One line gives a platform and its people.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use cyberid_client::Client;
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign as _};
use cyberid_domain::clock::ManualClock;
use cyberid_domain::field::Field;
use cyberid_domain::id::{ClientId, ConsentId, LeafId, Nonce, ReleaseId};
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus, Role};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_domain::{Clock, UnixTime};
use cyberid_keystore::{KdfCost, Keystore, RoleName, role};
use cyberid_ledger::{Ledger, LogKey};
use cyberid_protocol::canonical;
use cyberid_protocol::consent::Consent as Claims;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::registration::Registration;
use cyberid_protocol::request::Consented;
use cyberid_protocol::sealed::SealedConsent;
use cyberid_protocol::warrant::Anchors;
use cyberid_storage::ledger::LedgerRead as _;
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::relying_party::{RelyingParties as _, RelyingParty, WaitingKeys};
use cyberid_storage_journal::{FileHead, HeadOptions};
use cyberid_storage_sqlite::{LedgerDb, RegistryDb};
use cyberid_tlog::note::NoteSigner as _;
use cyberid_tlog::policy::Policy;
use cyberid_web::{Authenticate, Caller, Failure, ProblemType as Kind};
use http::header::AUTHORIZATION;
use http::request::Parts as RequestParts;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::key_holders::KeyHolders;
use super::people::{Person, agree, withdrawal};
use super::script::{Script, Scripted};
use super::witness::StubWitness;
use crate::{Consent, Parts, request_routes, routes};

pub(super) const ISSUER: &str = "https://id.example";
pub(super) const START: UnixTime = UnixTime(1_800_000_000);
const ORIGIN: &str = "id.example/ledger";

pub(super) struct Platform {
    pub(super) clock: Arc<ManualClock>,
    pub(super) consent: Arc<Consent>,
    pub(super) registry: RegistryDb,
    pub(super) ledger_db: LedgerDb,
    pub(super) ledger: Arc<Ledger>,
    pub(super) witness: Arc<StubWitness>,
    pub(super) key_holders: Arc<KeyHolders>,
    pub(super) anchors: Anchors,
    pub(super) rp: ClientId,
    pub(super) other_rp: ClientId,
    pub(super) alice: Person,
    pub(super) bob: Person,
    pub(super) script: Arc<Script>,
    keystore: Keystore,
    vault: Client,
    custodian: Client,
    dir: tempfile::TempDir,
}

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(super) fn problem(&self) -> ProblemType {
        serde_json::from_slice::<Problem>(&self.bytes)
            .unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
            .kind
    }
}

struct ByHeader;

#[async_trait]
impl Authenticate for ByHeader {
    async fn authenticate(&self, parts: &RequestParts) -> Result<Caller, Failure> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let (role, id) = header
            .and_then(|value| value.split_once(' '))
            .ok_or(Kind::Unauthenticated)?;
        Ok(Caller {
            role: Role::named(role).unwrap(),
            id: id.into(),
        })
    }
}

/// Serves a router on loopback; its base address.
pub(super) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

impl Platform {
    /// A platform with two relying parties, whose leaves are in the log.
    pub(super) async fn start() -> Self {
        let platform = Self::bare().await;
        platform.register(&platform.rp, 21).await;
        platform.register(&platform.other_rp, 22).await;
        platform.consent.pump().await.unwrap();
        platform
    }

    /// A platform whose log is empty.
    pub(super) async fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let keystore = keystore(dir.path(), &clock);
        let registry = RegistryDb::open(dir.path().join("registry.db")).await.unwrap();
        let ledger_db = LedgerDb::open(dir.path().join("ledger.db")).await.unwrap();
        let head = dir.path().join("head");
        let head = FileHead::create(head, Arc::new(SystemRng), HeadOptions::default()).unwrap();
        let key = LogKey::new(ORIGIN, &keystore.note_key().unwrap()).unwrap();
        let vkey = key.verifier_key().clone();
        let script = Arc::new(Script::default());
        let (witness, submit_to) = StubWitness::start(vkey.clone(), Arc::clone(&script)).await;
        let policy = Policy::k_of_n(None, std::slice::from_ref(&submit_to.key), 1).unwrap();
        let ledger = Ledger::open(cyberid_ledger::Parts {
            store: Arc::new(ledger_db.clone()),
            head: Arc::new(head),
            key: Arc::new(key),
            witnesses: vec![submit_to],
            policy: policy.clone(),
            allow_unwitnessed: false,
        });
        let ledger = ledger.await.unwrap();
        let (alice, bob) = (Person::new(11), Person::new(12));
        let anchors = Anchors {
            issuer: ISSUER.into(),
            ledger: vkey,
            policy,
        };
        let devices = vec![alice.key.public_key(), bob.key.public_key()];
        let (key_holders, vault, custodian) = KeyHolders::start(
            anchors.clone(),
            devices,
            Arc::clone(&clock) as _,
            Arc::clone(&witness),
            Arc::clone(&script),
        )
        .await;
        for person in [&alice, &bob] {
            person.enrol(&registry, START).await;
        }
        let parts = parts(
            &clock,
            &registry,
            &ledger,
            &keystore,
            [&vault, &custodian],
            &script,
        );
        Self {
            consent: Consent::new(parts),
            rp: ClientId::random(&SystemRng),
            other_rp: ClientId::random(&SystemRng),
            clock,
            registry,
            ledger_db,
            ledger,
            witness,
            key_holders,
            anchors,
            alice,
            bob,
            script,
            keystore,
            vault,
            custodian,
            dir,
        }
    }

    /// The process starts again over the same stores.
    pub(super) async fn restart(&mut self) {
        assert!(self.try_restart().await, "the service does not recover");
    }

    /// The same, where recovering may fail: whether it did not.
    pub(super) async fn try_restart(&mut self) -> bool {
        self.consent = Consent::new(parts(
            &self.clock,
            &self.registry,
            &self.ledger,
            &self.keystore,
            [&self.vault, &self.custodian],
            &self.script,
        ));
        self.consent.recover().await.is_ok()
    }

    /// Registers and approves a relying party with this encryption key.
    pub(super) async fn register(&self, client_id: &ClientId, key: u8) {
        let application = RelyingParty {
            client_id: client_id.clone(),
            revision: 0,
            registration: registration(key),
            status: RegistrationStatus::Applied,
            applied_by: client_id.clone(),
            applied_at: START,
            expires_at: None,
            certificates: Vec::new(),
            leaf: None,
            waiting_keys: None,
            renewal: None,
        };
        self.registry.apply(&application).await.unwrap();
        let approved = RelyingParty {
            status: RegistrationStatus::Approved,
            certificates: certificates(key),
            expires_at: Some(START.plus(365 * 86_400)),
            ..application.clone()
        };
        self.replace(&application, &approved, LeafKind::RpRegistered)
            .await;
    }

    /// Announces another encryption key of the relying party, in force after so many seconds.
    pub(super) async fn change_key(&self, to: u8, after: u64) {
        let was = self.rp_row().await;
        let waiting_keys = WaitingKeys {
            registration: registration(to),
            certificates: certificates(to),
            in_force_at: self.clock.now().plus(after),
        };
        let next = RelyingParty {
            waiting_keys: Some(waiting_keys),
            ..was.clone()
        };
        self.replace(&was, &next, LeafKind::RpKeyChanged).await;
    }

    /// Suspends the relying party.
    pub(super) async fn suspend_rp(&self) {
        let was = self.rp_row().await;
        let next = RelyingParty {
            status: RegistrationStatus::Suspended,
            ..was.clone()
        };
        self.replace(&was, &next, LeafKind::RpSuspended).await;
    }

    async fn rp_row(&self) -> RelyingParty {
        let row = self.registry.relying_party(&self.rp, self.clock.now()).await;
        row.unwrap().unwrap()
    }

    async fn replace(&self, was: &RelyingParty, next: &RelyingParty, kind: LeafKind) {
        let leaf = self.rp_leaf(kind, &was.client_id);
        assert!(self.registry.replace(was, next, Some(&leaf)).await.unwrap());
    }

    fn rp_leaf(&self, kind: LeafKind, client_id: &ClientId) -> PromisedLeaf {
        let rp = Some(client_id.clone());
        let leaf = Leaf {
            rp,
            ..Leaf::new(kind, self.clock.now())
        };
        PromisedLeaf {
            id: LeafId::random(&SystemRng),
            body: leaf.to_text().unwrap(),
        }
    }

    pub(super) fn router(&self) -> Router {
        let auth = || Arc::new(ByHeader) as Arc<dyn Authenticate>;
        let requests = request_routes().finish(Arc::clone(&self.consent), auth());
        routes().finish(Arc::clone(&self.consent), auth()).merge(requests)
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    /// Calls as this caller: a role and an id, or nobody.
    pub(super) async fn call(&self, method: Method, path: &str, caller: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !caller.is_empty() {
            request = request.header(AUTHORIZATION, caller);
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        let request = request.header("content-type", "application/json");
        self.send(request.body(body).unwrap()).await
    }

    pub(super) fn as_rp(&self) -> String {
        format!("relying_party {}", self.rp)
    }

    pub(super) fn as_other_rp(&self) -> String {
        format!("relying_party {}", self.other_rp)
    }

    /// The person's pseudonym at the relying party.
    pub(super) fn sub(&self, person: &Person) -> String {
        let key = self.keystore.mac::<role::Pairwise>().unwrap();
        cyberid_protocol::pseudonym::derive(&key, &self.rp, &person.subject, 0)
    }

    /// The body with which the relying party asks Alice for her name and date of birth.
    pub(super) fn question(&self) -> Value {
        self.question_to(&self.alice)
    }

    fn question_to(&self, person: &Person) -> Value {
        json!({"sub": self.sub(person), "purpose": "open-account", "fields": ["name", "birth_date"],
            "nonce": Nonce::random(&SystemRng).as_str()})
    }

    pub(super) async fn ask(&self) -> ReleaseId {
        self.ask_for(&self.alice).await
    }

    pub(super) async fn ask_for(&self, person: &Person) -> ReleaseId {
        let question = Some(self.question_to(person));
        let answer = self
            .call(Method::POST, "/v1/releases", &self.as_rp(), question)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json::<Value>()["id"].as_str().unwrap().parse().unwrap()
    }

    pub(super) async fn request_object(&self, id: &ReleaseId) -> String {
        let answer = self
            .call(Method::GET, &format!("/v1/requests/{id}?locale=en"), "", None)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.text()
    }

    /// Sends a consent as this person.
    pub(super) async fn answer(&self, id: &ReleaseId, claims: &Claims, person: &Person) -> Answer {
        self.answer_compact(id, &claims.sign(&person.key).unwrap()).await
    }

    /// Answers with a guardian's word beside the consent.
    pub(super) async fn answer_with(&self, id: &ReleaseId, consent: &str, guardian: &str) -> Answer {
        let platform = self.keystore.opener::<role::Message>().unwrap().public_key();
        let sealed = SealedConsent::seal_with(&platform, consent, Some(guardian)).unwrap();
        let path = format!("/v1/requests/{id}/answer");
        self.call(Method::POST, &path, "", Some(json!({"sealed": sealed})))
            .await
    }

    pub(super) async fn answer_compact(&self, id: &ReleaseId, consent: &str) -> Answer {
        let platform = self.keystore.opener::<role::Message>().unwrap().public_key();
        let sealed = SealedConsent::seal(&platform, consent).unwrap();
        let body = Some(json!({"sealed": sealed}));
        self.call(Method::POST, &format!("/v1/requests/{id}/answer"), "", body)
            .await
    }

    /// Asks, and Alice agrees to everything.
    pub(super) async fn granted(&self) -> (ReleaseId, ConsentId) {
        self.granted_by(&self.alice).await
    }

    /// The same of another person.
    pub(super) async fn granted_by(&self, person: &Person) -> (ReleaseId, ConsentId) {
        let id = self.ask_for(person).await;
        let claims = agree(&self.request_object(&id).await, &*self.clock);
        let answer = self.answer(&id, &claims, person).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        (id, answer.json::<Consented>().consent_id)
    }

    pub(super) async fn redeem(&self, id: &ReleaseId, key: Option<&str>) -> Answer {
        let request = Request::post(format!("/v1/releases/{id}/redeem")).header(AUTHORIZATION, self.as_rp());
        let request = key
            .into_iter()
            .fold(request, |request, key| request.header("idempotency-key", key));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn withdraw(&self, id: &ConsentId) -> Answer {
        let withdrawal = withdrawal(id, self.clock.now());
        let body = Some(self.alice.sign_withdrawal(&withdrawal));
        self.call(Method::POST, &format!("/v1/consents/{id}/withdraw"), "", body)
            .await
    }

    /// Every leaf of the log.
    pub(super) async fn bodies(&self) -> Vec<String> {
        let size = self.ledger.latest().size();
        if let Some(last) = size.checked_sub(1) {
            self.ledger.published(last).await.unwrap();
        }
        let leaves = self.ledger_db.leaves(0, u32::try_from(size).unwrap()).await;
        leaves.unwrap().into_iter().map(|leaf| leaf.body).collect()
    }

    /// The registry as another process finds it.
    pub(super) async fn registry_anew(&self) -> RegistryDb {
        RegistryDb::open(self.dir.path().join("registry.db"))
            .await
            .unwrap()
    }

    /// The bytes of the registry's file, and of the log beside it.
    pub(super) fn registry_bytes(&self) -> Vec<u8> {
        let files = ["registry.db", "registry.db-wal"].map(|name| self.dir.path().join(name));
        let read = files.iter().map(|file| std::fs::read(file).unwrap_or_default());
        read.collect::<Vec<_>>().concat()
    }

    /// The kinds of the release's leaves in the log, in the order of the log; each is linked to the one before.
    pub(super) async fn logged(&self, id: &ReleaseId) -> Vec<LeafKind> {
        let mut previous = None;
        let mut kinds = Vec::new();
        for body in self.bodies().await {
            let leaf = Leaf::from_text(&body).unwrap();
            if leaf.request.as_ref() == Some(id) {
                assert_eq!(leaf.previous, previous, "the link of {:?}", leaf.kind);
                previous = Some(cyberid_crypto::digest::sha256_base64url(body.as_bytes()));
                kinds.push(leaf.kind);
            }
        }
        kinds
    }

    pub(super) async fn status(&self, id: &ReleaseId) -> String {
        let answer = self
            .call(Method::GET, &format!("/v1/releases/{id}"), &self.as_rp(), None)
            .await;
        answer.json::<Value>()["status"].as_str().unwrap().to_owned()
    }

    pub(super) fn request_key(&self) -> PublicKey {
        self.keystore.signer::<role::Request>().unwrap().public_key()
    }

    pub(super) fn event_key(&self) -> PublicKey {
        self.keystore.signer::<role::Event>().unwrap().public_key()
    }
}

fn keystore(dir: &std::path::Path, clock: &Arc<ManualClock>) -> Keystore {
    let passphrase = SecretBytes::from("a passphrase for tests".to_owned());
    let (clock, rng) = (Arc::clone(clock) as Arc<dyn Clock>, Arc::new(SystemRng));
    let keystore = Keystore::create(&dir.join("keys"), &passphrase, KdfCost::INSECURE, clock, rng).unwrap();
    let roles = [
        RoleName::Request,
        RoleName::Event,
        RoleName::Message,
        RoleName::Pairwise,
        RoleName::Idempotency,
        RoleName::Ledger,
    ];
    keystore.ensure(&roles).unwrap();
    keystore
}

fn parts(
    clock: &Arc<ManualClock>,
    registry: &RegistryDb,
    ledger: &Arc<Ledger>,
    keystore: &Keystore,
    [vault, custodian]: [&Client; 2],
    script: &Arc<Script>,
) -> Parts {
    let registry = Arc::new(registry.clone());
    let scripted = Arc::new(Scripted {
        db: (*registry).clone(),
        script: Arc::clone(script),
    });
    Parts {
        issuer: ISSUER.into(),
        clock: Arc::clone(clock) as _,
        rng: Arc::new(SystemRng),
        releases: scripted.clone(),
        relying_parties: registry.clone(),
        subjects: registry.clone(),
        guardianships: registry.clone(),
        devices: registry.clone(),
        promises: scripted.clone(),
        pledges: scripted.clone(),
        authorities: super::official::authorities(),
        officials: registry.clone(),
        number_salts: registry.clone(),
        cancellations: scripted.clone(),
        events: registry,
        kept_answers: scripted,
        ledger: Arc::clone(ledger),
        request_key: keystore.signer().unwrap(),
        event_key: keystore.signer().unwrap(),
        message_key: keystore.opener().unwrap(),
        pairwise_key: keystore.mac().unwrap(),
        idempotency_key: keystore.mac().unwrap(),
        vault: vault.clone(),
        custodians: vec![custodian.clone()],
        promised: Arc::new(Notify::new()),
        erase_within: 30 * cyberid_domain::clock::DAY,
        index_cooling_off: 180 * cyberid_domain::clock::DAY,
    }
}

fn registration(key: u8) -> String {
    let enc = AgreementKey::from_scalar(&[key; 32]).unwrap().public_key();
    let sig = cyberid_crypto::SigningKey::from_scalar(&[key + 100; 32])
        .unwrap()
        .public_key();
    let registration = Registration {
        name: "Example Bank".into(),
        domains: vec!["bank.example".into()],
        contact: "privacy@bank.example".into(),
        deletion_contact: "deletion@bank.example".into(),
        intended_uses: vec![
            intended_use("newsletter", vec![]),
            intended_use(
                "open-account",
                vec![Field::Name, Field::BirthDate, Field::ValidUntil],
            ),
        ],
        jwks: cyberid_crypto::jwk::JwkSet {
            keys: vec![
                sig.to_published_jwk("sig", "ES256"),
                enc.to_published_jwk("enc", "ECDH-ES"),
            ],
        },
        events_uri: None,
    };
    canonical::to_string(&registration).unwrap()
}

fn intended_use(purpose: &str, fields: Vec<Field>) -> IntendedUse {
    IntendedUse {
        purpose: purpose.into(),
        checks: Vec::new(),
        fields,
        legal_basis: "AML Law art. 18".into(),
        retention_days: 30,
        notice_uri: "https://bank.example/privacy".into(),
    }
}

/// The certificates of a registration with this encryption key.
fn certificates(key: u8) -> Vec<String> {
    vec![
        format!("certificate of newsletter, key {key}"),
        format!("certificate of open-account, key {key}"),
    ]
}
