//! The token against those who have the list without it, a wrong PIN, or a machine that stops half-way.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use cyberid_crypto::jws;
    use cyberid_crypto::key::KeyFailure;
    use cyberid_domain::UnixTime;
    use cyberid_domain::clock::ManualClock;
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_keystore::role::{Certificate, Ledger, Vault};
    use cyberid_keystore::testing::SoftHsm;
    use cyberid_keystore::{
        FILE, KdfCost, Keystore, KeystoreError, Place, RoleName, State, TokenAccess, TokenError, Unlock,
    };

    fn open(folder: &Path, unlock: impl Into<Unlock>) -> Result<Keystore, KeystoreError> {
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        Keystore::open_or_create(folder, unlock, KdfCost::INSECURE, clock, Arc::new(SystemRng))
    }

    fn filled(folder: &Path) -> Keystore {
        let store = open(folder, SoftHsm::unlock()).unwrap();
        store.ensure(RoleName::ALL).unwrap();
        store
    }

    /// How many objects the token of this process keeps.
    fn objects() -> usize {
        let configuration = fs::read_to_string(std::env::var(cyberid_keystore::testing::VARIABLE).unwrap());
        let configuration = configuration.unwrap();
        let tokens = configuration
            .lines()
            .find_map(|line| line.strip_prefix("directories.tokendir = "))
            .unwrap();
        let files = fs::read_dir(tokens).unwrap();
        let files = files.flat_map(|token| fs::read_dir(token.unwrap().path()).unwrap());
        files
            .filter(|file| {
                let name = file.as_ref().unwrap().file_name().into_string().unwrap();
                name.ends_with(".object") && name != "token.object"
            })
            .count()
    }

    fn run(name: &str) {
        SoftHsm::start().run_test(&format!("tests::{name}"));
    }

    macro_rules! in_a_token {
        ($($name:ident as $inner:ident)*) => {$(
            #[test]
            fn $name() {
                run(stringify!($inner));
            }
        )*};
    }

    in_a_token! {
        keys_are_where_their_roles_want_them as places
        a_wrong_pin_is_tried_once as wrong_pin
        the_list_opens_with_its_own_token_only as another_token
        every_altered_byte_of_the_list_is_noticed as altered
        what_is_retired_is_destroyed_in_the_token as retired
        what_a_crash_left_in_the_token_is_destroyed as crash
        two_keystores_share_a_token as shared
        a_key_that_is_gone_fails_its_trial as gone
        callers_on_either_kind_of_runtime_are_answered as runtimes
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn places() {
        let folder = tempfile::tempdir().unwrap();
        let keys = filled(folder.path()).list();
        let of = |place| {
            let keys = keys.iter().filter(move |key| key.place == place);
            keys.map(|key| key.role.as_str()).collect::<Vec<_>>()
        };
        let inside = [
            "attestation-root",
            "certificate",
            "registration",
            "identity",
            "event",
            "enrolment",
            "source",
            "ceremony",
            "vault",
            "custodian",
            "ledger",
            "witness",
        ];
        assert_eq!(of(Place::Token), inside);
        assert_eq!(of(Place::Memory).len() + inside.len(), RoleName::ALL.len());
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn wrong_pin() {
        let folder = tempfile::tempdir().unwrap();
        let Unlock::Token(right) = SoftHsm::unlock() else {
            panic!("a token")
        };
        let wrong = |pin: &str| {
            let pin = SecretBytes::from(pin.to_owned());
            open(folder.path(), Unlock::Token(TokenAccess { pin, ..right.clone() })).err()
        };
        assert!(matches!(
            wrong("27182818"),
            Some(KeystoreError::Token(TokenError::Pin(_)))
        ));
        assert!(open(folder.path(), Unlock::Token(right.clone())).is_ok());
        let label = TokenAccess {
            label: "another".into(),
            ..right.clone()
        };
        assert_eq!(
            open(folder.path(), Unlock::Token(label)).err(),
            Some(KeystoreError::Token(TokenError::NoToken("another".into())))
        );
        let module = TokenAccess {
            module: folder.path().join("nothing.so"),
            ..right
        };
        assert!(matches!(
            open(folder.path(), Unlock::Token(module)).err(),
            Some(KeystoreError::Token(TokenError::Module { .. }))
        ));
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn another_token() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        drop(filled(folder.path()));
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        // The same list, said to be of objects that this token does not have.
        let begins = text.find("cyberid-").unwrap() + "cyberid-".len();
        let mut bytes = text.into_bytes();
        bytes[begins] = if bytes[begins] == b'A' { b'B' } else { b'A' };
        fs::write(other.path().join(FILE), &bytes).unwrap();
        let missing = TokenError::NoObject("list".into());
        assert_eq!(
            open(other.path(), SoftHsm::unlock()).err(),
            Some(KeystoreError::Token(missing))
        );
        let passphrase = SecretBytes::from("passphrase".to_owned());
        assert_eq!(
            open(folder.path(), &passphrase).err(),
            Some(KeystoreError::OtherKind)
        );
        assert!(open(folder.path(), SoftHsm::unlock()).is_ok());
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn altered() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), SoftHsm::unlock()).unwrap();
        store.ensure(&[RoleName::Vault, RoleName::Message]).unwrap();
        drop(store);
        let file = folder.path().join(FILE);
        let good = fs::read(&file).unwrap();
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            assert!(open(folder.path(), SoftHsm::unlock()).is_err(), "byte {at}");
        }
        fs::write(&file, &good).unwrap();
        assert!(open(folder.path(), SoftHsm::unlock()).is_ok());
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn retired() {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path());
        let before = objects();
        assert!(before >= 12, "{before}");
        store.rotate(RoleName::Certificate).unwrap();
        assert_eq!(objects(), before, "one more, and one less");
        let opener = store.opener::<Vault>().unwrap();
        let old = opener.current().kid().to_owned();
        store.rotate(RoleName::Vault).unwrap();
        assert_eq!(objects(), before + 1, "the retained one still opens");
        store.destroy(&old).unwrap();
        assert_eq!(objects(), before);
        let keys = store.list();
        let old = keys.iter().find(|key| key.id == old).unwrap();
        assert_eq!((old.state, old.place), (State::Revoked, Place::Destroyed));
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn crash() {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path());
        let (file, before) = (folder.path().join(FILE), objects());
        let list = fs::read(&file).unwrap();
        store.prepare(RoleName::Certificate).unwrap();
        assert_eq!(objects(), before + 1);
        drop(store);
        // As if the machine had stopped after the key was made, before the list was written.
        fs::write(&file, &list).unwrap();
        let store = filled(folder.path());
        assert_eq!(objects(), before);
        assert_eq!(store.check(RoleName::Certificate), Ok(()));
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn shared() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, two) = (filled(one.path()), filled(two.path()));
        assert_ne!(
            one.signer::<Certificate>().unwrap().public_key(),
            two.signer::<Certificate>().unwrap().public_key()
        );
        one.rotate(RoleName::Certificate).unwrap();
        for store in [&one, &two] {
            for &role in RoleName::ALL {
                assert_eq!(store.check(role), Ok(()), "{role}");
            }
        }
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path());
        let clock = Arc::new(ManualClock::new(UnixTime(1_795_000_000)));
        let other =
            Keystore::administer(folder.path(), SoftHsm::unlock(), clock, Arc::new(SystemRng)).unwrap();
        other.rotate(RoleName::Certificate).unwrap();
        assert_eq!(
            store.check(RoleName::Certificate),
            Err(KeystoreError::Failed(KeyFailure))
        );
        assert_eq!(store.check(RoleName::Event), Ok(()));
        assert_eq!(store.refresh(), Ok(true));
        assert_eq!(store.check(RoleName::Certificate), Ok(()));
    }

    #[test]
    #[ignore = "run by its namesake above, in a process that sees a token"]
    fn runtimes() {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(folder.path());
        let (signer, ledger) = (
            store.signer::<Certificate>().unwrap(),
            store.note_key::<Ledger>().unwrap(),
        );
        let sign = async || {
            let signature = signer.current().sign(b"m").unwrap();
            assert_eq!(
                jws::verify_signature(&signer.public_key(), b"m", &signature),
                Ok(())
            );
            assert!(ledger.sign(b"note").is_ok());
        };
        let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
        single.block_on(sign());
        let several = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap();
        several.block_on(sign());
        let signer = store.signer::<Certificate>().unwrap();
        several.block_on(async {
            // On the one worker thread, which gives its place away: all of them are answered.
            let tasks: Vec<_> = (0..32)
                .map(|_| {
                    let signer = signer.clone();
                    tokio::spawn(async move { signer.current().sign(b"m").is_ok() })
                })
                .collect();
            for task in tasks {
                assert!(task.await.unwrap());
            }
        });
    }
}
