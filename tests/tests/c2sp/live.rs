//! A platform that works: its log as it is served, a copy of it, and a holder's receipt.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyberid_domain::field::Field;
use journeys::{Citizen, Granted, TestPlatform, executable};
use serde_json::Value;

use crate::{path, refused, verified, with_altered_byte};

/// A platform after some releases, and where its auditor keeps things.
struct Scene {
    platform: TestPlatform,
    citizen: Citizen,
    granted: Granted,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn after(releases: usize) -> Self {
        let (platform, folder) = (TestPlatform::start().await, tempfile::tempdir().unwrap());
        let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
        let mut granted = Granted::by(&citizen, &party, &[Field::Name]).await;
        party.redeem(&granted.pending).await.unwrap();
        for _ in 1..releases {
            granted = Granted::by(&citizen, &party, &[Field::Name]).await;
            party.redeem(&granted.pending).await.unwrap();
        }
        Self {
            platform,
            citizen,
            granted,
            folder,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The regulator's keys, in a file that nobody else reads.
    fn regulator(&self) -> PathBuf {
        let (file, keys) = (
            self.file("regulator.json"),
            self.platform.key_file::<Value>("/regulator"),
        );
        fs::write(&file, keys.to_string()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// The policy of the platform's discovery.
    async fn policy(&self) -> PathBuf {
        let described: Value = self.platform.client.get("/.well-known/cyberid").await.unwrap();
        let file = self.file("policy");
        fs::write(&file, described["ledger"]["policy"].as_str().unwrap()).unwrap();
        file
    }

    /// The receipt of the last consent.
    async fn receipt(&self) -> Value {
        let id = &self.granted.consented.consent_id;
        let receipt = self.citizen.holder.receipt(id).await.unwrap();
        serde_json::to_value(receipt.receipt()).unwrap()
    }

    /// A copy of the log.
    fn copy(&self) -> PathBuf {
        let copy = self.file("copy");
        let (regulator, out) = (self.regulator(), path(&copy).to_owned());
        let arguments = ["audit", "export", "--ledger", self.platform.url()];
        let run = Command::new(executable())
            .args(arguments)
            .args(["--regulator-key", path(&regulator), "--out", &out])
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        copy
    }
}

#[tokio::test]
async fn a_live_log_is_what_the_texts_say() {
    let scene = Scene::after(2).await;
    let (url, regulator) = (scene.platform.url(), scene.regulator());
    let found = verified(&["live", url, "--regulator", path(&regulator)]).await;
    // Two releases leave at least three leaves each.
    assert!(found["size"].as_u64().unwrap() >= 6, "{found}");
    assert_eq!(found["entries"], found["size"]);
    assert_eq!(found["cosigned"].as_object().unwrap().len(), 1);

    // Everybody may check the tree; only whoever may read entries can check those.
    let policy = scene.policy().await;
    let found = verified(&["live", url, "--policy", path(&policy)]).await;
    assert_eq!(found["entries"], 0);

    // A log with the same name and address, but not with the key that is trusted.
    let trusted = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, others_key(&trusted)).unwrap();
    let why = refused(&["live", url, "--policy", path(&policy)]).await;
    assert!(why.contains("no log of the policy has signed"), "{why}");
}

/// The policy with another log's key, of the same name.
fn others_key(policy: &str) -> String {
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};
    let (first, rest) = policy.split_once('\n').unwrap();
    let name = first.strip_prefix("log ").unwrap().split('+').next().unwrap();
    let other = Ed25519Signer::from_seed(name, &[9; 32]).unwrap();
    format!("log {}\n{rest}", other.verifier_key())
}

#[tokio::test]
async fn a_copied_log_with_one_byte_altered_is_refused() {
    let scene = Scene::after(1).await;
    let copy = scene.copy();
    let found = verified(&["copy", path(&copy)]).await;
    let size = found["size"].as_u64().unwrap();
    assert_eq!(found["entries"], size);
    for file in [
        copy.join("checkpoint"),
        copy.join(format!("tile/0/000.p/{size}")),
        copy.join(format!("tile/entries/000.p/{size}")),
    ] {
        let len = fs::read(&file).unwrap().len();
        for at in (0..len).step_by(len / 6 + 1).chain([len - 1]) {
            with_altered_byte(&file, at, async || {
                refused(&["copy", path(&copy)]).await;
            })
            .await;
        }
        fs::rename(&file, copy.join("elsewhere")).unwrap();
        refused(&["copy", path(&copy)]).await;
        fs::rename(copy.join("elsewhere"), &file).unwrap();
    }
    verified(&["copy", path(&copy)]).await;
}

#[tokio::test]
async fn a_holder_s_receipt_is_proved_and_an_altered_one_is_not() {
    let scene = Scene::after(1).await;
    let (policy, receipt) = (scene.policy().await, scene.receipt().await);
    let found = check(&scene, &receipt, &policy).await;
    assert_eq!(found["cosigned"].as_object().unwrap().len(), 1);
    let proof = receipt["proof"].as_str().unwrap();
    let lines: Vec<&str> = proof.lines().collect();
    assert_eq!(
        lines.get(1).copied(),
        Some(format!("index {}", found["index"]).as_str())
    );

    let text = |pointer| receipt.pointer(pointer).and_then(Value::as_str).unwrap();
    let leaf = text("/leaf");
    let longer = |pointer| (pointer, format!("{} ", text(pointer)));
    for (member, altered) in [
        longer("/record/evidence/consent"),
        longer("/record/evidence/request"),
        longer("/record/evidence/statement"),
        ("/leaf", leaf.replace("\"v\":1", "\"v\":2")),
        ("/leaf", format!("{leaf} ")),
        ("/proof", proof.replace("\nindex ", "\nindex 1")),
        ("/proof", with_a_letter_exchanged(proof, 2)),
        ("/proof", with_a_letter_exchanged(proof, lines.len() - 4)),
        ("/proof", with_a_letter_exchanged(proof, lines.len() - 2)),
        ("/proof", with_a_letter_exchanged(proof, lines.len() - 1)),
        ("/proof", proof.replace(lines.last().unwrap(), "")),
    ] {
        let mut other = receipt.clone();
        assert_ne!(text(member), altered);
        *other.pointer_mut(member).unwrap() = altered.into();
        let file = keep(&scene, &other);
        refused(&["receipt", path(&file), "--policy", path(&policy)]).await;
    }
}

fn keep(scene: &Scene, receipt: &Value) -> PathBuf {
    let file = scene.file("receipt.json");
    fs::write(&file, receipt.to_string()).unwrap();
    file
}

async fn check(scene: &Scene, receipt: &Value, policy: &Path) -> Value {
    let file = keep(scene, receipt);
    verified(&["receipt", path(&file), "--policy", path(policy)]).await
}

/// The text with the ninth letter from the end of a line exchanged: within a hash, a root or a signature.
fn with_a_letter_exchanged(text: &str, line: usize) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let altered = lines.get_mut(line).unwrap();
    let at = altered.len() - 9;
    let other = if altered.as_bytes()[at] == b'A' { "B" } else { "A" };
    altered.replace_range(at..=at, other);
    lines.join("\n") + "\n"
}
