//! What stands around the platform: its identity source, its witness, its vault and its custodian, each a process of its
//! own with keys of its own, on the core of everything else.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::core;
use crate::process::{Process, executable, free_address};

/// The log's name.
const LEDGER: &str = "sandbox.cyberid.example/ledger";

/// The processes around a platform.
pub(crate) struct Around {
    processes: Vec<Process>,
    /// How the platform's configuration names them.
    pub(crate) configuration: String,
}

impl Around {
    /// Makes the keys of everybody, the platform's in `data` too, and starts everybody else for the platform at `issuer`,
    /// whose source knows so many people.
    pub(crate) fn start(data: &Path, issuer: &str, people: usize) -> Self {
        let home = data.join("around");
        let [vault_data, custodian_data] = ["vault", "custodian"].map(|name| home.join(name));
        let platform = Keys::made(data, "platform");
        let vault = Keys::made(&vault_data, "vault");
        let custodian = Keys::made(&custodian_data, "custodian");
        let ledger = platform.public("ledger").as_str().unwrap().to_owned();

        let witness_data = home.join("witness").display().to_string();
        let (witness, witness_said) = listening(&["witness", "--log", &ledger, "--data", &witness_data]);
        let vkey = witness_said["vkey"].as_str().unwrap();
        let source_data = home.join("source").display().to_string();
        let people = people.to_string();
        let (source, source_said) =
            listening(&["identity-source", "--data", &source_data, "--people", &people]);

        let [vault_address, custodian_address] = [free_address(), free_address()];
        let peer = |name: &str, address: SocketAddr, keys: &Keys| {
            let jwk = inline(keys.public(name));
            format!("[{name}]\nurl = 'http://{address}'\njwk = {jwk}\n")
        };
        let vault_table = peer("vault", vault_address, &vault);
        let custodian_table = peer("custodian", custodian_address, &custodian);
        let enrolment = inline(platform.public("enrolment"));
        let anchors = format!(
            "[anchors]\nenrolment_jwk = {enrolment}\nledger_vkey = '{ledger}'\n\
             policy = \"\"\"\nlog {ledger}\nwitness outsider {vkey}\nquorum outsider\n\"\"\"\n"
        );
        let holder = |name: &str, data: &Path, address: SocketAddr, peer: &str| {
            let text = format!(
                "issuer = '{issuer}'\nlisten = '{address}'\ndata = '{}'\n{peer}{anchors}",
                data.display()
            );
            let file = home.join(name).with_extension("toml");
            std::fs::write(&file, text).unwrap();
            serving(command(&["serve", name, "--config"]).arg(file)).0
        };
        let custodian = holder("custodian", &custodian_data, custodian_address, &vault_table);
        let vault_process = holder("vault", &vault_data, vault_address, &custodian_table);

        let identity = inline(vault.public("identity"));
        let configuration = format!(
            "{vault_table}identity_jwk = {identity}\n{custodian_table}\
             [identity_source]\nurl = '{}'\nsigning_jwk = {}\nencryption_jwk = {}\n\
             [ledger]\norigin = '{LEDGER}'\n[[ledger.witnesses]]\nurl = '{}'\nvkey = '{vkey}'\n",
            source_said["url"].as_str().unwrap(),
            inline(&source_said["signing_jwk"]),
            inline(&source_said["encryption_jwk"]),
            witness_said["url"].as_str().unwrap(),
        );
        Self {
            processes: vec![witness, source, custodian, vault_process],
            configuration,
        }
    }

    /// Waits until everybody has ended in good order.
    pub(crate) fn stop(self) {
        for process in self.processes {
            process.stop();
        }
    }
}

/// The keys of a process.
struct Keys(Vec<Value>);

impl Keys {
    /// Those in this data directory, made where they are missing.
    fn made(data: &Path, process: &str) -> Self {
        let data = data.display().to_string();
        let output = command(&["keys", "init", "--json", "--origin", LEDGER])
            .args(["--for", process, "--data", &data])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// The public half of the one key of this role.
    fn public(&self, role: &str) -> &Value {
        let key = self.0.iter().find(|key| key["role"] == role).unwrap();
        &key["public"]
    }
}

/// Starts a process somewhere, and waits until it serves.
fn listening(arguments: &[&str]) -> (Process, Value) {
    let address = free_address().to_string();
    serving(command(arguments).args(["--listen", &address]))
}

fn serving(command: &mut Command) -> (Process, Value) {
    let mut process = Process::start(command);
    let said = process.said();
    (process, said)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = executable(core::LOAD);
    command.args(arguments);
    command
}

/// A JWK as an inline table of TOML.
fn inline(jwk: &Value) -> String {
    let members = jwk.as_object().unwrap().iter();
    let members: Vec<String> = members.map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", members.join(", "))
}
