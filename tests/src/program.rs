//! Programs in other languages, as child processes. They need the packages that `cargo xtask setup` installs; without them
//! these tests fail, and never skip.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use cyberid_holder::ReviewedRequest;
use cyberid_protocol::statement::Locale;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::people::Citizen;

/// A script and what runs it.
pub struct Program {
    interpreter: PathBuf,
    script: PathBuf,
}

impl Program {
    /// A Python script, with the packages of an environment; both are paths in the repository.
    pub fn python(environment: &str, script: &str) -> Self {
        Self {
            interpreter: installed(root().join(environment).join("bin/python")),
            script: root().join(script),
        }
    }

    /// A Node script, with the packages in its folder; a path in the repository.
    pub fn node(script: &str) -> Self {
        let script = root().join(script);
        installed(script.with_file_name("node_modules").join("jose"));
        let interpreter = "node".into();
        Self { interpreter, script }
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait_with_output().await.unwrap()
    }

    /// Runs it, and answers the request that it prints first in the citizen's place; also gives the comparison code that
    /// the citizen's device showed.
    pub async fn run_answered(
        &self,
        arguments: &[&str],
        citizen: &Citizen,
        agrees: bool,
    ) -> (Output, Option<String>) {
        let mut child = self.start(arguments);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut uri = String::new();
        stdout.read_line(&mut uri).await.unwrap();
        let code = match uri.trim() {
            "" => None,
            uri => Some(answer(uri, citizen, agrees).await),
        };
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).await.unwrap();
        let ended = child.wait_with_output().await.unwrap();
        let ended = Output {
            stdout: rest,
            ..ended
        };
        (ended, code)
    }

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(&self.interpreter)
            .arg(&self.script)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }
}

/// Answers a verification, and gives its comparison code.
async fn answer(uri: &str, citizen: &Citizen, agrees: bool) -> String {
    let holder = &citizen.holder;
    let request = holder.fetch_request(uri, Locale::English).await.unwrap();
    let ReviewedRequest::Verification(asked) = &request else {
        panic!("a verification is asked");
    };
    if agrees {
        holder.answer_verification(asked, None).await.unwrap();
    } else {
        holder.decline(&request).await.unwrap();
    }
    asked.comparison_code().to_owned()
}

fn installed(path: PathBuf) -> PathBuf {
    let there = path.exists();
    assert!(there, "run `cargo xtask setup`: {} is missing", path.display());
    path
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
