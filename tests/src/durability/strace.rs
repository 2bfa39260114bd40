//! strace: which of its options record, and which make a call fail.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::trace::CALLS;

/// The longest string that strace writes whole, in bytes.
const LONGEST: &str = "16777216";

/// Ends with what to do where strace is missing: a proof that is left out proves nothing.
pub fn require() {
    let there = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    assert!(
        there.is_ok_and(|status| status.success()),
        "strace is missing: run `cargo xtask setup`"
    );
}

/// What comes before a program's name so that everything it does to files is recorded. The program stays our child.
pub(super) fn recording(trace: &Path) -> Vec<String> {
    let trace = trace.display().to_string();
    let calls = format!("trace={CALLS}");
    let words = [
        "strace",
        "-D",
        "-f",
        "-yy",
        "--seccomp-bpf",
        "-s",
        LONGEST,
        "-e",
        &calls,
        "-o",
        &trace,
    ];
    words.map(str::to_owned).into()
}

/// What records everything that a process does to files from now on.
pub(super) fn watching(trace: &Path) -> Vec<String> {
    let (trace, calls) = (trace.display().to_string(), format!("trace={CALLS}"));
    let words = ["-f", "-y", "-s", LONGEST, "-e", &calls, "-o", &trace];
    words.map(str::to_owned).into()
}

/// strace, attached to a process that is at work.
pub(super) struct Attached(Child);

impl Attached {
    /// Attaches, with these options; every thread is traced when this returns.
    pub(super) fn to(process: u32, options: &[String]) -> Self {
        let mut command = Command::new("strace");
        command.args(options).args(["-p", &process.to_string()]);
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("attached") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "strace does not attach");
        }
        // What it says of later threads is read, so that it never waits to say it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self(child)
    }

    /// Lets go, and waits until everything is written.
    pub(super) fn detach(mut self) {
        if self.0.try_wait().unwrap().is_none() {
            signal("-INT", self.0.id());
        }
        let since = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            if since.elapsed() > LINGERS {
                self.0.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// For how long strace may look for the end of a program. At times it never sees the last of several threads that are
/// killed at once, and then holds a process that has nothing more to do.
pub(super) const LINGERS: Duration = Duration::from_secs(3);

/// The process that traces this one, once one does.
pub(super) async fn tracer(process: u32) -> u32 {
    let status = format!("/proc/{process}/status");
    for _ in 0..10_000 {
        let said = std::fs::read_to_string(&status).unwrap_or_default();
        let tracer = said.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        match tracer.and_then(|tracer| tracer.trim().parse().ok()) {
            Some(tracer) if tracer != 0 => return tracer,
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
    panic!("strace does not trace")
}

/// Sends a signal.
pub(super) fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([signal, &process.to_string()])
        .stderr(Stdio::null())
        .status();
    assert!(sent.is_ok(), "kill");
}

/// Waits until a strace that is nobody's child has written its last word.
pub(super) fn wait_for_the_end(tracer: u32) {
    let (since, process) = (Instant::now(), PathBuf::from(format!("/proc/{tracer}")));
    while process.exists() {
        if since.elapsed() > LINGERS {
            signal("-KILL", tracer);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A system call of a process that is made to fail, or to be its last.
#[derive(Debug, Clone)]
pub(super) struct Injection {
    /// Which call.
    pub(super) call: String,
    /// Which file it has to be about.
    pub(super) path: PathBuf,
    /// Which of a thread's calls of this kind about that file, counted from 1.
    pub(super) when: usize,
    /// What becomes of it: `error=EIO`, `signal=KILL`.
    pub(super) fate: String,
}

impl Injection {
    /// strace's options.
    pub(super) fn options(&self, trace: &Path) -> Vec<String> {
        let Self {
            call,
            path,
            when,
            fate,
        } = self;
        let inject = format!("inject={call}:{fate}:when={when}");
        let (trace, path, only) = (
            trace.display().to_string(),
            path.display().to_string(),
            format!("trace={call}"),
        );
        let words = [
            "-f", "-y", "-s", "16", "-P", &path, "-e", &only, "-e", &inject, "-o", &trace,
        ];
        words.map(str::to_owned).into()
    }

    /// How often strace says that it happened.
    pub(super) fn hits(&self, trace: &Path) -> usize {
        let said = std::fs::read(trace).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let injected = said.lines().filter(|line| line.contains("(INJECTED)")).count();
        // A signal is not marked: the thread was killed in this call.
        let killed = self.fate.starts_with("signal=") && said.contains("+++ killed by SIGKILL");
        injected.max(usize::from(killed))
    }
}
