//! A custodian behind its real router, in an honest world, with two people's confirmed shares.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign};
use cyberid_custodian::{Custodian, Parts};
use cyberid_domain::clock::ManualClock;
use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_key_holder::testing::{MemoryCustodian, Person, World};
use cyberid_keystore::{KdfCost, Keystore, RoleName, role};
use cyberid_protocol::deposit::{CommandBody, Deposit, KeyHolder, Outcome};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{OfficialWarrant, OfficialWarrantBody};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::replacement::StagedVersion;
use cyberid_protocol::warrant::{Shares, Warrant, WarrantBody};
use cyberid_record::SealedField;
use cyberid_web::Failure;
use cyberid_web::auth::{Authenticate, Caller};
use http::request::Parts as Head;
use http::{Request, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

/// A custodian in an honest world.
pub(crate) struct TestCustodian {
    /// The world.
    pub(crate) world: World,
    /// The vault that the custodian pins, with its private half.
    pub(crate) vault: AgreementKey,
    /// The custodian's store.
    pub(crate) store: Arc<MemoryCustodian>,
    /// Its keys.
    pub(crate) keys: Keystore,
    /// A person with a confirmed record.
    pub(crate) citizen: Person,
    /// Another.
    pub(crate) neighbour: Person,
    router: Router,
    _folder: tempfile::TempDir,
}

/// What a call was answered.
pub(crate) type Answer<T> = Result<T, Box<Problem>>;

impl TestCustodian {
    /// A custodian with two people's confirmed shares.
    pub(crate) async fn start() -> Self {
        let world = World::default();
        let folder = tempfile::tempdir().unwrap();
        let keys = keystore(folder.path(), &world.clock);
        let vault = AgreementKey::ephemeral().unwrap();
        let store = Arc::new(MemoryCustodian::default());
        let custodian = Custodian::new(Parts {
            anchors: world.anchors(),
            authorities: world.authorities(),
            enrolment_key: world.enrolment.public_key(),
            device_cooling_off: 259_200,
            vault_key: vault.public_key().into(),
            store: Arc::<MemoryCustodian>::clone(&store),
            replacements: Arc::<MemoryCustodian>::clone(&store),
            key: keys.opener().unwrap(),
            clock: Arc::<ManualClock>::clone(&world.clock),
        });
        custodian.recover().await.unwrap();
        let started = Self {
            router: cyberid_custodian::routes().finish(custodian, Arc::new(NoTokens)),
            world,
            vault,
            store,
            keys,
            citizen: Person::new("王小明", "11010519491231002X"),
            neighbour: Person::new("李雷", "440524188001010014"),
            _folder: folder,
        };
        for person in [&started.citizen, &started.neighbour] {
            started.deposit(&started.deposit_of(person)).await.unwrap();
            started.settle(person, Outcome::Confirmed).await.unwrap();
        }
        started
    }

    /// The key that people's shares are sealed to.
    pub(crate) fn custodian_key(&self) -> PublicKey {
        self.keys.opener::<role::Custodian>().unwrap().public_key()
    }

    /// A person's record, sealed anew.
    pub(crate) fn sealed(&self, person: &Person) -> Vec<(Field, SealedField)> {
        person.sealed(&self.vault.public_key(), &self.custodian_key())
    }

    /// A deposit of a person's record, sealed anew.
    pub(crate) fn deposit_of(&self, person: &Person) -> Deposit {
        self.world
            .deposit(KeyHolder::Custodian, person, &self.sealed(person))
    }

    /// Sends a deposit as issuance.
    pub(crate) async fn deposit(&self, deposit: &Deposit) -> Answer<()> {
        let message = deposit.sign(&self.world.enrolment).unwrap();
        self.post_empty("/v1/deposits", &CommandBody { message }).await
    }

    /// A new version of a person's record, sealed anew.
    pub(crate) fn staged_version(&self, person: &Person) -> StagedVersion {
        let deposit = self.deposit_of(person);
        StagedVersion {
            aud: deposit.aud,
            subject: deposit.subject,
            version: Nonce::random(&SystemRng),
            person_sealed: None,
            fields: deposit.fields,
            iat: deposit.iat,
            exp: deposit.exp,
            jti: deposit.jti,
        }
    }

    /// Stages a version as whoever has this key.
    pub(crate) async fn stage_by(&self, staged: &StagedVersion, key: &dyn Sign) -> Answer<()> {
        let message = staged.sign(key).unwrap();
        self.post_empty("/v1/staged-versions", &CommandBody { message })
            .await
    }

    /// Settles an enrolment as issuance.
    pub(crate) async fn settle(&self, person: &Person, outcome: Outcome) -> Answer<()> {
        let settlement = self.world.settlement(KeyHolder::Custodian, person, outcome);
        let message = settlement.sign(&self.world.enrolment).unwrap();
        self.post_empty("/v1/settlements", &CommandBody { message }).await
    }

    /// Asks for shares.
    pub(crate) async fn shares(&self, warrant: &Warrant) -> Answer<Shares> {
        let body = WarrantBody::from(warrant.clone());
        let (status, bytes) = self.send("POST", "/v1/shares", &body).await;
        read(status, &bytes)
    }

    /// Asks for shares by an authority's order.
    pub(crate) async fn official_shares(&self, warrant: &OfficialWarrant) -> Answer<Shares> {
        let body = OfficialWarrantBody::from(warrant.clone());
        let (status, bytes) = self.send("POST", "/v1/official-shares", &body).await;
        read(status, &bytes)
    }

    /// The answer of `GET /v1/checkpoint`.
    pub(crate) async fn remembered(&self) -> u64 {
        let (status, bytes) = self.send("GET", "/v1/checkpoint", &()).await;
        let answer: cyberid_protocol::warrant::RememberedSize = read(status, &bytes).unwrap();
        answer.size
    }

    /// Sends a command, which is answered with nothing.
    pub(crate) async fn post_empty(&self, path: &str, body: &CommandBody) -> Answer<()> {
        let (status, bytes) = self.send("POST", path, body).await;
        if status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(read::<()>(status, &bytes).unwrap_err())
    }

    async fn send(&self, method: &str, path: &str, body: &impl Serialize) -> (StatusCode, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(serde_json::to_vec(body).unwrap()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, bytes.to_vec())
    }
}

/// The type of a problem and its reason.
pub(crate) fn refusal<T>(answer: Answer<T>) -> (ProblemType, String) {
    let problem = answer.err().expect("refused");
    let reason = problem
        .extensions
        .get("reason")
        .and_then(|reason| reason.as_str());
    (problem.kind, reason.unwrap_or_default().to_owned())
}

fn read<T: DeserializeOwned>(status: StatusCode, bytes: &[u8]) -> Answer<T> {
    if status == StatusCode::OK {
        Ok(serde_json::from_slice(bytes).unwrap())
    } else {
        Err(Box::new(serde_json::from_slice(bytes).unwrap()))
    }
}

fn keystore(folder: &std::path::Path, clock: &Arc<ManualClock>) -> Keystore {
    let clock = Arc::<ManualClock>::clone(clock);
    let passphrase = SecretBytes::from(b"passphrase".to_vec());
    let keys = Keystore::create(folder, &passphrase, KdfCost::INSECURE, clock, Arc::new(SystemRng)).unwrap();
    keys.ensure(&[RoleName::Custodian]).unwrap();
    keys
}

/// No operation of the custodian takes a token.
struct NoTokens;

#[async_trait]
impl Authenticate for NoTokens {
    async fn authenticate(&self, _: &Head) -> Result<Caller, Failure> {
        Err(ProblemType::Unauthenticated.into())
    }
}
