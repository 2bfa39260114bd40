//! What every campaign begins with: a platform that has its people, at rest, and everybody's keys.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_auditor::AuditAnchors;
use cyberid_client::key_file::PrivateKey;
use cyberid_client::{Client, Limits, Session};
use cyberid_crypto::Sign;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::Holder;
use cyberid_keystore::{KdfCost, Keystore, passphrase};
use cyberid_protocol::discovery::LedgerDescription;
use cyberid_relying_party::{RelyingParty, RpKeys};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::block_on;
use super::server::{Launch, NotStarted, Server};
use super::snapshot::Snapshot;
use super::workload::Cast;
use crate::people::{Citizen, People, Person, verified_sub};
use crate::process::free_address;

/// How many people have enrolled.
const CITIZENS: usize = 3;

/// For no call to be refused for its frequency.
const QUOTA: &str = "[quota]\nburst = 1000000\nper_second = 1000000\n";

/// The folders of the sandbox's keystores.
const KEYSTORES: [&str; 3] = ["keys", "sandbox/identity-source/keys", "sandbox/witness/keys"];

/// Whether the server syncs what it acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Before it is acknowledged, as everywhere.
    Full,
    /// When the system gets to it: the control, which has to be caught.
    Normal,
}

/// A platform at rest, and everybody's keys.
pub struct Home {
    folder: TempDir,
    executable: PathBuf,
    /// Where it answers: certificates and requests name it.
    pub(super) address: SocketAddr,
    pub(super) anchors: AuditAnchors,
    operators: [Credentials; 2],
    regulator: Credentials,
    party: (ClientId, RpKeys),
    citizens: Vec<(Arc<dyn Sign>, String)>,
}

/// A client with its key.
struct Credentials {
    id: ClientId,
    key: Arc<dyn Sign>,
}

impl Home {
    /// Makes a platform with this executable, lets its people enrol, and stops it.
    pub fn prepare(executable: &Path, synchronous: Synchronous) -> Self {
        block_on(Self::prepared(executable, synchronous))
    }

    async fn prepared(executable: &Path, synchronous: Synchronous) -> Self {
        let folder = scratch();
        std::fs::write(folder.path().join(CONFIG), configuration(synchronous)).unwrap();
        let (executable, address) = (executable.to_owned(), free_address());
        let launch = Launch {
            executable: &executable,
            config: &folder.path().join(CONFIG),
            data: &folder.path().join(DATA),
            listen: address,
            under: &[],
        };
        let server = Server::start(&launch).await.unwrap();
        let client = Client::new(server.url()).unwrap();
        let keys: SandboxKeys = client.get("/sandbox/keys").await.unwrap();
        let discovery: Discovery = client.get("/.well-known/cyberid").await.unwrap();
        let party = keys.relying_party.read();
        let met = meet(&client, &party).await.unwrap();
        let citizens = enrol(&client, &met).await;
        assert!(server.stop().await, "a clean stop");
        hasten(&folder.path().join(DATA));
        Self {
            folder,
            executable,
            address,
            anchors: AuditAnchors::from(&discovery.ledger),
            operators: keys.operators.map(|operator| operator.read()),
            regulator: keys.regulator.read(),
            party,
            citizens,
        }
    }

    /// Everything the platform has kept.
    pub(super) fn at_rest(&self) -> Snapshot {
        Snapshot::read(&self.folder.path().join(DATA))
    }

    /// How a server is started on this directory.
    pub(super) fn launch<'a>(
        &'a self,
        config: &'a Path,
        data: &'a Path,
        listen: SocketAddr,
        under: &'a [String],
    ) -> Launch<'a> {
        let executable = &self.executable;
        Launch {
            executable,
            config,
            data,
            listen,
            under,
        }
    }

    /// The configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join(CONFIG)
    }

    /// Starts a server on this directory at another address, where its log can be read.
    pub(super) async fn start(&self, data: &Path) -> Result<Server, NotStarted> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Server::start(&self.launch(&self.config(), data, any, &[])).await
    }

    /// Everybody, in front of this server.
    pub(super) async fn cast(&self, url: &str) -> Option<Cast> {
        let client = Client::with_limits(url, Limits::default()).ok()?;
        let mut citizens = Vec::new();
        for (key, sub) in &self.citizens {
            let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
            let holder = Holder::contact(client.clone(), Arc::clone(key), clock, rng).await;
            citizens.push((holder.ok()?, sub.clone()));
        }
        let [one, another] = &self.operators;
        Some(Cast {
            operators: [one.session(&client), another.session(&client)],
            party: meet(&client, &self.party).await?,
            citizens,
        })
    }

    /// The regulator, in front of this server.
    pub(super) fn regulator(&self, client: &Client) -> Session {
        self.regulator.session(client)
    }
}

const CONFIG: &str = "cyberid.toml";
const DATA: &str = "data";

/// A directory in memory where there is one: a disk that the test models need not be a real one.
pub(super) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

fn configuration(synchronous: Synchronous) -> String {
    match synchronous {
        Synchronous::Full => QUOTA.to_owned(),
        Synchronous::Normal => format!("{QUOTA}\n[storage]\nsynchronous = \"normal\"\n"),
    }
}

/// Lets the keystores open quickly: thousands of starts are no test of a passphrase.
fn hasten(data: &Path) {
    let passphrase = passphrase::from_file(&data.join(passphrase::FILE)).unwrap();
    for folder in KEYSTORES {
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let keystore = Keystore::open(&data.join(folder), &passphrase, clock, rng).unwrap();
        keystore.rekey(&passphrase, KdfCost::INSECURE).unwrap();
    }
}

#[derive(Deserialize)]
struct Discovery {
    ledger: LedgerDescription,
}

/// What `/sandbox/keys` shows, as far as it is needed.
#[derive(Deserialize)]
struct SandboxKeys {
    relying_party: SandboxParty,
    operators: [SandboxClient; 2],
    regulator: SandboxClient,
}

#[derive(Deserialize)]
struct SandboxParty {
    client_id: ClientId,
    signing_jwk: Value,
    encryption_jwk: Value,
}

#[derive(Deserialize)]
struct SandboxClient {
    client_id: ClientId,
    signing_jwk: Value,
}

impl SandboxParty {
    fn read(&self) -> (ClientId, RpKeys) {
        let keys = RpKeys::new(private_key(&self.signing_jwk), private_key(&self.encryption_jwk));
        (self.client_id.clone(), keys.unwrap())
    }
}

impl SandboxClient {
    fn read(&self) -> Credentials {
        Credentials {
            id: self.client_id.clone(),
            key: Arc::new(private_key(&self.signing_jwk).to_signing_key().unwrap()),
        }
    }
}

impl Credentials {
    fn session(&self, client: &Client) -> Session {
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let key = Arc::clone(&self.key);
        Session::client(client.clone(), client.base(), self.id.clone(), key, clock, rng)
    }
}

fn private_key(jwk: &Value) -> PrivateKey {
    PrivateKey::from_jwk(jwk.to_string().as_bytes()).unwrap()
}

async fn meet(client: &Client, (id, keys): &(ClientId, RpKeys)) -> Option<RelyingParty> {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let met = RelyingParty::contact(client.clone(), id.clone(), keys, clock, rng).await;
    met.ok()
}

/// Enrols the first adults, and makes each known to the relying party.
async fn enrol(client: &Client, party: &RelyingParty) -> Vec<(Arc<dyn Sign>, String)> {
    let People { people } = client.get("/sandbox/people?limit=60").await.unwrap();
    let adults = people.into_iter().filter(Person::is_adult_with_valid_document);
    let mut citizens = Vec::new();
    for person in adults.take(CITIZENS) {
        let citizen = Citizen::enrol(client.clone(), person).await;
        let sub = verified_sub(party, &citizen).await;
        citizens.push((citizen.key.signer(), sub));
    }
    assert_eq!(citizens.len(), CITIZENS);
    citizens
}
