//! A platform and its people, in one line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use cyberid_crypto::{Agree as _, AgreementKey, Mac, Sign as _, SigningKey, key};
use cyberid_domain::age::AgeFlags;
use cyberid_domain::check::{Check, Factor};
use cyberid_domain::clock::{Clock as _, ManualClock};
use cyberid_domain::id::{ClientId, Nonce, SubjectId, VerificationId};
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::pin::Pin;
use cyberid_domain::relying_party::Role;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_domain::secret::SecretBytes;
use cyberid_domain::{Rng, UnixTime};
use cyberid_keystore::role::{
    Evidence as EvidenceRole, Journal as JournalRole, Pin as Pepper, RoleName, Token,
};
use cyberid_keystore::{KdfCost, Keystore, MacHandle};
use cyberid_pin::{PinCost, PinHasher};
use cyberid_protocol::attestation::Attestation;
use cyberid_protocol::discovery::LedgerDescription;
use cyberid_protocol::face::person_tag;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::message::{Message as _, open};
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::proof::Proof;
use cyberid_protocol::registration::Registered;
use cyberid_protocol::sealed::SealedProof;
use cyberid_protocol::verification::VerificationView;
use cyberid_storage::counter::NewCodes;
use cyberid_storage::promise::Promises as _;
use cyberid_storage::subject::{NewSubject, SubjectDevice, Subjects as _};
use cyberid_storage_journal::{FileJournal, Options};
use cyberid_storage_sqlite::RegistryDb;
use cyberid_verification::{Description, Parts, SigningKeys, StaticClient, Verification, VisitsKept, routes};
use cyberid_web::AccessTokens;
use cyberid_web::auth::Binding;
use cyberid_web::quota::{CallerQuotas, Quota};
use cyberid_web::server::{Hardened, Limits};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::announcing::Told;

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const START: UnixTime = UnixTime(1_795_400_000);
pub(crate) const PURPOSE: &str = "open-account";
/// For how many seconds changed keys wait.
pub(crate) const COOLING_OFF: u64 = 86_400;
/// The least cost of a PIN.
const CHEAP: PinCost = PinCost {
    memory_kib: 8,
    passes: 1,
};
pub(crate) const REGULATED: &str = "fields-only";

/// The service with its store, its clock and its callers.
pub(crate) struct Platform {
    pub(crate) service: Arc<Verification>,
    pub(crate) db: RegistryDb,
    /// What the identity source signs with.
    pub(crate) source: SigningKey,
    pub(crate) journal: Arc<FileJournal>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tokens: Arc<AccessTokens>,
    pub(crate) keys: Keystore,
    pub(crate) operators: [Client; 2],
    pub(crate) regulator: Client,
    /// What relying parties were told.
    pub(crate) announced: Arc<Told>,
    /// Whether promised leaves are brought to the log.
    pub(crate) logging: Arc<AtomicBool>,
    router: Router,
    hardened: Hardened,
    pins: PinHasher,
    pub(crate) pepper: Arc<Counting>,
    folder: TempDir,
}

/// A caller with a key.
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) role: Role,
    pub(crate) key: SigningKey,
}

/// A person with a device.
pub(crate) struct Citizen {
    pub(crate) subject: SubjectId,
    pub(crate) device: SigningKey,
    /// The identity source's handle of them.
    pub(crate) person: String,
}

/// A pepper that counts how often it is used.
pub(crate) struct Counting {
    key: MacHandle<Pepper>,
    uses: AtomicUsize,
}

impl Counting {
    fn of(key: MacHandle<Pepper>) -> Self {
        let uses = AtomicUsize::new(0);
        Self { key, uses }
    }

    /// How often it was used since it was last asked.
    pub(crate) fn take(&self) -> usize {
        self.uses.swap(0, Ordering::SeqCst)
    }
}

impl Mac for Counting {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.uses.fetch_add(1, Ordering::SeqCst);
        self.key.mac(parts)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn expect<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.read()
    }

    pub(crate) fn problem(&self) -> ProblemType {
        let problem: cyberid_protocol::problem::Problem = self.read();
        assert_eq!(self.status, problem.kind.status());
        problem.kind
    }
}

pub(crate) fn new_key() -> SigningKey {
    SigningKey::from_scalar(&key::random_scalar(|bytes| SystemRng.fill(bytes))).unwrap()
}

fn client(role: Role) -> Client {
    let id = ClientId::random(&SystemRng);
    Client {
        id,
        role,
        key: new_key(),
    }
}

fn keystore(folder: &TempDir, clock: Arc<ManualClock>) -> Keystore {
    let passphrase = SecretBytes::from(String::from("passphrase"));
    let (cost, path) = (KdfCost::INSECURE, folder.path().join("keys"));
    let keys = Keystore::create(&path, &passphrase, cost, clock, Arc::new(SystemRng)).unwrap();
    keys.ensure(RoleName::ALL).unwrap();
    keys
}

fn description() -> Description {
    Description {
        client_certificates: true,
        ledger: LedgerDescription {
            origin: "id.example/ledger".into(),
            vkey: "vkey".into(),
            url: format!("{ISSUER}/ledger"),
            witnesses: vec![],
            policy: "policy".into(),
        },
    }
}

async fn open_journal(folder: &TempDir, keys: &Keystore, clock: Arc<ManualClock>) -> Arc<FileJournal> {
    let keys = keys.mac::<JournalRole>().unwrap().all();
    let directory = folder.path().join("journal");
    let journal = FileJournal::open(directory, &keys, clock, Arc::new(SystemRng), Options::default());
    Arc::new(journal.await.unwrap())
}

fn signing_keys(keys: Keystore) -> SigningKeys {
    Arc::new(move || keys.public_signing_keys())
}

impl Client {
    /// The client as the platform knows it.
    fn known(&self) -> StaticClient {
        StaticClient {
            client_id: self.id.clone(),
            role: self.role,
            key: self.key.public_key(),
        }
    }
}

impl Platform {
    pub(crate) async fn start() -> Self {
        Self::start_with(Quota::default(), true).await
    }

    /// A platform that gives tokens only with a proof of possession, unless `bearer`.
    pub(crate) async fn start_with(quota: Quota, bearer: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = RegistryDb::open(folder.path().join("registry.db")).await.unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let keys = keystore(&folder, clock.clone());
        let mac = keys.mac::<Token>().unwrap();
        let quotas = CallerQuotas {
            client: quota,
            ..CallerQuotas::default()
        };
        let tokens = AccessTokens::new(ISSUER, &mac, clock.clone(), Arc::clone(&rng)).with_quotas(quotas);
        let tokens = Arc::new(if bearer { tokens.allow_bearer() } else { tokens });
        let pepper = Arc::new(Counting::of(keys.mac().unwrap()));
        let pins = PinHasher::new(pepper.clone(), CHEAP, 2);
        let operators = [client(Role::Operator), client(Role::Operator)];
        let regulator = client(Role::Regulator);
        let promised = Arc::new(Notify::new());
        let announced = Arc::new(Told::default());
        let store = Arc::new(db.clone());
        let journal = open_journal(&folder, &keys, clock.clone()).await;
        let source = new_key();
        let service = Verification::new(Parts {
            issuer: ISSUER.into(),
            clock: clock.clone(),
            rng,
            subjects: store.clone(),
            relying_parties: store.clone(),
            verifications: journal.clone(),
            single_uses: store.clone(),
            held: store.clone(),
            promises: store.clone(),
            passkeys: store.clone(),
            source_key: source.public_key(),
            evidence_key: keys.mac().unwrap(),
            guardianships: store,
            journal: journal.clone(),
            visits_kept: VisitsKept::default(),
            attestation: keys.signer().unwrap(),
            request: keys.signer().unwrap(),
            registration: keys.signer().unwrap(),
            message: keys.opener().unwrap(),
            pairwise: keys.mac().unwrap(),
            journal_key: keys.mac().unwrap(),
            signing_keys: signing_keys(keys.clone()),
            access_tokens: Arc::clone(&tokens),
            pins: pins.clone(),
            clients: [&operators[0], &operators[1], &regulator]
                .map(Client::known)
                .into(),
            description: description(),
            promised: Arc::clone(&promised),
            key_cooling_off: COOLING_OFF,
            announce: announced.clone(),
        });
        let logging = Arc::new(AtomicBool::new(true));
        tokio::spawn(keep_promises(db.clone(), promised, Arc::clone(&logging)));
        let router = routes().finish(Arc::clone(&service), Arc::clone(&tokens) as _);
        Self {
            hardened: Hardened::new(router.clone(), &Limits::default()),
            router,
            service,
            source,
            db,
            journal,
            clock,
            tokens,
            keys,
            operators,
            regulator,
            announced,
            logging,
            pins,
            pepper,
            folder,
        }
    }

    /// How many transactions wrote something to the registry: the frames of its log that end one
    /// (<https://www.sqlite.org/fileformat2.html>, section 4).
    pub(crate) fn registry_commits(&self) -> usize {
        const PAGE: usize = 4096;
        let log = std::fs::read(self.folder.path().join("registry.db-wal")).unwrap();
        assert_eq!(log[8..12], u32::try_from(PAGE).unwrap().to_be_bytes());
        let (header, frames) = log.split_at(32);
        let frames = frames.chunks_exact(24 + PAGE);
        let of_this_log = frames.filter(|frame| frame[8..16] == header[16..24]);
        of_this_log.filter(|frame| frame[4..8] != [0; 4]).count()
    }

    /// The whole service, for a socket of its own.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer: SocketAddr = "127.0.0.1:7".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.hardened.answer(request).await;
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().into(),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        caller: Option<(Role, &str)>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((role, id)) = caller {
            let token = self.tokens.issue(role, id, &Binding::Bare, 600).unwrap();
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, caller: &Client) -> Answer {
        self.call(Method::GET, path, Some((caller.role, caller.id.as_str())), None)
            .await
    }

    pub(crate) async fn get_publicly(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, caller: &Client, body: Value) -> Answer {
        let caller = Some((caller.role, caller.id.as_str()));
        self.call(Method::POST, path, caller, Some(body)).await
    }

    pub(crate) async fn post_publicly(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, None, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, caller: &Client) -> Answer {
        let caller = Some((caller.role, caller.id.as_str()));
        self.call(Method::DELETE, path, caller, None).await
    }

    /// Where a registration stands, as an operator reads it, without its counters.
    pub(crate) async fn registered(&self, client_id: &ClientId) -> Registered {
        let path = format!("/v1/relying-parties/{client_id}");
        let registered: Registered = self.get(&path, &self.operators[0]).await.expect(200);
        Registered {
            outcomes: None,
            ..registered
        }
    }

    /// The leaves that were promised while nobody brought them to the log.
    pub(crate) async fn unlogged(&self) -> Vec<Leaf> {
        let promised = self.db.outstanding(10).await.unwrap();
        promised
            .iter()
            .map(|leaf| Leaf::from_text(&leaf.body).unwrap())
            .collect()
    }

    pub(crate) async fn act(&self, operator: &Client, client_id: &ClientId, what: &str) -> Answer {
        let path = format!("/v1/relying-parties/{client_id}/{what}");
        let caller = Some((operator.role, operator.id.as_str()));
        self.call(Method::POST, &path, caller, None).await
    }

    /// A relying party that the first operator applied for.
    pub(crate) async fn applicant(&self) -> Client {
        let key = new_key();
        let answer = self
            .post("/v1/relying-parties", &self.operators[0], registration(&key))
            .await;
        Client {
            id: answer.expect::<Registered>(201).client_id,
            role: Role::RelyingParty,
            key,
        }
    }

    /// A relying party that one operator applied for, and the other approved.
    pub(crate) async fn relying_party(&self) -> Client {
        let applicant = self.applicant().await;
        self.act(&self.operators[1], &applicant.id, "approve")
            .await
            .expect::<Registered>(200);
        applicant
    }

    /// An adult with a valid document and the PIN 27182845.
    pub(crate) async fn adult(&self) -> Citizen {
        self.citizen(every_age()).await
    }

    pub(crate) async fn citizen(&self, age_flags: AgeFlags) -> Citizen {
        let subject = SubjectId::random(&SystemRng);
        self.db.begin_enrolment(&subject, START).await.unwrap();
        self.committed(subject, new_key(), age_flags).await
    }

    /// An adult whose only key is a code of a counter, which acts once.
    pub(crate) async fn adult_with_code(&self) -> Citizen {
        let key = new_key();
        let codes = NewCodes {
            subject: SubjectId::random(&SystemRng),
            jkts: vec![key.kid().into()],
            station: ClientId::random(&SystemRng),
            now: START,
        };
        self.db.begin_enrolment(&codes.subject, START).await.unwrap();
        assert!(self.db.keep_codes(&codes).await.unwrap());
        self.committed(codes.subject, key, every_age()).await
    }

    async fn committed(&self, subject: SubjectId, device: SigningKey, age_flags: AgeFlags) -> Citizen {
        let person = cyberid_crypto::base64url::encode(&random::<32>(&SystemRng));
        let new = NewSubject {
            subject,
            number: NetworkNumber::random(&SystemRng),
            device: SubjectDevice {
                jkt: device.kid().into(),
                key: *device.public_key().as_sec1(),
                bound_at: START,
            },
            age_flags,
            age_tags: vec![],
            person_tag: person_tag(&self.keys.mac::<EvidenceRole>().unwrap(), &person).unwrap(),
            pin: self.pins.hash(&pin(), &SystemRng).await.unwrap(),
            document_expires_at: START.plus(365 * 86_400),
            credential_expires_at: START.plus(180 * 86_400),
        };
        assert!(self.db.commit_enrolment(&new).await.unwrap());
        Citizen {
            subject,
            device,
            person,
        }
    }

    /// The claims of a good direct proof for `checks`.
    pub(crate) fn proof(&self, rp: &Client, checks: &[Check]) -> Proof {
        Proof {
            aud: ISSUER.into(),
            rp: rp.id.clone(),
            request: None,
            purpose: PURPOSE.into(),
            checks: checks.into(),
            factors: vec![Factor::Device],
            nonce: Nonce::random(&SystemRng),
            iat: self.clock.now(),
            exp: self.clock.now().plus(300),
            jti: Nonce::random(&SystemRng),
        }
    }

    pub(crate) fn seal(&self, device: &SigningKey, proof: &Proof, pin: Option<&Pin>) -> String {
        let signed = proof.sign(device).unwrap();
        let platform = self
            .keys
            .opener::<cyberid_keystore::role::Message>()
            .unwrap()
            .public_key();
        SealedProof::seal(&platform, &signed, pin).unwrap()
    }

    pub(crate) async fn direct(&self, rp: &Client, sealed: &str) -> Answer {
        self.post("/v1/verifications/direct", rp, json!({ "sealed": sealed }))
            .await
    }

    /// The attestation of an answer, checked as a relying party checks it.
    pub(crate) fn attestation(&self, rp: &Client, compact: &str) -> Attestation {
        let key = self
            .keys
            .signer::<cyberid_keystore::role::Attestation>()
            .unwrap()
            .public_key();
        let attestation: Attestation = open(compact, &key).unwrap();
        assert_eq!((attestation.iss.as_str(), &attestation.aud), (ISSUER, &rp.id));
        attestation
    }

    /// Asks, and gives the id.
    pub(crate) async fn ask(&self, rp: &Client, body: Value) -> VerificationId {
        let answer = self.post("/v1/verifications", rp, body).await;
        let requested: cyberid_protocol::verification::VerificationRequested = answer.expect(201);
        assert_eq!(
            requested.request_uri,
            format!("{ISSUER}/v1/requests/{}", requested.id)
        );
        assert_eq!(
            answer.headers["location"],
            format!("/v1/verifications/{}", requested.id)
        );
        requested.id
    }

    pub(crate) async fn answer(&self, id: &VerificationId, body: Value) -> Answer {
        self.post_publicly(&format!("/v1/requests/{id}/answer"), body)
            .await
    }

    pub(crate) async fn view(&self, rp: &Client, id: &VerificationId) -> VerificationView {
        self.get(&format!("/v1/verifications/{id}"), rp).await.expect(200)
    }
}

fn every_age() -> AgeFlags {
    let all = cyberid_domain::age::Threshold::ALL.into_iter();
    all.fold(AgeFlags::default(), AgeFlags::with)
}

pub(crate) fn pin() -> Pin {
    Pin::entered("27182845".into()).unwrap()
}

pub(crate) fn wrong_pin() -> Pin {
    Pin::entered("27182846".into()).unwrap()
}

/// A good application by a relying party that signs with `key`.
pub(crate) fn registration(key: &SigningKey) -> Value {
    let encryption = AgreementKey::ephemeral().unwrap().public_key();
    json!({
        "name": "Example Bank",
        "domains": ["bank.example", "www.bank.example"],
        "contact": "identity@bank.example",
        "deletion_contact": "erasure@bank.example",
        "intended_uses": [
            {
                "purpose": PURPOSE,
                "checks": ["real_person", "document_valid", "age_over_14", "age_over_18", "same_person", "guardian_consent"],
                "fields": ["name"],
                "legal_basis": "Anti-Money Laundering Law, article 29",
                "retention_days": 30,
                "notice_uri": "https://bank.example/privacy"
            },
            {
                "purpose": REGULATED,
                "checks": [],
                "fields": ["name"],
                "legal_basis": "contract",
                "retention_days": 1,
                "notice_uri": "https://bank.example/privacy"
            }
        ],
        "jwks": {"keys": [
            key.public_key().to_published_jwk("sig", "ES256"),
            encryption.to_published_jwk("enc", "ECDH-ES")
        ]}
    })
}

/// As many answers to the same request at once.
pub(crate) async fn at_once<F>(count: usize, start: impl Fn() -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let running: Vec<_> = (0..count).map(|_| tokio::spawn(start())).collect();
    let mut answers = vec![];
    for answer in running {
        answers.push(answer.await.unwrap());
    }
    answers
}

/// The log, as far as this service sees it: every promised leaf gets its place.
async fn keep_promises(db: RegistryDb, promised: Arc<Notify>, logging: Arc<AtomicBool>) {
    let mut next = 0;
    loop {
        promised.notified().await;
        if logging.load(Ordering::SeqCst) {
            for leaf in db.outstanding(100).await.unwrap() {
                db.kept(&leaf.id, next).await.unwrap();
                next += 1;
            }
        }
    }
}
