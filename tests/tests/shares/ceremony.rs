//! A key of a key holder that shares are sealed to does not go by a ceremony either.

use std::fs;
use std::path::Path;
use std::time::Duration;

use cyberid_client::key_file::PrivateKey;
use cyberid_domain::rng::SystemRng;
use journeys::{Part, SplitPlatform};
use serde_json::Value;

use crate::{configure, run, run_at};

const PART: Part = Part::Custodian;
const OPERATORS: [&str; 2] = ["alice", "bob"];

/// Where the operators of a custodian's keystore hold their ceremonies.
struct Desk {
    folder: tempfile::TempDir,
    config: String,
}

impl Desk {
    /// Pins two operators in the configuration of the custodian, which is stopped.
    fn set_up(split: &SplitPlatform) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in OPERATORS {
            let key = PrivateKey::make(&SystemRng);
            key.save(&folder.path().join(name)).unwrap();
            let jwk = key.public_key().to_jwk();
            let jwk = format!(
                "{{ kty = 'EC', crv = 'P-256', x = '{}', y = '{}' }}",
                jwk.x, jwk.y
            );
            configure(
                split,
                PART,
                &format!("[[keystore.operators]]\nname = '{name}'\njwk = {jwk}\n"),
            );
        }
        let config = split.config_file(PART).display().to_string();
        Self { folder, config }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Holds a ceremony with these steps; what is said against it.
    fn hold(&self, name: &str, keystore: Option<&str>, steps: &str) -> Result<(), String> {
        let keystore = keystore.map_or_else(String::new, |id| format!("keystore = '{id}'\n"));
        let text = format!("name = '{name}'\nplace = 'p'\nnot_after = '2999-12-31'\n{keystore}{steps}");
        fs::write(self.path(name), text).unwrap();
        let signatures = OPERATORS.map(|operator| self.sign(name, operator));
        let (file, transcript) = (self.path(name), self.path(&format!("{name}.json")));
        let held = run(&[
            "keys",
            "ceremony",
            &file,
            "--config",
            &self.config,
            "--signature",
            &signatures[0],
            "--signature",
            &signatures[1],
            "--transcript",
            &transcript,
        ]);
        let is_written = Path::new(&transcript).exists();
        assert_eq!(held.status.success(), is_written, "a transcript of what was held");
        let said = String::from_utf8(held.stderr).unwrap();
        is_written.then_some(()).ok_or(said)
    }

    fn sign(&self, name: &str, operator: &str) -> String {
        let (file, key) = (self.path(name), self.path(operator));
        let signed = run(&["keys", "sign-ceremony", &file, "--key", &key]);
        assert!(signed.status.success());
        let signature = self.path(&format!("{name}.{operator}"));
        fs::write(&signature, signed.stdout).unwrap();
        signature
    }

    /// The id of the key of this role in this state.
    fn key(&self, role: &str, state: &str) -> Option<String> {
        let listed = run(&["keys", "list", "--config", &self.config, "--json"]);
        let rows: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
        let found = rows
            .iter()
            .find(|row| row["role"] == role && row["state"] == state)?;
        found["id"].as_str().map(str::to_owned)
    }
}

#[tokio::test]
async fn a_ceremony_revokes_no_key_that_shares_are_sealed_to() {
    let mut split = SplitPlatform::start().await;
    split.platform().citizen(0).await;
    split.stop(PART).await;
    let desk = Desk::set_up(&split);
    let begins = "[[step]]\nact = 'make'\nrole = 'ceremony'\n[[step]]\nact = 'rotate'\nrole = 'custodian'\n";
    desk.hold("begins", None, begins).unwrap();
    let (keystore, old) = (desk.key("ceremony", "active"), desk.key("custodian", "retained"));
    let old = old.unwrap();
    let revokes = format!("[[step]]\nact = 'revoke'\nkey = '{old}'\n");
    let said = desk.hold("revokes", keystore.as_deref(), &revokes).unwrap_err();
    assert!(said.contains("are sealed to the key"), "{said}");
    assert_eq!(desk.key("custodian", "retained"), Some(old.clone()));

    // Once the process has sealed its shares anew, the same ceremony is held.
    split.restart(PART).await;
    for _ in 0..300 {
        if run_at(&split, PART, &["shares", "status"]).status.success() {
            desk.hold("revokes", keystore.as_deref(), &revokes).unwrap();
            assert_eq!(desk.key("custodian", "revoked"), Some(old));
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the shares were not sealed anew");
}
