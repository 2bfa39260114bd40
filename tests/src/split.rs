//! A platform in four processes, each with only its own keys, store and configuration.
//!
//! The witness, the custodian and the vault are processes of their own; the operator's process runs issuance,
//! verification, consent and the ledger, and holds no key that opens a record.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use cyberid_client::Client;
use cyberid_domain::secret::SecretBytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::platform::TestPlatform;
use crate::process::{Process, executable, free_address};

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
}

impl Part {
    /// All of them, in the order of their start.
    pub const ALL: [Self; 4] = [Self::Witness, Self::Custodian, Self::Vault, Self::Platform];

    fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Custodian => "custodian",
            Self::Vault => "vault",
            Self::Platform => "platform",
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
}

impl SplitPlatform {
    /// Makes the keys of each process, writes the configurations that pin the public halves, and starts all four.
    pub async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["secrets", "logs"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let resting = tempfile::tempdir_in(root.path()).unwrap();
        let mut split = Self {
            root,
            addresses: Part::ALL.map(|part| (part, free_address())).into(),
            processes: BTreeMap::new(),
            platform: None,
            resting: Some(resting),
            ledger_vkey: String::new(),
            witness_vkey: String::new(),
        };
        split.make_keys();
        split.restart(Part::Witness).await;
        split.configure();
        for part in [Part::Custodian, Part::Vault, Part::Platform] {
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
            Part::Vault | Part::Custodian => ["serve", part.name(), "--config", &config]
                .map(String::from)
                .into(),
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
        for part in Part::ALL {
            let secret = format!("only the {} knows {}", part.name(), self.root.path().display());
            write_private(&self.passphrase_file(part), &secret);
        }
        for part in [Part::Custodian, Part::Vault, Part::Platform] {
            self.run_keys("init", part, &["--for", part.name()]);
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
        let [vault, custodian] = [Part::Vault, Part::Custodian].map(|part| {
            let jwk = inline(&self.public(part, part.name()));
            format!(
                "[{name}]\nurl = \"{url}\"\njwk = {jwk}\n",
                name = part.name(),
                url = self.url(part)
            )
        });
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
        let platform = format!("{vault}identity_jwk = {identity}\n{custodian}{witness}");
        for (part, says) in [
            (Part::Vault, format!("{custodian}{anchors}")),
            (Part::Custodian, format!("{vault}{anchors}")),
            (Part::Platform, platform),
        ] {
            let common = format!(
                "issuer = \"{issuer}\"\nlisten = \"{}\"\ndata = \"{}\"\npassphrase_file = \"{}\"\n",
                self.address(part),
                self.data(part).display(),
                self.passphrase_file(part).display()
            );
            fs::write(self.config_file(part), format!("{common}{says}")).unwrap();
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
fn inline(jwk: &Value) -> String {
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
