//! A vault behind its real router, in an honest world, with two people's confirmed records and a custodian that
//! yields whatever it is asked: so that what the vault refuses, it refuses by itself.

mod custodian;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use cyberid_client::Client;
use cyberid_crypto::{PublicKey, Sign as _, jwe};
use cyberid_domain::clock::{DAY, ManualClock};
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_key_holder::testing::{MemoryVault, Person, World};
use cyberid_keystore::{KdfCost, Keystore, RoleName, role};
use cyberid_protocol::cancellation::CancellationBody;
use cyberid_protocol::deposit::{CommandBody, Deposit, KeyHolder, Outcome, Reservation, ReservationAnswer};
use cyberid_protocol::identity::{IdentityClaims, TYP};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::official::{
    OfficialIdentity, OfficialIdentityClaims, OfficialWarrant, OfficialWarrantBody,
};
use cyberid_protocol::problem::{Problem, ProblemType};
use cyberid_protocol::warrant::{Opened, RememberedSize, Warrant, WarrantBody};
use cyberid_vault::{Parts, Vault};
use cyberid_web::Failure;
use cyberid_web::auth::{Authenticate, Caller};
use http::request::Parts as Head;
use http::{Request, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

pub(crate) use custodian::{Credulous, Play};

/// For how many days a cancelled person is not reserved again.
pub(crate) const COOLING_OFF_DAYS: u64 = 30;

/// A vault in an honest world.
pub(crate) struct TestVault {
    /// The world.
    pub(crate) world: World,
    /// The custodian that yields whatever it is asked.
    pub(crate) custodian: Arc<Credulous>,
    /// The vault's store.
    pub(crate) store: Arc<MemoryVault>,
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

impl TestVault {
    /// A vault with two people's confirmed records.
    pub(crate) async fn start() -> Self {
        let custodian = Credulous::start().await;
        let address = custodian.address();
        Self::start_with(custodian, &address).await
    }

    /// The same, but the custodian cannot be reached.
    pub(crate) async fn start_alone() -> Self {
        // Nobody listens on a port that was bound and let go.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        Self::start_with(Credulous::start().await, &address).await
    }

    async fn start_with(custodian: Arc<Credulous>, address: &str) -> Self {
        let world = World::default();
        let folder = tempfile::tempdir().unwrap();
        let keys = keystore(folder.path(), &world.clock);
        let store = Arc::new(MemoryVault::default());
        let vault = Vault::new(Parts {
            anchors: world.anchors(),
            authorities: world.authorities(),
            enrolment_key: world.enrolment.public_key(),
            device_cooling_off: 259_200,
            store: Arc::<MemoryVault>::clone(&store),
            replacements: Arc::<MemoryVault>::clone(&store),
            key: keys.opener().unwrap(),
            index: keys.mac().unwrap(),
            identity: keys.signer().unwrap(),
            custodians: vec![Client::new(address).unwrap()],
            index_cooling_off: COOLING_OFF_DAYS * DAY,
            clock: Arc::<ManualClock>::clone(&world.clock),
        });
        vault.recover().await.unwrap();
        let started = Self {
            router: cyberid_vault::routes().finish(vault, Arc::new(NoTokens)),
            world,
            custodian,
            store,
            keys,
            citizen: Person::new("王小明", "11010519491231002X"),
            neighbour: Person::new("李雷", "440524188001010014"),
            _folder: folder,
        };
        for person in [&started.citizen, &started.neighbour] {
            started.enrol(person).await;
        }
        started
    }

    /// The key that people's shares are sealed to.
    pub(crate) fn vault_key(&self) -> PublicKey {
        self.keys.opener::<role::Vault>().unwrap().public_key()
    }

    /// Enrols a person at both key holders.
    pub(crate) async fn enrol(&self, person: &Person) {
        assert!(self.reserve_person(person).await.unwrap());
        self.deposit(&self.deposit_of(person)).await.unwrap();
        self.settle(person, Outcome::Confirmed).await.unwrap();
    }

    /// Reserves a person as issuance.
    pub(crate) async fn reserve_person(&self, person: &Person) -> Answer<bool> {
        self.reserve(&self.world.reservation(person, &self.vault_key()))
            .await
    }

    /// Sends a reservation as issuance.
    pub(crate) async fn reserve(&self, reservation: &Reservation) -> Answer<bool> {
        let message = reservation.sign(&self.world.enrolment).unwrap();
        let (status, bytes) = self
            .send("POST", "/v1/reservations", &CommandBody { message })
            .await;
        read::<ReservationAnswer>(status, &bytes).map(|answer| answer.reserved)
    }

    /// A deposit of a person's record, sealed anew; the custodian keeps its part.
    pub(crate) fn deposit_of(&self, person: &Person) -> Deposit {
        let sealed = person.sealed(&self.vault_key(), &self.custodian.public_key());
        self.custodian.keep(person, &sealed, self.vault_key());
        self.world.deposit(KeyHolder::Vault, person, &sealed)
    }

    /// Sends a deposit as issuance.
    pub(crate) async fn deposit(&self, deposit: &Deposit) -> Answer<()> {
        let message = deposit.sign(&self.world.enrolment).unwrap();
        self.command("/v1/deposits", message).await
    }

    /// Settles an enrolment as issuance.
    pub(crate) async fn settle(&self, person: &Person, outcome: Outcome) -> Answer<()> {
        let settlement = self.world.settlement(KeyHolder::Vault, person, outcome);
        let message = settlement.sign(&self.world.enrolment).unwrap();
        self.command("/v1/settlements", message).await
    }

    /// Sends a command, which is answered with nothing.
    pub(crate) async fn command(&self, path: &str, message: String) -> Answer<()> {
        let (status, bytes) = self.send("POST", path, &CommandBody { message }).await;
        if status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(read::<()>(status, &bytes).unwrap_err())
    }

    /// Hands on what a holder signed.
    pub(crate) async fn erase(&self, body: &CancellationBody) {
        let (status, _) = self.send("POST", "/v1/erasures", body).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }

    /// Presents a warrant.
    pub(crate) async fn open(&self, warrant: &Warrant) -> Answer<Opened> {
        let body = WarrantBody::from(warrant.clone());
        let (status, bytes) = self.send("POST", "/v1/openings", &body).await;
        read(status, &bytes)
    }

    /// What the authority reads of what a warrant of an official access opens.
    pub(crate) async fn official(&self, warrant: &OfficialWarrant) -> Answer<OfficialIdentityClaims> {
        let body = OfficialWarrantBody::from(warrant.clone());
        let (status, bytes) = self.send("POST", "/v1/official-openings", &body).await;
        let opened = read::<Opened>(status, &bytes)?;
        let sealed = jwe::Sealed::parse(&opened.identity).unwrap();
        assert!(
            sealed.clone().open(&self.world.rp_key).is_err(),
            "for nobody else"
        );
        let signed = sealed.open(&self.world.bureau.key).unwrap();
        let signed = str::from_utf8(&signed).unwrap();
        let key = self.keys.signer::<role::Identity>().unwrap().public_key();
        Ok(cyberid_crypto::jws::verify(signed, OfficialIdentity::TYP, &key).unwrap())
    }

    /// The identity that a warrant opens, as the relying party reads it.
    pub(crate) async fn identity(&self, warrant: &Warrant) -> Answer<IdentityClaims> {
        let opened = self.open(warrant).await?;
        let sealed = jwe::Sealed::parse(&opened.identity).unwrap();
        let signed = sealed.open(&self.world.rp_key).unwrap();
        let signed = str::from_utf8(&signed).unwrap();
        let key = self.keys.signer::<role::Identity>().unwrap().public_key();
        Ok(cyberid_crypto::jws::verify(signed, TYP, &key).unwrap())
    }

    /// The answer of `GET /v1/checkpoint`.
    pub(crate) async fn remembered(&self) -> u64 {
        let (status, bytes) = self.send("GET", "/v1/checkpoint", &()).await;
        read::<RememberedSize>(status, &bytes).unwrap().size
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: &impl Serialize,
    ) -> (StatusCode, Vec<u8>) {
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
    keys.ensure(&[RoleName::Vault, RoleName::Index, RoleName::Identity])
        .unwrap();
    keys
}

/// No operation of the vault takes a token.
struct NoTokens;

#[async_trait]
impl Authenticate for NoTokens {
    async fn authenticate(&self, _: &Head) -> Result<Caller, Failure> {
        Err(ProblemType::Unauthenticated.into())
    }
}
