//! A real server: on a directory, at an address, and perhaps under strace.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::strace;

/// For how long a start may take before it counts as hanging.
const START: Duration = Duration::from_mins(1);
/// For how long a stop may take.
const STOP: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launch<'a> {
    pub(super) executable: &'a Path,
    pub(super) config: &'a Path,
    pub(super) data: &'a Path,
    pub(super) listen: SocketAddr,
    /// What comes before the executable's name.
    pub(super) under: &'a [String],
}

/// A server that answers.
pub(super) struct Server {
    child: Child,
    /// Who traces it from the start.
    tracer: Option<u32>,
    url: String,
}

/// Why a server does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotStarted {
    /// It ended first.
    #[error("the server ended before it answered")]
    Ended,
    /// It neither answered nor ended.
    #[error("the server hung at its start")]
    Hung,
}

impl Server {
    /// Starts it, and waits until it says that it answers.
    pub(super) async fn start(launch: &Launch<'_>) -> Result<Self, NotStarted> {
        let mut words = launch.under.iter().map(String::as_str);
        let mut command = match words.next() {
            Some(first) => Command::new(first),
            None => Command::new(launch.executable),
        };
        command.args(words);
        if !launch.under.is_empty() {
            command.arg(launch.executable);
        }
        let level = std::env::var("CYBERID_LOG").unwrap_or_else(|_| "off".into());
        let mut child = command
            .args(["serve", "--sandbox", "--people", PEOPLE, "--listen"])
            .arg(launch.listen.to_string())
            .arg("--data")
            .arg(launch.data)
            .arg("--config")
            .arg(launch.config)
            .env("CYBERID_LOG", level)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let tracer = if launch.under.is_empty() {
            None
        } else {
            Some(strace::tracer(child.id().unwrap()).await)
        };
        let url = String::new();
        let mut server = Self { child, tracer, url };
        match url_in(stdout).await {
            Ok(url) => server.url = url,
            Err(error) => {
                server.kill().await;
                return Err(error);
            }
        }
        Ok(server)
    }

    /// Its address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it.
    pub(super) async fn kill(mut self) {
        // It may have ended by itself.
        let _ = self.child.start_kill();
        if let Some(tracer) = self.tracer {
            strace::wait_for_the_end(tracer);
        }
        self.child.wait().await.unwrap();
    }

    /// Asks it to stop, and waits until it has; whether it ended well.
    pub(super) async fn stop(mut self) -> bool {
        let id = self.id();
        strace::signal("-TERM", id);
        let ended = tokio::time::timeout(STOP, self.child.wait()).await;
        if let Some(tracer) = self.tracer {
            strace::wait_for_the_end(tracer);
        }
        ended.is_ok_and(|status| status.unwrap().success())
    }
}

/// What it says first: its address.
async fn url_in(stdout: ChildStdout) -> Result<String, NotStarted> {
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(START, lines.next_line()).await;
    let line = line.map_err(|_| NotStarted::Hung)?.unwrap();
    let said: Value = serde_json::from_str(&line.ok_or(NotStarted::Ended)?).unwrap();
    Ok(said.get("url").and_then(Value::as_str).unwrap().to_owned())
}

/// How many synthetic people there are.
const PEOPLE: &str = "60";

/// What a server complains of is of interest when somebody asks for it.
fn errors() -> Stdio {
    if std::env::var_os("CYBERID_LOG").is_some() {
        Stdio::inherit()
    } else {
        Stdio::null()
    }
}
