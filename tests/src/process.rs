//! The real executable as a child process.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cyberid_domain::rng::{self, SystemRng};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The `cyberid` executable of this build; it is built by `cargo xtask test`, or here if it is missing.
pub fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let executable = profile.join("cyberid");
    if !executable.exists() {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "-p", "cyberid"])
            .status()
            .unwrap();
        assert!(built.success(), "cargo build -p cyberid");
    }
    executable
}

/// Runs a command of this home; what it printed, if it succeeded.
pub fn shell(home: &Path, line: &str) -> Result<Value, String> {
    let ran = std::process::Command::new(executable())
        .args(line.split_whitespace())
        .args(["--json", "--home", &home.display().to_string()])
        .env_clear()
        .output()
        .unwrap();
    if ran.status.success() {
        Ok(serde_json::from_slice(&ran.stdout).unwrap())
    } else {
        Err(String::from_utf8(ran.stderr).unwrap())
    }
}

/// A loopback address that nobody listens on: for a process that has to come back under the same name.
///
/// Drawn below the ports that the system gives to callers, so that no connection takes it in between.
pub fn free_address() -> SocketAddr {
    loop {
        let [high, low] = rng::random::<2>(&SystemRng);
        let port = FIRST_PORT + u16::from_be_bytes([high, low]) % PORTS;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return SocketAddr::from(([127, 0, 0, 1], port));
        }
    }
}

const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;

/// A process that answers.
pub struct Process {
    child: Child,
    said: Value,
}

impl Process {
    /// Starts the executable and waits until it says that it answers.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::try_start(arguments)
            .await
            .unwrap_or_else(|| panic!("cyberid {arguments:?} ended before it answered"))
    }

    /// Starts the executable; nothing if it ends instead of answering.
    pub async fn try_start(arguments: &[&str]) -> Option<Self> {
        Self::try_start_trusting(arguments, None).await
    }

    /// The same for a process that trusts this authority (PEM) instead of the system's, when it calls by TLS.
    pub async fn try_start_trusting(arguments: &[&str], authority: Option<&Path>) -> Option<Self> {
        let level = std::env::var("CYBERID_LOG").unwrap_or_else(|_| "warn".into());
        Self::begin(arguments, &level, Stdio::inherit(), authority).await
    }

    /// The same, with everything it logs, down to the level `debug`, at the end of this file.
    pub async fn try_start_logged(arguments: &[&str], log: &Path) -> Option<Self> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        Self::begin(arguments, "debug", log.into(), None).await
    }

    async fn begin(arguments: &[&str], level: &str, stderr: Stdio, authority: Option<&Path>) -> Option<Self> {
        let trusted = authority.map(|file| ("SSL_CERT_FILE", file));
        let mut child = Command::new(executable())
            .args(arguments)
            .env("CYBERID_LOG", level)
            .envs(trusted)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(Duration::from_mins(1), lines.next_line())
            .await
            .expect("a start in a minute");
        let said = serde_json::from_str(&line.unwrap()?).unwrap();
        Some(Self { child, said })
    }

    /// What it said of itself under this name.
    pub fn said(&self, name: &str) -> &Value {
        self.said.get(name).unwrap_or(&Value::Null)
    }

    /// The system's number of it.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.said("url").as_str().unwrap_or_default()
    }

    /// Kills it, as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits until it has; whether it ended well.
    pub async fn stop(mut self) -> bool {
        let id = self.child.id().unwrap().to_string();
        let told = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap();
        assert!(told.success(), "kill -TERM {id}");
        self.child.wait().await.unwrap().success()
    }
}
