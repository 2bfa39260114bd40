//! One process of the real executable.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::core;

/// Opens every keystore of the measurement.
pub(crate) const PASSPHRASE: &str = "a passphrase of a measurement";

/// Where it is built.
pub(crate) const EXECUTABLE: &str = "target/release/cyberid";

/// The executable on this core.
pub(crate) fn executable(core: usize) -> Command {
    opening_keystores(core::on(core, Path::new(EXECUTABLE)))
}

/// The same under valgrind, which tells this file of every function that ran.
pub(crate) fn watched(core: usize, told: &Path) -> Command {
    let mut command = core::on(core, Path::new("valgrind"));
    command
        .args([
            "--quiet",
            "--tool=callgrind",
            "--demangle=no",
            "--compress-strings=no",
        ])
        .arg(format!("--callgrind-out-file={}", told.display()))
        .arg(EXECUTABLE);
    opening_keystores(command)
}

fn opening_keystores(mut command: Command) -> Command {
    command
        .env("CYBERID_PASSPHRASE", PASSPHRASE)
        .env("CYBERID_LOG", "error");
    command
}

/// An address where nobody listens yet.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A process that serves.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// What it says once it serves.
    pub(crate) fn said(&mut self) -> Value {
        let mut line = String::new();
        let output = self.0.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "a process does not start");
        serde_json::from_str(&line).unwrap()
    }

    /// The system's number of it.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        let told = Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, unless the measurement did before.
        let _ = self.0.kill();
    }
}
