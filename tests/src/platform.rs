//! A sandbox in a directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cyberid_client::key_file::PrivateKey;
use cyberid_client::{Client, Limits, Session, Tls};
use cyberid_crypto::Suite;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::DeviceKey;
use cyberid_protocol::registration::Registered;
use cyberid_relying_party::{RelyingParty, RpKeys};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::people::{Citizen, People, Person};
use crate::process::{Process, free_address};
use crate::{keystore, suite};

/// The PIN of every citizen in a test.
pub const PIN: &str = "27182845";

/// The configuration file, in the data directory.
const CONFIG: &str = "cyberid.toml";

/// A platform in sandbox mode, and everybody around it.
pub struct TestPlatform {
    process: Process,
    folder: tempfile::TempDir,
    address: SocketAddr,
    /// Plain calls.
    pub client: Client,
    keys: Value,
}

impl TestPlatform {
    /// Starts a platform.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a platform with this configuration file.
    pub async fn start_with(config: &str) -> Self {
        Self::begin(suite::chosen(), config).await
    }

    /// Starts a platform of this suite.
    pub async fn start_in(suite: Suite) -> Self {
        Self::start_in_with(suite, "").await
    }

    /// The same with this configuration file.
    pub async fn start_in_with(suite: Suite, config: &str) -> Self {
        Self::begin(Some(suite), config).await
    }

    async fn begin(suite: Option<Suite>, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config.to_owned() + &keystore::configuration(folder.path());
        std::fs::write(folder.path().join(CONFIG), config).unwrap();
        let address = free_address();
        let process = serve(folder.path(), address, suite, None).await;
        Self::of(process, folder, address).await
    }

    /// Kills the platform and starts it again on the same data and address. Its suite is not said again.
    #[must_use]
    pub async fn killed_and_restarted(self) -> Self {
        self.process.kill().await;
        let process = serve(self.folder.path(), self.address, None, None).await;
        Self::of(process, self.folder, self.address).await
    }

    /// Stops the platform, and gives back its directory.
    pub async fn stopped(self) -> tempfile::TempDir {
        assert!(self.process.stop().await, "a clean stop");
        self.folder
    }

    /// Kills the platform, and gives back its directory.
    pub(crate) async fn killed(self) -> tempfile::TempDir {
        self.process.kill().await;
        self.folder
    }

    pub(crate) async fn of(process: Process, folder: tempfile::TempDir, address: SocketAddr) -> Self {
        let client = Client::new(process.url()).unwrap();
        Self::reached_by(client, process, folder, address).await
    }

    /// Starts a platform that speaks TLS as `localhost` with `server.pem` and `server.key` of this folder, and takes the
    /// certificates of clients that come from the authority `ca.pem`.
    pub async fn start_over_tls(certificates: &Path) -> Self {
        let [server, key, ca] =
            ["server.pem", "server.key", "ca.pem"].map(|file| certificates.join(file).display().to_string());
        let config = format!(
            "[tls]\ncertificate = '{server}'\nkey = '{key}'\nclient_ca = '{ca}'\n\
             client_certificates = 'optional'\n"
        );
        let (folder, address) = (tempfile::tempdir().unwrap(), free_address());
        let issuer = format!("issuer = 'https://localhost:{}'\n", address.port());
        std::fs::write(folder.path().join(CONFIG), issuer + &config).unwrap();
        let process = serve(folder.path(), address, suite::chosen(), Some(Path::new(&ca))).await;
        let tls = Tls {
            authority: Some(std::fs::read(&ca).unwrap()),
            identity: None,
        };
        let client = Client::over_tls(process.url(), Limits::default(), &tls).unwrap();
        Self::reached_by(client, process, folder, address).await
    }

    async fn reached_by(
        client: Client,
        process: Process,
        folder: tempfile::TempDir,
        address: SocketAddr,
    ) -> Self {
        let keys = client.get("/sandbox/keys").await.unwrap();
        Self {
            process,
            folder,
            address,
            client,
            keys,
        }
    }

    /// The system's number of the process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The suite that it runs.
    pub fn suite(&self) -> Suite {
        self.private_key("/regulator/signing_jwk").public_key().suite()
    }

    /// A fresh key for a device here.
    pub fn device_key(&self) -> DeviceKey {
        DeviceKey::make_of(self.suite(), &SystemRng).unwrap()
    }

    /// Fresh keys for a relying party here.
    pub fn rp_keys(&self) -> RpKeys {
        RpKeys::make_of(self.suite(), &SystemRng).unwrap()
    }

    /// The issuer.
    pub fn url(&self) -> &str {
        self.process.url()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A synthetic person.
    pub async fn person(&self, index: usize) -> Person {
        let path = format!("/sandbox/people?limit={}", index + 1);
        let People { people } = self.client.get(&path).await.unwrap();
        people.into_iter().nth(index).unwrap()
    }

    /// The first adults with a valid document, counted from 0, among the first two hundred people.
    pub async fn adult(&self, index: usize) -> Person {
        let People { people } = self.client.get("/sandbox/people?limit=200").await.unwrap();
        people
            .into_iter()
            .filter(Person::is_adult_with_valid_document)
            .nth(index)
            .unwrap()
    }

    /// Enrols an adult.
    pub async fn citizen(&self, index: usize) -> Citizen {
        Citizen::enrol(self.client.clone(), self.adult(index).await).await
    }

    /// The sandbox's relying party.
    pub async fn relying_party(&self) -> RelyingParty {
        let keys = RpKeys::new(
            self.private_key("/relying_party/signing_jwk"),
            self.private_key("/relying_party/encryption_jwk"),
        )
        .unwrap();
        let id: ClientId = self.key_file("/relying_party/client_id");
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let party = RelyingParty::contact(self.client.clone(), id.clone(), &keys, clock, rng)
            .await
            .unwrap();
        let registered: Registered = party
            .session()
            .get(&format!("/v1/relying-parties/{id}"))
            .await
            .unwrap();
        party.with_certificates(registered.registration_certificates)
    }

    /// Calls as one of the two operators.
    pub fn operator(&self, index: usize) -> Session {
        self.session(&format!("/operators/{index}"))
    }

    /// Calls as the regulator.
    pub fn regulator(&self) -> Session {
        self.session("/regulator")
    }

    /// Calls as the authority.
    pub fn authority(&self) -> Session {
        self.session("/authority")
    }

    /// A private key of `/sandbox/keys`.
    pub fn private_key(&self, pointer: &str) -> PrivateKey {
        let jwk: Value = self.key_file(pointer);
        PrivateKey::from_jwk(jwk.to_string().as_bytes()).unwrap()
    }

    /// A member of `/sandbox/keys`.
    pub fn key_file<T: DeserializeOwned>(&self, pointer: &str) -> T {
        serde_json::from_value(self.keys.pointer(pointer).cloned().unwrap_or_default()).unwrap()
    }

    fn session(&self, pointer: &str) -> Session {
        let id = self.key_file(&format!("{pointer}/client_id"));
        let key = self
            .private_key(&format!("{pointer}/signing_jwk"))
            .to_signing_key()
            .unwrap();
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        Session::client(self.client.clone(), self.url(), id, Arc::new(key), clock, rng)
    }
}

async fn serve(
    folder: &Path,
    address: SocketAddr,
    suite: Option<Suite>,
    authority: Option<&Path>,
) -> Process {
    let (data, listen) = (folder.display().to_string(), address.to_string());
    let config = folder.join(CONFIG).display().to_string();
    let suite = suite.map(|suite| ["--suite", suite.name()]);
    let arguments = [
        "serve",
        "--config",
        &config,
        "--sandbox",
        "--people",
        "300",
        "--data",
        &data,
        "--listen",
        &listen,
    ];
    let arguments = [arguments.as_slice(), suite.as_ref().map_or(&[], |suite| suite)].concat();
    Process::try_start_trusting(&arguments, authority).await.unwrap()
}
