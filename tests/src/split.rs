//! A platform in four processes, each with only its own keys, store and configuration.
//!
//! The witness, the custodian and the vault are processes of their own; the operator's process runs issuance,
//! verification, consent and the ledger, and holds no key that opens a record.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use cyberid_client::Client;
use cyberid_crypto::Suite;
use cyberid_domain::secret::SecretBytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::platform::TestPlatform;
use crate::process::{Process, executable, free_address};
use crate::suite;

/// The log's name, as the executable's sandbox has it.
pub const LEDGER: &str = "sandbox.cyberid.example/ledger";

/// One of the four processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Cosigns what it has seen.
    Witness,
    /// Holds the other half of every key.
    Custodian,
    /// Holds the records.
    Vault,
    /// Everything else, the ledger too.
    Platform,
    /// Where there are three custodians: the second.
    SecondCustodian,
    /// Where there are three custodians: the third.
    ThirdCustodian,
}

impl Part {
    /// All of them, in the order of their start, where there is one custodian.
    pub const ALL: [Self; 4] = [Self::Witness, Self::Custodian, Self::Vault, Self::Platform];

    /// The custodians, where there are three.
    pub const CUSTODIANS: [Self; 3] = [Self::Custodian, Self::SecondCustodian, Self::ThirdCustodian];

    fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Custodian => "custodian",
            Self::Vault => "vault",
            Self::Platform => "platform",
            Self::SecondCustodian => "second-custodian",
            Self::ThirdCustodian => "third-custodian",
        }
    }

    /// What `cyberid serve` calls it.
    fn kind(self) -> &'static str {
        if Self::CUSTODIANS.contains(&self) {
            "custodian"
        } else {
            self.name()
        }
    }
}

/// A platform in four processes.
pub struct SplitPlatform {
    root: TempDir,
    addresses: BTreeMap<Part, SocketAddr>,
    processes: BTreeMap<Part, Process>,
    platform: Option<TestPlatform>,
    /// The operator's data, while nobody works on it.
    resting: Option<TempDir>,
    ledger_vkey: String,
    witness_vkey: String,
    settings: Settings,
}

/// What is said beside what is needed.
#[derive(Default)]
struct Settings {
    /// The suite that the keys are made for, if a test says one.
    suite: Option<Suite>,
    /// More of the platform's configuration, as TOML.
    platform: String,
    /// More of everybody's.
    everyone: String,
    /// Whether there are three custodians.
    several: bool,
    /// Certificates, by which the custodian and its callers know each other.
    certificates: Option<PathBuf>,
}

impl Settings {
    fn custodians(&self) -> &'static [Part] {
        let many = if self.several { 3 } else { 1 };
        &Part::CUSTODIANS[..many]
    }

    /// The processes with keys and a configuration, in the order of their start.
    fn parts(&self) -> Vec<Part> {
        let custodians = self.custodians().iter().copied();
        custodians.chain([Part::Vault, Part::Platform]).collect()
    }
}

impl SplitPlatform {
    /// Makes the keys of each process, writes the configurations that pin the public halves, and starts all four.
    pub async fn start() -> Self {
        Self::start_with("", "").await
    }

    /// The same in this suite. It is said where keys are made, and nowhere else.
    pub async fn start_in(suite: Suite) -> Self {
        Self::start_in_with(suite, "").await
    }

    /// The same with these tables in the configuration of the platform.
    pub async fn start_in_with(suite: Suite, platform: &str) -> Self {
        Self::of(Settings {
            suite: Some(suite),
            platform: platform.to_owned(),
            ..Settings::default()
        })
        .await
    }

    /// The same with these tables in the configuration of the platform, and those in that of all but the witness; then the
    /// key holders run as parts of a sandbox.
    pub async fn start_with(platform: &str, everyone: &str) -> Self {
        Self::of(Settings {
            platform: platform.to_owned(),
            everyone: everyone.to_owned(),
            ..Settings::default()
        })
        .await
    }

    /// The same with three custodians, of whom any two are enough.
    pub async fn start_with_three_custodians() -> Self {
        Self::of(Settings {
            several: true,
            ..Settings::default()
        })
        .await
    }

    /// The same with a custodian that speaks TLS as `localhost` with `server.pem` and `server.key` of this folder, and
    /// answers nobody who has no certificate of the authority `ca.pem`: `client.pem` and `client.key` are one.
    pub async fn start_over_mutual_tls(certificates: &Path) -> Self {
        Self::of(Settings {
            certificates: Some(certificates.to_owned()),
            ..Settings::default()
        })
        .await
    }

    async fn of(settings: Settings) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["secrets", "logs"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let resting = tempfile::tempdir_in(root.path()).unwrap();
        let mut split = Self {
            root,
            addresses: Part::ALL
                .into_iter()
                .chain(Part::CUSTODIANS)
                .map(|part| (part, free_address()))
                .collect(),
            processes: BTreeMap::new(),
            platform: None,
            resting: Some(resting),
            ledger_vkey: String::new(),
            witness_vkey: String::new(),
            settings,
        };
        split.make_keys();
        split.restart(Part::Witness).await;
        split.configure();
        for part in split.settings.parts() {
            split.restart(part).await;
        }
        split
    }

    /// The operator's process.
    pub fn platform(&self) -> &TestPlatform {
        self.platform.as_ref().unwrap()
    }

    /// Plain calls to a process.
    pub fn client(&self, part: Part) -> Client {
        Client::new(&self.url(part)).unwrap()
    }

    /// Where a process answers.
    pub fn url(&self, part: Part) -> String {
        if part == Part::Custodian && self.settings.certificates.is_some() {
            return format!("https://localhost:{}", self.address(part).port());
        }
        format!("http://{}", self.address(part))
    }

    /// The same without a scheme.
    pub fn address(&self, part: Part) -> SocketAddr {
        *self.addresses.get(&part).unwrap()
    }

    /// The data directory of a process.
    pub fn data(&self, part: Part) -> PathBuf {
        match (part, &self.platform, &self.resting) {
            (Part::Platform, Some(platform), _) => platform.data(),
            (Part::Platform, None, Some(resting)) => resting.path().to_owned(),
            _ => self.root.path().join(part.name()),
        }
    }

    /// The system's number of a process that runs.
    pub fn process_id(&self, part: Part) -> u32 {
        match part {
            Part::Platform => self.platform().process_id(),
            _ => self.processes.get(&part).unwrap().id(),
        }
    }

    /// What a process has logged so far.
    pub fn log(&self, part: Part) -> String {
        fs::read_to_string(self.log_file(part)).unwrap()
    }

    /// What opens a process's keystore.
    pub fn passphrase(&self, part: Part) -> SecretBytes {
        fs::read_to_string(self.passphrase_file(part)).unwrap().into()
    }

    /// The keys of a process, as `cyberid keys list` prints them.
    pub fn keys(&self, part: Part) -> Vec<Value> {
        self.run_keys("list", part, &[])
    }

    /// The ledger's verifier key.
    pub fn ledger_vkey(&self) -> &str {
        &self.ledger_vkey
    }

    /// The witness's verifier key.
    pub fn witness_vkey(&self) -> &str {
        &self.witness_vkey
    }

    /// The policy that everybody pins: this witness has to have cosigned.
    pub fn policy(&self) -> String {
        let Self {
            ledger_vkey: log,
            witness_vkey: witness,
            ..
        } = self;
        format!("log {log}\nwitness outsider {witness}\nquorum outsider\n")
    }

    /// Stops a process in good order.
    pub async fn stop(&mut self, part: Part) {
        if part == Part::Platform {
            self.resting = Some(self.platform.take().unwrap().stopped().await);
        } else {
            let stopped = self.processes.remove(&part).unwrap().stop().await;
            assert!(stopped, "a clean stop of the {}", part.name());
        }
    }

    /// Kills a process, as a power cut would.
    pub async fn kill(&mut self, part: Part) {
        if part == Part::Platform {
            self.resting = Some(self.platform.take().unwrap().killed().await);
        } else {
            self.processes.remove(&part).unwrap().kill().await;
        }
    }

    /// Starts a process that does not run.
    pub async fn restart(&mut self, part: Part) {
        let started = self.try_restart(part).await;
        assert!(started, "the {} does not start: {}", part.name(), self.log(part));
    }

    /// Starts a process that does not run; whether it came to answer.
    pub async fn try_restart(&mut self, part: Part) -> bool {
        let arguments = self.arguments(part);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let Some(process) = Process::try_start_logged(&arguments, &self.log_file(part)).await else {
            return false;
        };
        match part {
            Part::Platform => {
                let (folder, address) = (self.resting.take().unwrap(), self.address(part));
                self.platform = Some(TestPlatform::of(process, folder, address).await);
            }
            Part::Witness => {
                self.witness_vkey = process.said("vkey").as_str().map(str::to_owned).unwrap();
                self.processes.insert(part, process);
            }
            _ => {
                self.processes.insert(part, process);
            }
        }
        true
    }

    /// The arguments by which a process is started.
    pub fn arguments(&self, part: Part) -> Vec<String> {
        let config = self.config_file(part).display().to_string();
        let arguments: Vec<String> = match part {
            Part::Platform => ["serve", "--sandbox", "--people", "300", "--config", &config]
                .map(String::from)
                .into(),
            Part::Vault | Part::Custodian | Part::SecondCustodian | Part::ThirdCustodian => {
                let sandbox = (!self.settings.everyone.is_empty()).then_some("--sandbox");
                let words = ["serve", part.kind(), "--config", &config]
                    .into_iter()
                    .chain(sandbox);
                words.map(String::from).collect()
            }
            Part::Witness => self.witness_arguments(),
        };
        arguments
    }

    fn witness_arguments(&self) -> Vec<String> {
        let part = Part::Witness;
        let data = self.data(part).display().to_string();
        let secret = self.passphrase_file(part).display().to_string();
        let listen = self.address(part).to_string();
        [
            "witness",
            "--log",
            &self.ledger_vkey,
            "--data",
            &data,
            "--passphrase-file",
            &secret,
            "--listen",
            &listen,
        ]
        .map(String::from)
        .into()
    }

    fn make_keys(&mut self) {
        for part in self.settings.parts().into_iter().chain([Part::Witness]) {
            let secret = format!("only the {} knows {}", part.name(), self.root.path().display());
            write_private(&self.passphrase_file(part), &secret);
        }
        let suite = self.settings.suite.unwrap_or_else(suite::suite);
        for part in self.settings.parts() {
            self.run_keys("init", part, &["--for", part.kind(), "--suite", suite.name()]);
        }
        let vkey = self.public(Part::Platform, "ledger");
        self.ledger_vkey = vkey.as_str().map(str::to_owned).unwrap();
    }

    fn run_keys(&self, command: &str, part: Part, more: &[&str]) -> Vec<Value> {
        let run = std::process::Command::new(executable())
            .args(["keys", command, "--json", "--origin", LEDGER, "--data"])
            .arg(self.data(part))
            .arg("--passphrase-file")
            .arg(self.passphrase_file(part))
            .args(more)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        serde_json::from_slice(&run.stdout).unwrap()
    }

    /// The public half of the one key of this role.
    fn public(&self, part: Part, role: &str) -> Value {
        let keys = self.keys(part);
        let key = keys
            .into_iter()
            .find(|key| key.get("role").unwrap() == role)
            .unwrap();
        key.get("public").unwrap().clone()
    }

    fn configure(&self) {
        let issuer = self.url(Part::Platform);
        let peer = |part: Part| {
            let (url, jwk) = (self.url(part), inline(&self.public(part, part.kind())));
            format!("url = \"{url}\"\njwk = {jwk}\n{}", self.peer_tls(part))
        };
        let vault = format!("[vault]\n{}", peer(Part::Vault));
        let table = if self.settings.several {
            "[[custodians]]"
        } else {
            "[custodian]"
        };
        let custodian = self
            .settings
            .custodians()
            .iter()
            .fold(String::new(), |text, part| text + table + "\n" + &peer(*part));
        let identity = inline(&self.public(Part::Vault, "identity"));
        let anchors = format!(
            "[anchors]\nenrolment_jwk = {}\nledger_vkey = \"{}\"\npolicy = \"\"\"\n{}\"\"\"\n",
            inline(&self.public(Part::Platform, "enrolment")),
            self.ledger_vkey,
            self.policy()
        );
        let witness = format!(
            "[ledger]\norigin = \"{LEDGER}\"\n\n[[ledger.witnesses]]\nurl = \"{}\"\nvkey = \"{}\"\n",
            self.url(Part::Witness),
            self.witness_vkey
        );
        let Settings {
            platform: more,
            everyone,
            ..
        } = &self.settings;
        let platform = format!("{vault}identity_jwk = {identity}\n{custodian}{witness}{more}");
        let says = |part| match part {
            Part::Vault => format!("{custodian}{anchors}"),
            Part::Platform => platform.clone(),
            _ => format!("{vault}{anchors}"),
        };
        for part in self.settings.parts() {
            let common = format!(
                "issuer = \"{issuer}\"\nlisten = \"{}\"\ndata = \"{}\"\npassphrase_file = \"{}\"\n{}",
                self.address(part),
                self.data(part).display(),
                self.passphrase_file(part).display(),
                self.own_tls(part)
            );
            let says = says(part);
            fs::write(self.config_file(part), format!("{common}{says}{everyone}")).unwrap();
        }
    }

    /// How a process speaks TLS, if it does.
    fn own_tls(&self, part: Part) -> String {
        match &self.settings.certificates {
            Some(folder) if part == Part::Custodian => format!(
                "tls = {{ certificate = '{0}/server.pem', key = '{0}/server.key', client_ca = '{0}/ca.pem', \
                 client_certificates = 'required' }}\n",
                folder.display()
            ),
            _ => String::new(),
        }
    }

    /// How a process is called by TLS, if it is.
    fn peer_tls(&self, part: Part) -> String {
        match &self.settings.certificates {
            Some(folder) if part == Part::Custodian => format!(
                "tls = {{ authority = '{0}/ca.pem', certificate = '{0}/client.pem', key = '{0}/client.key' }}\n",
                folder.display()
            ),
            _ => String::new(),
        }
    }

    /// The configuration file of a process; the witness has none.
    pub fn config_file(&self, part: Part) -> PathBuf {
        self.root.path().join(part.name()).with_extension("toml")
    }

    /// The file with what opens a process's keystore.
    pub fn passphrase_file(&self, part: Part) -> PathBuf {
        self.root.path().join("secrets").join(part.name())
    }

    fn log_file(&self, part: Part) -> PathBuf {
        self.root.path().join("logs").join(part.name())
    }
}

/// A JWK as an inline table of TOML.
pub(crate) fn inline(jwk: &Value) -> String {
    let members = jwk.as_object().unwrap().iter();
    let members: Vec<String> = members.map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", members.join(", "))
}

fn write_private(path: &std::path::Path, text: &str) {
    use std::io::Write as _;
    let mut options = fs::File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
