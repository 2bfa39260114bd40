//! The encrypted file against those who read it, alter it, or stop the machine half-way.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use base64ct::{Base64, Base64Url, Encoding as _};
    use cyberid_crypto::Mac as _;
    use cyberid_domain::clock::ManualClock;
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_domain::{Rng, UnixTime};
    use cyberid_keystore::role::{Attestation, Message, Token};
    use cyberid_keystore::{FILE, KdfCost, Keystore, KeystoreError, LOCK, RoleName, State};
    use tempfile::TempDir;

    const ROLES: &[RoleName] = &[
        RoleName::Attestation,
        RoleName::Message,
        RoleName::Token,
        RoleName::Ledger,
    ];

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::from(text.to_owned())
    }

    fn open_as(folder: &Path, passphrase: &str) -> Result<Keystore, KeystoreError> {
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        Keystore::open(folder, &secret(passphrase), clock, Arc::new(SystemRng))
    }

    fn open(folder: &Path) -> Result<Keystore, KeystoreError> {
        open_as(folder, "passphrase")
    }

    fn create(folder: &Path, rng: Arc<dyn Rng>) -> Result<Keystore, KeystoreError> {
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        Keystore::create(folder, &secret("passphrase"), KdfCost::INSECURE, clock, rng)
    }

    fn filled() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let store = create(folder.path(), Arc::new(SystemRng)).unwrap();
        store.ensure(ROLES).unwrap();
        let file = folder.path().join(FILE);
        (folder, file)
    }

    /// Chance that remembers what it gave.
    #[derive(Default)]
    struct Recorder(Mutex<Vec<Vec<u8>>>);

    impl Rng for Recorder {
        fn fill(&self, out: &mut [u8]) {
            SystemRng.fill(out);
            self.0.lock().unwrap().push(out.to_vec());
        }
    }

    #[test]
    fn a_wrong_passphrase_is_named_as_such() {
        let (folder, _) = filled();
        for wrong in ["", "passphrasf", "passphrase\n"] {
            let error = open_as(folder.path(), wrong).err();
            assert_eq!(error, Some(KeystoreError::WrongPassphrase));
            let error = Keystore::inspect(folder.path(), &secret(wrong)).err();
            assert_eq!(error, Some(KeystoreError::WrongPassphrase));
        }
        assert!(open(folder.path()).is_ok());
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let (folder, file) = filled();
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            for mask in [0x01, 0x02, 0x07, 0x20, 0x80] {
                let mut bad = good.clone();
                bad[at] ^= mask;
                fs::write(&file, &bad).unwrap();
                assert!(open(folder.path()).is_err(), "byte {at} ^ {mask:#x}");
            }
        }
        fs::write(&file, &good).unwrap();
        assert!(open(folder.path()).is_ok());
    }

    #[test]
    fn a_file_cut_off_or_lengthened_is_noticed() {
        let (folder, file) = filled();
        let good = fs::read(&file).unwrap();
        for length in 0..good.len() {
            fs::write(&file, &good[..length]).unwrap();
            assert_eq!(
                open(folder.path()).err(),
                Some(KeystoreError::Corrupt),
                "{length} bytes"
            );
        }
        fs::write(&file, [good.as_slice(), b"\n"].concat()).unwrap();
        assert_eq!(open(folder.path()).err(), Some(KeystoreError::Corrupt));
    }

    /// Alters the parsed file and writes it back in its one form.
    fn altered(alter: impl FnOnce(&mut serde_json::Value)) -> Option<KeystoreError> {
        let (folder, file) = filled();
        open(folder.path()).unwrap().rotate(RoleName::Message).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let before = json.clone();
        alter(&mut json);
        assert_ne!(json, before);
        fs::write(&file, in_order(&json)).unwrap();
        open(folder.path()).err()
    }

    /// The file's own order of members, which a parsed value loses.
    fn in_order(json: &serde_json::Value) -> Vec<u8> {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Ordered {
            version: u64,
            derivation: Derivation,
            verifier: String,
            keys: Vec<Key>,
            mac: String,
        }
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Derivation {
            algorithm: String,
            cost: Cost,
            salt: String,
        }
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Cost {
            memory_kib: u32,
            iterations: u32,
            lanes: u32,
        }
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Key {
            role: String,
            id: String,
            state: String,
            created: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            public: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            private: Option<Private>,
        }
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Private {
            nonce: String,
            ciphertext: String,
        }
        let ordered: Ordered = serde_json::from_value(json.clone()).unwrap();
        let mut bytes = serde_json::to_vec_pretty(&ordered).unwrap();
        bytes.push(b'\n');
        bytes
    }

    #[test]
    fn the_helper_writes_what_the_keystore_writes() {
        let (_folder, file) = filled();
        let bytes = fs::read(&file).unwrap();
        assert_eq!(in_order(&serde_json::from_slice(&bytes).unwrap()), bytes);
    }

    #[test]
    fn removed_reordered_swapped_and_promoted_entries_are_noticed() {
        let keys = |json: &mut serde_json::Value| json["keys"].as_array().unwrap().len();
        let noticed = Some(KeystoreError::Corrupt);
        assert_eq!(
            altered(|json| {
                // Each entry left is whole in itself: only the file's MAC misses the one that went.
                json["keys"].as_array_mut().unwrap().remove(0);
            }),
            noticed
        );
        assert_eq!(
            altered(|json| json["keys"].as_array_mut().unwrap().swap(0, 1)),
            noticed
        );
        assert_eq!(
            altered(|json| {
                let last = keys(json) - 1;
                let one = json["keys"][0]["private"].take();
                let two = std::mem::replace(&mut json["keys"][last]["private"], one);
                json["keys"][0]["private"] = two;
            }),
            noticed
        );
        assert_eq!(
            altered(|json| {
                for key in json["keys"].as_array_mut().unwrap() {
                    let state = match key["state"].as_str().unwrap() {
                        "retained" => "active",
                        _ if key["role"] == "message" => "retained",
                        other => other,
                    };
                    key["state"] = state.to_owned().into();
                }
            }),
            noticed
        );
    }

    #[test]
    fn unknown_versions_and_members_and_unbounded_costs_are_refused() {
        assert_eq!(
            altered(|json| json["version"] = 2.into()),
            Some(KeystoreError::Version(2))
        );
        let (folder, file) = filled();
        let text = fs::read_to_string(&file).unwrap();
        for (from, to) in [
            ("\"version\": 1,", "\"version\": 1,\n  \"extra\": 0,"),
            ("\"memory_kib\": 8,", "\"memory_kib\": 4294967295,"),
            ("\"lanes\": 1", "\"lanes\": 0"),
            ("argon2id", "argon2d"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            fs::write(&file, changed).unwrap();
            assert_eq!(open(folder.path()).err(), Some(KeystoreError::Corrupt), "{to}");
        }
    }

    #[test]
    fn no_secret_stands_in_the_file_in_any_form() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Arc::new(Recorder::default());
        let store = create(folder.path(), Arc::clone(&recorder) as Arc<dyn Rng>).unwrap();
        store.ensure(RoleName::ALL).unwrap();
        let file = fs::read(folder.path().join(FILE)).unwrap();
        let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
        let drawn = recorder.0.lock().unwrap();
        let secrets: Vec<_> = drawn.iter().filter(|bytes| bytes.len() == 32).collect();
        assert_eq!(secrets.len(), RoleName::ALL.len());
        for secret in secrets {
            assert!(!holds(secret));
            assert!(!holds(hex::encode(secret).as_bytes()) && !holds(hex::encode_upper(secret).as_bytes()));
            // Two characters less: the last ones depend on what follows and on padding.
            assert!(!holds(&Base64::encode_string(secret).as_bytes()[..42]));
            assert!(!holds(&Base64Url::encode_string(secret).as_bytes()[..42]));
        }
        let nonce = drawn.iter().rfind(|bytes| bytes.len() == 12).unwrap();
        let nonce = Base64Url::encode_string(nonce);
        assert!(holds(nonce.as_bytes()), "the search finds what is there");
        assert!(!holds(b"passphrase"));
    }

    #[test]
    fn a_destroyed_private_half_is_gone_from_the_file() {
        let (folder, file) = filled();
        let store = open(folder.path()).unwrap();
        let id = store.opener::<Message>().unwrap().current().kid().to_owned();
        let private = |id: &str| {
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let keys = json["keys"].as_array().unwrap().clone();
            let key = keys.into_iter().find(|key| key["id"] == id).unwrap();
            key.get("private").cloned()
        };
        store.rotate(RoleName::Message).unwrap();
        assert!(private(&id).is_some());
        store.destroy(&id).unwrap();
        assert_eq!(private(&id), None);
        let signing = store.signer::<Attestation>().unwrap().current().kid().to_owned();
        assert!(private(&signing).is_some());
        store.rotate(RoleName::Attestation).unwrap();
        assert_eq!(
            private(&signing),
            None,
            "what signed does not outlive its rotation"
        );
    }

    #[test]
    fn a_second_opener_is_refused_until_the_first_and_its_handles_are_gone() {
        let (folder, _) = filled();
        let in_use = Some(KeystoreError::InUse(folder.path().into()));
        let store = open(folder.path()).unwrap();
        assert_eq!(open(folder.path()).err(), in_use);
        assert_eq!(
            Keystore::inspect(folder.path(), &secret("passphrase")),
            Ok(store.list())
        );
        let handle = store.mac::<Token>().unwrap();
        drop(store);
        assert_eq!(open(folder.path()).err(), in_use);
        drop(handle);
        assert!(open(folder.path()).is_ok());
    }

    #[test]
    fn a_keystore_is_not_created_over_another_nor_opened_where_none_is() {
        let (folder, file) = filled();
        let before = fs::read(&file).unwrap();
        let error = create(folder.path(), Arc::new(SystemRng)).err();
        assert_eq!(error, Some(KeystoreError::Exists(file.clone())));
        assert_eq!(fs::read(&file).unwrap(), before);
        fs::remove_file(&file).unwrap();
        assert_eq!(open(folder.path()).err(), Some(KeystoreError::Missing(file)));
        let nowhere = folder.path().join("nowhere");
        assert_eq!(
            open(&nowhere).err(),
            Some(KeystoreError::Missing(nowhere.join(FILE)))
        );
    }

    #[test]
    fn a_temporary_file_left_behind_is_ignored_and_replaced() {
        let (folder, file) = filled();
        let temporary = folder.path().join("keystore.json.tmp");
        fs::write(&temporary, b"{\"version\": 1, half a fi").unwrap();
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o644)).unwrap();
        let store = open(folder.path()).unwrap();
        store.rotate(RoleName::Token).unwrap();
        assert!(!temporary.exists());
        drop(store);
        assert!(open(folder.path()).is_ok());
        for path in [file, folder.path().join(LOCK)] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_write_that_certainly_failed_changes_nothing_and_can_be_repeated() {
        let (folder, file) = filled();
        let store = open(folder.path()).unwrap();
        let token = store.mac::<Token>().unwrap();
        let (before, id) = (fs::read(&file).unwrap(), token.current_id());
        let obstacle = folder.path().join("keystore.json.tmp");
        fs::create_dir(&obstacle).unwrap();
        let refused = store.rotate(RoleName::Token);
        assert!(
            matches!(&refused, Err(KeystoreError::Io { path, .. }) if *path == obstacle),
            "{refused:?}"
        );
        assert_eq!(
            (fs::read(&file).unwrap(), token.current_id()),
            (before, id.clone())
        );
        fs::remove_dir(&obstacle).unwrap();
        assert_eq!(store.rotate(RoleName::Token), Ok(()));
        assert_ne!(token.current_id(), id);
    }

    /// Chance that, once it is told to, puts a folder where the file is: what is renamed to it does not get there.
    struct Saboteur {
        file: PathBuf,
        armed: AtomicBool,
    }

    impl Rng for Saboteur {
        fn fill(&self, out: &mut [u8]) {
            if self.armed.swap(false, Ordering::SeqCst) {
                fs::remove_file(&self.file).unwrap();
                fs::create_dir(&self.file).unwrap();
            }
            SystemRng.fill(out);
        }
    }

    #[test]
    fn after_a_write_of_unknown_outcome_nothing_more_is_written() {
        let (folder, file) = filled();
        let chance = Arc::new(Saboteur {
            file: file.clone(),
            armed: AtomicBool::new(false),
        });
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        let store = Keystore::open(
            folder.path(),
            &secret("passphrase"),
            clock,
            Arc::clone(&chance) as _,
        )
        .unwrap();
        let token = store.mac::<Token>().unwrap();
        let (good, id) = (fs::read(&file).unwrap(), token.current_id());
        chance.armed.store(true, Ordering::SeqCst);
        let unknown = store.rotate(RoleName::Token);
        assert!(
            matches!(&unknown, Err(KeystoreError::Unconfirmed { path, .. }) if *path == file),
            "{unknown:?}"
        );
        fs::remove_dir(&file).unwrap();
        fs::write(&file, &good).unwrap();
        assert_eq!(store.rotate(RoleName::Token), Err(KeystoreError::Halted));
        assert_eq!(
            store.rekey(&secret("x"), KdfCost::INSECURE),
            Err(KeystoreError::Halted)
        );
        assert_eq!((fs::read(&file).unwrap(), token.current_id()), (good, id));
        drop((store, token));
        assert_eq!(open(folder.path()).unwrap().rotate(RoleName::Token), Ok(()));
    }

    #[test]
    fn another_passphrase_and_cost_keep_the_keys() {
        let (folder, file) = filled();
        let store = open(folder.path()).unwrap();
        store.rotate(RoleName::Message).unwrap();
        store.prepare(RoleName::Attestation).unwrap();
        let (keys, mac) = (store.list(), store.mac::<Token>().unwrap().mac(&[b"x"]));
        let old = fs::read_to_string(&file).unwrap();
        let cost = KdfCost::new(64, 2, 1).unwrap();
        store.rekey(&secret("another"), cost).unwrap();
        store.ensure(&[RoleName::Pin]).unwrap();
        drop(store);
        assert_eq!(open(folder.path()).err(), Some(KeystoreError::WrongPassphrase));
        let store = open_as(folder.path(), "another").unwrap();
        assert_eq!(store.list()[..keys.len()], keys);
        assert_eq!(store.mac::<Token>().unwrap().mac(&[b"x"]), mac);
        let new = fs::read_to_string(&file).unwrap();
        assert!(new.contains("\"memory_kib\": 64"));
        let shared = |marker| {
            old.lines()
                .any(|line| line.contains(marker) && new.contains(line))
        };
        assert!(!shared("ciphertext") && !shared("salt") && shared("\"id\""));
        store.rotate(RoleName::Attestation).unwrap();
        assert!(store.list().iter().all(|key| key.state != State::Next));
    }

    fn administer(folder: &Path) -> Keystore {
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        Keystore::administer(folder, &secret("passphrase"), clock, Arc::new(SystemRng)).unwrap()
    }

    #[test]
    fn who_serves_takes_over_what_an_administrator_changed() {
        let (folder, _) = filled();
        let store = open(folder.path()).unwrap();
        let signer = store.signer::<Attestation>().unwrap();
        let before = signer.current().kid().to_owned();
        assert_eq!(store.refresh(), Ok(false), "nothing has changed");
        let other = administer(folder.path());
        other.rotate(RoleName::Attestation).unwrap();
        assert_eq!(signer.current().kid(), before, "not noticed yet");
        assert_eq!(store.refresh(), Ok(true));
        assert_eq!(
            signer.current().kid(),
            other.signer::<Attestation>().unwrap().current().kid()
        );
        assert_ne!(signer.current().kid(), before);
        assert_eq!(store.list(), other.list());
    }

    #[test]
    fn two_who_change_the_list_lose_nothing_of_each_other() {
        let (folder, _) = filled();
        let (store, other) = (open(folder.path()).unwrap(), administer(folder.path()));
        other.ensure(&[RoleName::Pin]).unwrap();
        store.ensure(&[RoleName::Age]).unwrap();
        other.rotate(RoleName::Token).unwrap();
        assert_eq!(store.refresh(), Ok(true));
        let held = |store: &Keystore, role| store.list().iter().filter(|key| key.role == role).count();
        for store in [&store, &other] {
            assert_eq!(held(store, RoleName::Pin), 1);
            assert_eq!(held(store, RoleName::Age), 1);
            assert_eq!(held(store, RoleName::Token), 2);
        }
    }

    #[test]
    fn an_altered_list_is_not_taken_over() {
        let (folder, file) = filled();
        let store = open(folder.path()).unwrap();
        let (id, good) = (
            store.mac::<Token>().unwrap().current_id(),
            fs::read(&file).unwrap(),
        );
        let mut bad = good.clone();
        let at = bad.len() - 20;
        bad[at] ^= 1;
        fs::write(&file, &bad).unwrap();
        assert_eq!(store.refresh(), Err(KeystoreError::Corrupt));
        assert_eq!(store.rotate(RoleName::Token), Err(KeystoreError::Corrupt));
        assert_eq!(store.mac::<Token>().unwrap().current_id(), id);
        fs::write(&file, &good).unwrap();
        assert_eq!(store.refresh(), Ok(false));
    }

    #[test]
    fn an_administrator_does_not_change_the_passphrase_under_a_server() {
        let (folder, _) = filled();
        let _serving = open(folder.path()).unwrap();
        let refused = administer(folder.path()).rekey(&secret("x"), KdfCost::INSECURE);
        assert_eq!(refused, Err(KeystoreError::OtherKind));
    }

    #[test]
    fn debug_shows_no_key() {
        let (folder, _) = filled();
        let store = open(folder.path()).unwrap();
        assert_eq!(format!("{store:?}"), "Keystore(..)");
        assert_eq!(format!("{:?}", store.mac::<Token>().unwrap()), "MacHandle(token)");
    }
}
