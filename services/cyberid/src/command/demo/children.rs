//! The processes beside the platform, each this same executable.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A process that answers.
pub(crate) struct Process {
    child: Child,
    /// What it said of itself when it was ready.
    pub(crate) said: Value,
}

impl Process {
    /// Starts `cyberid` with these arguments and waits until it says that it answers.
    pub(crate) async fn start(arguments: &[&str], data: &Path) -> Result<Self, Fault> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let said = BufReader::new(stdout)
            .lines()
            .next_line()
            .await?
            .ok_or("the process ended before it answered")?;
        Ok(Self {
            child,
            said: serde_json::from_str(&said)?,
        })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// What it said under this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.said.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) {
        // It may be gone already.
        let _ = self.child.kill().await;
    }
}
