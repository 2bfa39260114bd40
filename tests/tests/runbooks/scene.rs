//! A platform in four processes, people who use it, and an operator at a shell.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cyberid_client::ClientError;
use cyberid_domain::field::Field;
use cyberid_protocol::problem::ProblemType;
use cyberid_relying_party::{RelyingParty, RelyingPartyError};
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use journeys::{Citizen, Granted, Part, Process, SplitPlatform, executable, free_address};
use serde_json::Value;

/// Processes, a citizen, and releases that the citizen has granted.
pub(crate) struct Scene {
    pub(crate) split: SplitPlatform,
    pub(crate) citizen: Citizen,
    pub(crate) granted: Vec<Granted>,
    pub(crate) folder: tempfile::TempDir,
}

impl Scene {
    /// With so many grants that nobody has redeemed.
    pub(crate) async fn set(grants: usize) -> Self {
        let split = SplitPlatform::start().await;
        let platform = split.platform();
        let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
        let mut granted = Vec::new();
        for _ in 0..grants {
            granted.push(Granted::by(&citizen, &party, &[Field::Name]).await);
        }
        let folder = tempfile::tempdir().unwrap();
        Self {
            split,
            citizen,
            granted,
            folder,
        }
    }

    /// Redeems grant `number`, and finds in it what the citizen agreed to.
    pub(crate) async fn redeems(&self, number: usize) {
        let party = self.party().await;
        let released = party.redeem(&self.granted[number].pending).await.unwrap();
        let name = released.field(Field::Name).unwrap().expose();
        assert_eq!(name, self.citizen.person.document.name);
    }

    /// Redeems grant `number`, in vain, and says why.
    pub(crate) async fn refused(&self, number: usize) -> Option<ProblemType> {
        match self.party().await.redeem(&self.granted[number].pending).await {
            Err(RelyingPartyError::Client(error @ ClientError::Problem(_))) => error.problem(),
            other => panic!("neither opened nor refused as documented: {other:?}"),
        }
    }

    async fn party(&self) -> RelyingParty {
        self.split.platform().relying_party().await
    }

    /// The published checkpoint, signed by this log.
    pub(crate) async fn published(&self, log: &str) -> VerifiedCheckpoint {
        let note = self
            .split
            .client(Part::Platform)
            .get_bytes("/ledger/checkpoint")
            .await;
        VerifiedCheckpoint::open(&note.unwrap(), &log.parse().unwrap()).unwrap()
    }

    /// Changes a process's configuration while it does not run.
    pub(crate) fn edit(&self, part: Part, changes: &[(&str, &str)]) {
        let path = self.split.config_file(part);
        let mut text = fs::read_to_string(&path).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is not in {text}");
            text = text.replace(from, to);
        }
        fs::write(path, text).unwrap();
    }

    /// Stops a process, changes its configuration, and starts it again.
    pub(crate) async fn reconfigure(&mut self, part: Part, changes: &[(&str, &str)]) {
        self.split.stop(part).await;
        self.edit(part, changes);
        self.split.restart(part).await;
    }

    /// A file of the operator's.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A witness that somebody sets up anew.
    pub(crate) fn new_witness(&self, name: &str, logs: &[&str]) -> NewWitness {
        use std::os::unix::fs::PermissionsExt as _;
        let secret = self.file(&format!("{name}.secret"), "only this witness knows");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let address = free_address();
        let mut text = format!(
            "name = \"{name}\"\nlisten = \"{address}\"\ndata = \"{}\"\npassphrase_file = \"{}\"\n",
            self.folder.path().join(name).display(),
            secret.display()
        );
        for log in logs {
            let origin = log.split('+').next().unwrap();
            writeln!(text, "[[logs]]\norigin = \"{origin}\"\nvkeys = [\"{log}\"]").unwrap();
        }
        let config = self.file(&format!("{name}.toml"), &text).display().to_string();
        let shown = run(&["witness", "--config", &config, "--show-key"]);
        let vkey = shown["vkey"].as_str().unwrap().to_owned();
        let url = format!("http://{address}");
        NewWitness { config, vkey, url }
    }
}

/// A witness with a configuration file.
pub(crate) struct NewWitness {
    pub(crate) config: String,
    pub(crate) vkey: String,
    pub(crate) url: String,
}

impl NewWitness {
    pub(crate) async fn start(&self) -> Process {
        let process = Process::start(&["witness", "--config", &self.config]).await;
        assert_eq!(process.said("vkey"), &Value::from(self.vkey.clone()));
        process
    }
}

/// Runs a command that prints JSON.
pub(crate) fn run(arguments: &[&str]) -> Value {
    let ran = std::process::Command::new(executable())
        .args(arguments)
        .env("CYBERID_LOG", "warn")
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Runs a command that has to fail, and gives what it says.
pub(crate) fn fails(arguments: &[&str]) -> String {
    let ran = std::process::Command::new(executable())
        .args(arguments)
        .output()
        .unwrap();
    assert!(!ran.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&ran.stderr).into_owned()
}

/// The policy that this one witness of this log has to have cosigned.
pub(crate) fn policy_of(log: &str, witness: &str) -> String {
    format!("log {log}\nwitness outsider {witness}\nquorum outsider\n")
}

/// Whether this policy accepts a checkpoint.
pub(crate) fn accepts(policy: &str, checkpoint: &VerifiedCheckpoint) -> bool {
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    policy.satisfied_by(checkpoint).is_ok()
}

/// The log of a key.
pub(crate) fn origin(vkey: &str) -> String {
    vkey.parse::<VerifierKey>().unwrap().name().to_owned()
}

/// Everything below a folder is gone.
pub(crate) fn lose(folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
}
