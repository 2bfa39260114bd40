//! A restore drill: what was erased stays erased, and what is too old does not come back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cyberid_client::key_file::PrivateKey;
use cyberid_domain::clock::{Clock as _, DAY, SystemClock};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{Holder, Platform, Tree};
use cyberid_storage::key_holder::KeyHolderStore as _;
use cyberid_storage_sqlite::{CustodianDb, VaultDb};
use journeys::{Citizen, PIN, Part, SplitPlatform, TestPlatform};
use serde_json::Value;

use crate::{configure, releases_name, run};

const HOLDERS: [Part; 2] = [Part::Custodian, Part::Vault];

fn store(part: Part) -> &'static str {
    if part == Part::Vault { "vault" } else { "custodian" }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Where everything of the drill lies.
struct Drill {
    split: SplitPlatform,
    folder: tempfile::TempDir,
}

impl Drill {
    /// A platform whose key holders keep backups, under a key that was made elsewhere.
    async fn start() -> Self {
        let (mut split, folder) = (SplitPlatform::start().await, tempfile::tempdir().unwrap());
        let key = folder.path().join("offline.jwk");
        let made = run(&["backup", "key", "--out", &text(&key), "--json"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let (x, y) = (&made["jwk"]["x"], &made["jwk"]["y"]);
        let jwk = format!("{{ kty = \"EC\", crv = \"P-256\", x = {x}, y = {y} }}");
        for part in HOLDERS {
            split.stop(part).await;
            let backups = folder.path().join(store(part));
            configure(
                &split,
                part,
                &format!("[backup]\nfolder = '{}'\njwk = {jwk}\n", text(&backups)),
            );
            split.restart(part).await;
        }
        Self { split, folder }
    }

    fn backups(&self, part: Part) -> PathBuf {
        self.folder.path().join(store(part))
    }

    fn listed(&self, part: Part) -> Vec<Value> {
        let folder = text(&self.backups(part));
        let listed = run(&["backup", "list", "--folder", &folder, "--json"]);
        serde_json::from_slice(&listed.stdout).unwrap()
    }

    /// A backup taken now, while the process is at work.
    fn taken(&self, part: Part) -> PathBuf {
        let config = text(&self.split.config_file(part));
        let taken = run(&["backup", "take", "--config", &config, "--json"]);
        assert!(
            taken.status.success(),
            "{}",
            String::from_utf8_lossy(&taken.stderr)
        );
        let taken: Vec<Value> = serde_json::from_slice(&taken.stdout).unwrap();
        assert_eq!(taken.len(), 1);
        PathBuf::from(taken[0]["file"].as_str().unwrap())
    }

    /// Puts a backup back, or says why not.
    fn restored(backup: &Path, key: &Path, data: &Path) -> Result<Value, String> {
        let (backup, key, data) = (text(backup), text(key), text(data));
        let arguments = [
            "backup", "restore", "--backup", &backup, "--key", &key, "--data", &data, "--json",
        ];
        let ended = run(&arguments);
        if ended.status.success() {
            Ok(serde_json::from_slice(&ended.stdout).unwrap())
        } else {
            assert_eq!(ended.status.code(), Some(1));
            Err(String::from_utf8(ended.stderr).unwrap())
        }
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("offline.jwk")
    }
}

/// A second device of a citizen, by its thumbprint.
async fn second_device(platform: &TestPlatform, citizen: &Citizen) -> String {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let key = platform.device_key();
    let platform = Platform::contact(platform.client.clone(), clock.clone()).await;
    let second = Holder::resume(platform.unwrap(), Tree::default(), key.signer(), clock, rng).unwrap();
    let request = second.device_request().await.unwrap();
    let pin = Pin::entered(PIN.into()).unwrap();
    citizen
        .holder
        .approve_device(&request, &pin)
        .await
        .unwrap()
        .thumbprint
}

/// Whether a key holder that is stopped opens anything for a device.
async fn is_bound(data: &Path, part: Part, jkt: &str) -> bool {
    let path = data.join(store(part)).with_extension("db");
    if part == Part::Vault {
        let store = VaultDb::open(path).await.unwrap();
        let bound = store.device(jkt).await.unwrap();
        store.close().await;
        return bound.is_some();
    }
    let store = CustodianDb::open(path).await.unwrap();
    let bound = store.device(jkt).await.unwrap();
    store.close().await;
    bound.is_some()
}

#[tokio::test]
async fn a_restored_store_opens_what_was_kept_and_nothing_that_was_erased_or_lost() {
    let mut drill = Drill::start().await;
    let (stays, goes, party) = {
        let platform = drill.split.platform();
        let (stays, goes) = (platform.citizen(0).await, platform.citizen(1).await);
        (stays, goes, platform.relying_party().await)
    };
    let lost = second_device(drill.split.platform(), &stays).await;
    assert!(releases_name(&goes, &party).await);
    let backups = HOLDERS.map(|part| drill.taken(part));
    let gone = goes.holder.public_key().thumbprint();
    let name = goes.person.document.name.as_bytes();
    for backup in &backups {
        let bytes = fs::read(backup).unwrap();
        for secret in [gone.as_bytes(), name] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
    goes.holder.cancel().await.unwrap();
    stays.holder.revoke_device(&lost).await.unwrap();

    // The disks of both key holders are lost.
    for (part, backup) in HOLDERS.into_iter().zip(&backups) {
        drill.split.stop(part).await;
        let data = drill.split.data(part);
        let held = Drill::restored(backup, &drill.key(), &data).unwrap_err();
        assert!(held.contains("a store at"), "{held}");
        fs::remove_file(data.join(store(part)).with_extension("db")).unwrap();
        let restored = Drill::restored(backup, &drill.key(), &data).unwrap();
        assert_eq!(
            (&restored["records"], &restored["erased"], &restored["unbound"]),
            (&1.into(), &1.into(), &1.into())
        );
        assert!(!is_bound(&data, part, &lost).await, "a lost device stays lost");
        assert!(is_bound(&data, part, &stays.holder.public_key().thumbprint()).await);
        for file in fs::read_dir(&data).unwrap() {
            let path = file.unwrap().path();
            let bytes = if path.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            let there = bytes.windows(gone.len()).any(|window| window == gone.as_bytes());
            assert!(!there, "{}", path.display());
        }
        drill.split.restart(part).await;
    }
    assert!(releases_name(&stays, &party).await, "what was kept opens");
}

#[tokio::test]
async fn what_is_too_old_altered_anothers_or_without_its_erasures_is_not_put_back() {
    let mut drill = Drill::start().await;
    drill.split.platform().citizen(0).await;
    let (part, key) = (Part::Vault, drill.key());
    let backup = drill.taken(part);
    let data = drill.folder.path().join("elsewhere");
    let bytes = fs::read(&backup).unwrap();
    let taken_at = drill.listed(part).last().unwrap()["taken_at"].as_u64().unwrap();
    let saying = |moment: u64| {
        let (said, instead) = (
            format!("\"taken_at\":{taken_at}"),
            format!("\"taken_at\":{moment}"),
        );
        let at = bytes
            .windows(said.len())
            .position(|window| window == said.as_bytes())
            .unwrap();
        [&bytes[..at], instead.as_bytes(), &bytes[at + said.len()..]].concat()
    };
    let file = drill.backups(part).join("another.backup");
    let now = SystemClock.now().0;
    for (content, why) in [
        (saying(now - 8 * DAY), "more than seven days ago"),
        (saying(now + DAY), "later than this clock says"),
        (saying(taken_at - 60), "is not a backup that this key opens"),
        (
            bytes[..bytes.len() - 1].to_vec(),
            "is not a backup that this key opens",
        ),
        (b"nothing".to_vec(), "is not a backup that this key opens"),
    ] {
        fs::write(&file, content).unwrap();
        let refused = Drill::restored(&file, &key, &data).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    let other = drill.folder.path().join("other.jwk");
    PrivateKey::make(&SystemRng).save(&other).unwrap();
    let refused = Drill::restored(&backup, &other, &data).unwrap_err();
    assert!(refused.contains("this key opens"), "{refused}");
    let moved = drill.folder.path().join("vault.backup");
    fs::copy(&backup, &moved).unwrap();
    let refused = Drill::restored(&moved, &key, &data).unwrap_err();
    assert!(refused.contains("no record of erasures"), "{refused}");
    assert!(!data.join("vault.db").exists());
    Drill::restored(&backup, &key, &data).unwrap();

    // What is over is deleted by the process itself.
    // So is one that a crash left half written: all of it may be there.
    let begun = file.with_extension("begun");
    for over in [&file, &begun] {
        fs::write(over, saying(now - 8 * DAY)).unwrap();
    }
    drill.split.stop(part).await;
    drill.split.restart(part).await;
    for _ in 0..100 {
        if !file.exists() && !begun.exists() {
            assert!(backup.exists());
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("a backup that is over was not deleted");
}
