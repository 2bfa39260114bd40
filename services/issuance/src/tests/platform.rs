//! A platform for a test: issuance, and its peers behind real sockets.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use cyberid_client::Client;
use cyberid_crypto::Sign as _;
use cyberid_domain::age::Threshold;
use cyberid_domain::clock::ManualClock;
use cyberid_domain::id::{ClientId, Nonce, SubjectId};
use cyberid_domain::relying_party::Role;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_domain::{Clock as _, Rng, UnixTime};
use cyberid_keystore::role::{Certificate, Enrolment, Pin};
use cyberid_keystore::{KdfCost, Keystore, RoleName, Signer};
use cyberid_pin::{PinCost, PinHasher};
use cyberid_protocol::deposit::KeyHolder;
use cyberid_protocol::deposit::RESERVATION_INFO;
use cyberid_protocol::enrolment::EnrolmentBody;
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_storage_sqlite::RegistryDb;
use cyberid_web::Failure;
use cyberid_web::auth::{Authenticate, Caller};
use http::request::{Parts as Head, Request};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::applicant::Applicant;
use super::holder_peer::HolderPeer;
use super::registry::Registry;
use super::source_peer::SourcePeer;
use crate::document::CheckedDocument;
use crate::key_holders::Binds;
use crate::{CustodianPeer, Issuance, Parts, Passports, RefusalLimits};

pub(super) const ISSUER: &str = "https://cyberid.example";

/// 2026-11-23T11:06:40Z.
pub(super) const START: UnixTime = UnixTime(1_795_432_000);

pub(super) struct TestPlatform {
    pub(super) issuance: Arc<Issuance>,
    pub(super) registry: Arc<Registry>,
    /// What has no double: in a file.
    pub(super) db: Arc<RegistryDb>,
    pub(super) vault: Arc<HolderPeer>,
    pub(super) custodian: Arc<HolderPeer>,
    pub(super) source: Arc<SourcePeer>,
    pub(super) clock: Arc<ManualClock>,
    addresses: [String; 3],
    store: Keystore,
    _folder: TempDir,
}

/// An answer, whole.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn problem(&self) -> ProblemType {
        let problem: Problem = self.json();
        assert_eq!(self.status.as_u16(), problem.kind.status());
        problem.kind
    }
}

/// Believes the headers `x-holder` and `x-operator`.
struct Believer;

#[async_trait]
impl Authenticate for Believer {
    async fn authenticate(&self, head: &Head) -> Result<Caller, Failure> {
        if let Some(id) = head.headers.get("x-operator") {
            return Ok(Caller {
                role: Role::Operator,
                id: id.to_str().unwrap().to_owned(),
            });
        }
        let id = head.headers.get("x-holder").ok_or(ProblemType::Unauthenticated)?;
        Ok(Caller {
            role: Role::Holder,
            id: id.to_str().unwrap().to_owned(),
        })
    }
}

impl TestPlatform {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let store = keystore(&folder, &clock);
        let signer: Signer<Enrolment> = store.signer().unwrap();
        let vault = HolderPeer::new(KeyHolder::Vault, signer.public_key(), Arc::clone(&clock));
        let custodian = HolderPeer::new(KeyHolder::Custodian, signer.public_key(), Arc::clone(&clock));
        let source = SourcePeer::new(Arc::clone(&clock));
        let addresses = [
            serve(vault.router()).await,
            serve(custodian.router()).await,
            serve(source.router()).await,
        ];
        let registry = Arc::new(Registry::default());
        let db = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let db = Arc::new(db);
        let parts = parts(
            &store,
            &addresses,
            (&registry, &vault, &custodian, &source),
            &db,
            &clock,
        );
        Self {
            issuance: Issuance::new(parts),
            registry,
            db,
            vault,
            custodian,
            source,
            clock,
            addresses,
            store,
            _folder: folder,
        }
    }

    /// Another start of issuance over the same stores and peers, as after a crash.
    pub(super) fn restart(&mut self) {
        self.issuance = Issuance::new(self.parts());
    }

    /// From now on this is asked of passports.
    pub(super) fn take_passports(&mut self, passports: Passports) {
        self.issuance = Issuance::new(Parts {
            passports,
            ..self.parts()
        });
    }

    /// From now on so many may be refused within an hour, over one file.
    pub(super) fn allow_refusals(&mut self, of_all: u32) {
        let db = &self.db;
        self.issuance = Issuance::new(Parts {
            subjects: Arc::clone(db) as _,
            single_uses: Arc::clone(db) as _,
            refusal_limits: RefusalLimits {
                of_all,
                ..RefusalLimits::default()
            },
            ..self.parts()
        });
    }

    fn parts(&self) -> Parts {
        let peers = (&self.registry, &self.vault, &self.custodian, &self.source);
        parts(&self.store, &self.addresses, peers, &self.db, &self.clock)
    }

    /// The same over one file, where nobody is enrolled without a guardian before this age.
    pub(super) async fn start_on_disk(guardian_until: Threshold) -> Self {
        let mut test = Self::start().await;
        test.issuance = test.another_on_disk(guardian_until);
        test
    }

    /// Another process over the same file.
    pub(super) fn another_on_disk(&self, guardian_until: Threshold) -> Arc<Issuance> {
        Issuance::new(self.parts_on_disk(guardian_until))
    }

    /// From now on chance is this, over one file.
    pub(super) fn draw_from(&mut self, rng: Arc<dyn Rng>) {
        self.issuance = Issuance::new(Parts {
            rng,
            ..self.parts_on_disk(Threshold::Fourteen)
        });
    }

    fn parts_on_disk(&self, guardian_until: Threshold) -> Parts {
        let db = &self.db;
        Parts {
            subjects: Arc::clone(db) as _,
            guardianships: Arc::clone(db) as _,
            number_salts: Arc::clone(db) as _,
            passkeys: Arc::clone(db) as _,
            single_uses: Arc::clone(db) as _,
            guardian_until,
            ..self.parts()
        }
    }

    pub(super) fn keys(&self) -> &Keystore {
        &self.store
    }

    pub(super) fn certificate_key(&self) -> cyberid_crypto::PublicKey {
        let signer: Signer<Certificate> = self.store.signer().unwrap();
        signer.public_key()
    }

    pub(super) fn pins(&self) -> PinHasher {
        pins(&self.store)
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let router = crate::routes().finish(Arc::clone(&self.issuance), Arc::new(Believer));
        let (head, body) = router.oneshot(request).await.unwrap().into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(super) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn me(&self, jkt: Option<&str>) -> Answer {
        let request = Request::get("/v1/me");
        let request = jkt
            .into_iter()
            .fold(request, |request, jkt| request.header("x-holder", jkt));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Calls as the holder of a device.
    pub(super) async fn as_holder(&self, method: &str, path: &str, jkt: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-holder", jkt)
            .header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// Calls as an operator.
    pub(super) async fn as_operator(&self, path: &str, operator: &ClientId, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("x-operator", operator.as_str())
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    pub(super) async fn nonce(&self) -> Nonce {
        let answer: Value = self.post("/v1/nonces", "").await.json();
        answer["nonce"].as_str().unwrap().parse().unwrap()
    }

    /// Enrols with a fresh nonce and proof.
    pub(super) async fn enrol(&self, applicant: &Applicant) -> Answer {
        let proof = applicant.proof(&self.nonce().await, self.clock.now());
        self.post("/v1/enrolments", applicant.body(&proof).to_string())
            .await
    }

    /// Enrols as the ward of whoever signed `consent`.
    pub(super) async fn enrol_ward(&self, applicant: &Applicant, consent: &str) -> Answer {
        let proof = applicant.proof(&self.nonce().await, self.clock.now());
        let mut body = applicant.body(&proof);
        body["guardian_consent"] = consent.into();
        self.post("/v1/enrolments", body.to_string()).await
    }

    /// Lets housekeeping run now, and again when nothing sent before can still arrive.
    pub(super) async fn settle_down(&self) {
        self.issuance.housekeep().await.unwrap();
        self.clock.advance(600);
        self.issuance.housekeep().await.unwrap();
    }

    /// The deposit of this enrolment arrives only now; whether the person is reserved by it.
    pub(super) async fn deposit_late(&self, subject: SubjectId, applicant: &Applicant) -> bool {
        let body = serde_json::from_value::<EnrolmentBody>(applicant.body("")).unwrap();
        let document = CheckedDocument::check(&body.document, START).unwrap();
        let record = self
            .issuance
            .seal_record(subject, &document, START.date(), RESERVATION_INFO);
        let binds = Binds {
            subject,
            device: &applicant.device.public_key(),
            number_commitment: "",
        };
        self.issuance.deposit(&binds, record.unwrap()).await.unwrap()
    }

    /// Nothing of any enrolment is left anywhere.
    pub(super) fn assert_nothing_left(&self) {
        assert_eq!(self.registry.open(), []);
        self.assert_nothing_held();
    }

    /// Nobody is enrolled, and the key holders keep nothing of anybody.
    pub(super) fn assert_nothing_held(&self) {
        assert!(self.registry.subjects().is_empty());
        assert!(self.vault.records().is_empty() && self.vault.reservations().is_empty());
        assert!(self.custodian.records().is_empty());
    }

    /// Exactly one person is enrolled, whole, and nothing is left undone.
    pub(super) fn assert_one_identifier(&self) {
        assert_eq!(self.registry.open(), []);
        let subjects = self.registry.subjects();
        assert_eq!(subjects.len(), 1);
        let subject = subjects[0].subject;
        let reserved: Vec<_> = self.vault.reservations().into_values().collect();
        assert_eq!(reserved, [subject]);
        for holder in [&self.vault, &self.custodian] {
            let records = holder.records();
            assert_eq!(records.len(), 1);
            assert!(records[&subject].confirmed);
        }
    }
}

fn keystore(folder: &TempDir, clock: &Arc<ManualClock>) -> Keystore {
    let passphrase = SecretBytes::from("passphrase".to_owned());
    let (clock, rng) = (Arc::clone(clock) as _, Arc::new(SystemRng));
    let store = Keystore::create(folder.path(), &passphrase, KdfCost::INSECURE, clock, rng).unwrap();
    let roles = [
        RoleName::Enrolment,
        RoleName::Certificate,
        RoleName::Age,
        RoleName::Token,
        RoleName::Pin,
        RoleName::Evidence,
        RoleName::Message,
    ];
    store.ensure(&roles).unwrap();
    store
}

fn pins(store: &Keystore) -> PinHasher {
    let cost = PinCost {
        memory_kib: 64,
        passes: 1,
    };
    PinHasher::new(Arc::new(store.mac::<Pin>().unwrap()), cost, 2)
}

type Peers<'a> = (
    &'a Arc<Registry>,
    &'a Arc<HolderPeer>,
    &'a Arc<HolderPeer>,
    &'a Arc<SourcePeer>,
);

fn parts(
    store: &Keystore,
    addresses: &[String; 3],
    (registry, vault, custodian, source): Peers<'_>,
    life: &Arc<RegistryDb>,
    clock: &Arc<ManualClock>,
) -> Parts {
    let [vault_url, custodian_url, source_url] = addresses;
    Parts {
        issuer: ISSUER.into(),
        clock: Arc::clone(clock) as _,
        rng: Arc::new(SystemRng),
        subjects: Arc::clone(registry) as _,
        guardianships: Arc::clone(registry) as _,
        number_salts: Arc::clone(registry) as _,
        lives: Arc::clone(life) as _,
        acts: Arc::clone(life) as _,
        renumberings: Arc::clone(life) as _,
        promises: Arc::clone(life) as _,
        promised: Arc::default(),
        guardian_until: Threshold::Fourteen,
        passkeys: Arc::clone(registry) as _,
        devices: Arc::clone(life) as _,
        device_cooling_off: 72 * 3_600,
        refusal_limits: RefusalLimits::default(),
        notices: Arc::clone(life) as _,
        passports: Passports::WithoutChip,
        cases: Arc::clone(life) as _,
        single_uses: Arc::clone(registry) as _,
        vault: Client::new(vault_url).unwrap(),
        custodians: vec![CustodianPeer {
            client: Client::new(custodian_url).unwrap(),
            key: custodian.public_key().into(),
        }],
        source: Client::new(source_url).unwrap(),
        vault_key: vault.public_key().into(),
        source_signing_key: source.signing_public_key(),
        source_encryption_key: source.encryption_public_key(),
        enrolment_key: store.signer().unwrap(),
        certificate_key: store.signer().unwrap(),
        message_key: store.opener().unwrap(),
        evidence_key: store.mac().unwrap(),
        age_key: store.mac().unwrap(),
        token_key: store.mac().unwrap(),
        pins: pins(store),
    }
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}
