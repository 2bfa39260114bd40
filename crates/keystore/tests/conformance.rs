//! What every keystore does, whatever it keeps its keys in: mount [`conformance`](suite::conformance) on each backend.

#[cfg(test)]
mod suite {
    use std::collections::HashSet;

    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use cyberid_crypto::key::AgreementKey;
    use cyberid_crypto::{Agree as _, Mac as _, hpke, jws};
    use cyberid_domain::UnixTime;
    use cyberid_keystore::role::{Attestation, Custodian, Event, Index, Ledger, Message, Pairwise, Witness};
    use cyberid_keystore::{KeyInfo, Keystore, KeystoreError, Kind, PublicHalf, RoleName, State, Step};
    use cyberid_protocol::key_certificate::KeyCertificate;

    /// The moment at which the keystores of this suite stand still.
    pub(crate) const NOW: UnixTime = UnixTime(1_795_000_000);

    /// Runs every check; `make` opens one and the same keystore, empty at first, each time.
    pub(crate) fn conformance(make: impl Fn() -> Keystore) {
        a_role_it_does_not_hold_is_named(&make());
        ensured_roles_have_one_active_key_each(&make());
        what_it_signs_verifies_under_what_it_publishes(&make());
        what_is_sealed_to_it_opens(&make());
        notes_are_signed(&make());
        everything_is_the_same_after_reopening(&make);
        a_waiting_key_is_published_and_then_used(&make());
        a_rotated_signing_key_signs_no_more_and_stays_published(&make);
        a_rotated_agreement_key_still_opens_until_destroyed(&make);
        a_rotated_mac_key_is_found_by_its_id(&make);
        only_next_and_retained_keys_are_destroyed(&make());
        no_id_and_no_public_half_serves_twice(&make());
        every_held_role_passes_its_trial(&make());
        an_attestation_key_is_certified_by_the_root(&make());
        a_next_key_is_used_only_once_it_is_announced(&make());
        a_ceremony_is_held_whole_and_once(&make);
    }

    fn held(role: RoleName) -> bool {
        role != RoleName::Witness
    }

    fn ids(store: &Keystore, role: RoleName, state: State) -> Vec<String> {
        let keys = store.list().into_iter();
        keys.filter(|key| key.role == role && key.state == state)
            .map(|key| key.id)
            .collect()
    }

    fn a_role_it_does_not_hold_is_named(store: &Keystore) {
        let refused = |role| Some(KeystoreError::NoKey(role));
        assert_eq!(store.signer::<Event>().err(), refused(RoleName::Event));
        assert_eq!(store.opener::<Custodian>().err(), refused(RoleName::Custodian));
        assert_eq!(store.mac::<Index>().err(), refused(RoleName::Index));
        assert_eq!(store.note_key::<Witness>().err(), refused(RoleName::Witness));
        assert_eq!(store.rotate(RoleName::Event).err(), refused(RoleName::Event));
        assert_eq!(store.prepare(RoleName::Event).err(), refused(RoleName::Event));
    }

    fn ensured_roles_have_one_active_key_each(store: &Keystore) {
        let roles: Vec<_> = RoleName::ALL.iter().copied().filter(|role| held(*role)).collect();
        store.ensure(&roles).unwrap();
        let keys = store.list();
        store.ensure(&roles).unwrap();
        assert_eq!(store.list(), keys, "what is there is not made again");
        let found: HashSet<_> = keys.iter().map(|key| key.role).collect();
        assert_eq!((keys.len(), found), (roles.len(), roles.into_iter().collect()));
        assert!(keys.iter().all(|key| key.state == State::Active && fits(key)));
        assert_eq!(
            store.note_key::<Witness>().err(),
            Some(KeystoreError::NoKey(RoleName::Witness))
        );
    }

    fn fits(key: &KeyInfo) -> bool {
        match (key.role.kind(), &key.public) {
            (Kind::Signing | Kind::Agreement, Some(public @ PublicHalf::Point(_)))
            | (Kind::Note, Some(public @ PublicHalf::Ed25519(_))) => key.id == public.thumbprint(),
            (Kind::Mac, None) => true,
            _ => false,
        }
    }

    fn what_it_signs_verifies_under_what_it_publishes(store: &Keystore) {
        let signer = store.signer::<Attestation>().unwrap();
        let signature = signer.current().sign(b"message").unwrap();
        let published = store.public_signing_keys();
        let key = published
            .iter()
            .find(|published| published.role == RoleName::Attestation)
            .unwrap()
            .key;
        assert_eq!(
            (key, key.thumbprint()),
            (signer.public_key(), signer.current().kid().into())
        );
        assert_eq!(jws::verify_signature(&key, b"message", &signature), Ok(()));
        assert!(jws::verify_signature(&key, b"massage", &signature).is_err());
        assert!(
            published
                .iter()
                .all(|published| published.role.kind() == Kind::Signing)
        );
    }

    fn what_is_sealed_to_it_opens(store: &Keystore) {
        let opener = store.opener::<Message>().unwrap();
        let other = AgreementKey::ephemeral().unwrap();
        assert_eq!(
            opener.current().agree(&other.public_key()),
            other.agree(&opener.public_key())
        );
        let sealed = hpke::seal(&opener.public_key(), b"i", b"a", b"text").unwrap();
        assert_eq!(
            hpke::open(&*opener.current(), b"i", b"a", &sealed)
                .unwrap()
                .as_slice(),
            b"text"
        );
        let vault = store.opener::<Custodian>().unwrap();
        assert!(hpke::open(&*vault.current(), b"i", b"a", &sealed).is_err());
    }

    fn notes_are_signed(store: &Keystore) {
        let ledger = store.note_key::<Ledger>().unwrap();
        let signature = ledger.sign(b"note").unwrap();
        let key = UnparsedPublicKey::new(&ED25519, ledger.public_key());
        assert!(key.verify(b"note", &signature).is_ok());
        assert!(key.verify(b"other", &signature).is_err());
    }

    fn everything_is_the_same_after_reopening(make: &impl Fn() -> Keystore) {
        let seen = || {
            let store = make();
            let macs = [
                store.mac::<Pairwise>().unwrap().mac(&[b"a", b"b"]),
                store.mac::<Index>().unwrap().mac(&[b"a", b"b"]),
            ];
            assert_ne!(macs[0], macs[1]);
            (
                macs,
                store.signer::<Attestation>().unwrap().public_key(),
                store.note_key::<Ledger>().unwrap().public_key(),
                store.list(),
            )
        };
        assert_eq!(seen(), seen());
    }

    fn a_waiting_key_is_published_and_then_used(store: &Keystore) {
        let signer = store.signer::<Event>().unwrap();
        let before = signer.public_key();
        store.prepare(RoleName::Event).unwrap();
        store.prepare(RoleName::Event).unwrap();
        let next: Vec<_> = store
            .public_signing_keys()
            .into_iter()
            .filter(|key| (key.role, key.state) == (RoleName::Event, State::Next))
            .collect();
        assert_eq!((next.len(), signer.public_key()), (1, before));
        store.rotate(RoleName::Event).unwrap();
        assert_eq!(signer.public_key(), next[0].key);
        assert!(ids(store, RoleName::Event, State::Next).is_empty());
    }

    fn a_rotated_signing_key_signs_no_more_and_stays_published(make: &impl Fn() -> Keystore) {
        let store = make();
        let signer = store.signer::<Attestation>().unwrap();
        let old = signer.public_key();
        store.rotate(RoleName::Attestation).unwrap();
        let (new, signature) = (signer.public_key(), signer.current().sign(b"m").unwrap());
        assert_ne!(new, old);
        assert_eq!(jws::verify_signature(&new, b"m", &signature), Ok(()));
        let published = |store: &Keystore, key| {
            let keys = store.public_signing_keys().into_iter();
            keys.filter(|published| published.key == key)
                .map(|published| published.state)
                .collect::<Vec<_>>()
        };
        assert_eq!(published(&store, old), [State::Retained]);
        assert_eq!(published(&store, new), [State::Active]);
        drop((store, signer));
        let store = make();
        assert_eq!(store.signer::<Attestation>().unwrap().public_key(), new);
        store.destroy(&old.thumbprint()).unwrap();
        assert!(
            published(&store, old).is_empty(),
            "revoked keys are not published"
        );
        assert_eq!(
            ids(&store, RoleName::Attestation, State::Revoked),
            [old.thumbprint()]
        );
    }

    fn a_rotated_agreement_key_still_opens_until_destroyed(make: &impl Fn() -> Keystore) {
        let store = make();
        let opener = store.opener::<Message>().unwrap();
        let kid = opener.current().kid().to_owned();
        let sealed = hpke::seal(&opener.public_key(), b"", b"", b"text").unwrap();
        store.rotate(RoleName::Message).unwrap();
        store.rotate(RoleName::Message).unwrap();
        assert_ne!(opener.current().kid(), kid);
        assert!(hpke::open(&*opener.current(), b"", b"", &sealed).is_err());
        assert!(hpke::open(&*opener.find(&kid).unwrap(), b"", b"", &sealed).is_ok());
        drop((store, opener));
        let store = make();
        let opener = store.opener::<Message>().unwrap();
        assert!(hpke::open(&*opener.find(&kid).unwrap(), b"", b"", &sealed).is_ok());
        assert!(
            store.opener::<Custodian>().unwrap().find(&kid).is_none(),
            "another role's key"
        );
        store.destroy(&kid).unwrap();
        assert!(opener.find(&kid).is_none());
        assert_eq!(ids(&store, RoleName::Message, State::Revoked), [kid.as_str()]);
        drop((store, opener));
        assert!(make().opener::<Message>().unwrap().find(&kid).is_none());
    }

    fn a_rotated_mac_key_is_found_by_its_id(make: &impl Fn() -> Keystore) {
        let store = make();
        let pairwise = store.mac::<Pairwise>().unwrap();
        let (id, mac) = (pairwise.current_id(), pairwise.mac(&[b"x"]));
        store.rotate(RoleName::Pairwise).unwrap();
        assert_ne!(pairwise.mac(&[b"x"]), mac);
        assert_eq!(pairwise.current().mac(&[b"x"]), pairwise.mac(&[b"x"]));
        drop((store, pairwise));
        let pairwise = make().mac::<Pairwise>().unwrap();
        assert_eq!(pairwise.find(&id).unwrap().mac(&[b"x"]), mac);
        assert!(pairwise.find("AAAA").is_none());
    }

    fn only_next_and_retained_keys_are_destroyed(store: &Keystore) {
        let refused = |role, state| {
            let id = ids(store, role, state).remove(0);
            let error = KeystoreError::State {
                id: id.clone(),
                state,
            };
            assert_eq!(store.destroy(&id), Err(error));
        };
        refused(RoleName::Message, State::Active);
        refused(RoleName::Message, State::Revoked);
        let unknown = KeystoreError::UnknownKey("AAAA".into());
        assert_eq!(store.destroy("AAAA"), Err(unknown));
        store.prepare(RoleName::Request).unwrap();
        let next = ids(store, RoleName::Request, State::Next).remove(0);
        assert_eq!(store.destroy(&next), Ok(()));
    }

    fn every_held_role_passes_its_trial(store: &Keystore) {
        for &role in RoleName::ALL.iter().filter(|role| held(**role)) {
            assert_eq!(store.check(role), Ok(()), "{role}");
        }
        let refused = Err(KeystoreError::NoKey(RoleName::Witness));
        assert_eq!(store.check(RoleName::Witness), refused);
    }

    fn an_attestation_key_is_certified_by_the_root(store: &Keystore) {
        store.prepare(RoleName::Attestation).unwrap();
        let keys = store.public_signing_keys();
        let root = |state| {
            let mut roots = keys.iter().filter(|key| key.role == RoleName::AttestationRoot);
            roots.find(|key| key.state == state).unwrap().key
        };
        let mut certified = 0;
        for key in &keys {
            let is_attestation = key.role == RoleName::Attestation;
            assert_eq!(key.certificate.is_some(), is_attestation, "{:?}", key.role);
            if let Some(certificate) = &key.certificate {
                let check = |root| KeyCertificate::check(certificate, &root, "attestation", &key.key, NOW);
                assert_eq!(check(root(State::Active)), Ok(()));
                certified += 1;
            }
        }
        assert!(certified >= 2, "the active and the next one");
        // A key that is certified already keeps its certificate when the root changes.
        store.rotate(RoleName::AttestationRoot).unwrap();
        let after = store.public_signing_keys();
        assert!(
            keys.iter()
                .filter(|key| key.role == RoleName::Attestation)
                .all(|key| after.contains(key))
        );
    }

    fn a_next_key_is_used_only_once_it_is_announced(store: &Keystore) {
        let refused = |from| {
            let role = RoleName::Registration;
            Err(KeystoreError::NotAnnounced { role, from })
        };
        let rotate = |ahead| store.rotate_announced(RoleName::Registration, ahead);
        assert_eq!(rotate(0), refused(None));
        store.prepare(RoleName::Registration).unwrap();
        assert_eq!(rotate(600), refused(Some(NOW.plus(600))));
        assert_eq!(rotate(0), Ok(()));
    }

    fn a_ceremony_is_held_whole_and_once(make: &impl Fn() -> Keystore) {
        let store = make();
        let before = store.list();
        let retained = ids(&store, RoleName::Certificate, State::Retained);
        assert!(retained.is_empty());
        let impossible = [Step::Rotate(RoleName::Certificate), Step::Revoke("AAAA".into())];
        let refused = Err(KeystoreError::UnknownKey("AAAA".into()));
        assert_eq!(store.hold_ceremony("one", &impossible), refused);
        assert_eq!(store.list(), before, "all of it or nothing");
        let again = [Step::Make(RoleName::Certificate)];
        assert_eq!(
            store.hold_ceremony("one", &again),
            Err(KeystoreError::HasKey(RoleName::Certificate))
        );
        let steps = [
            Step::Prepare(RoleName::Certificate),
            Step::Rotate(RoleName::Certificate),
            Step::Make(RoleName::Witness),
        ];
        assert_eq!(store.hold_ceremony("one", &steps), Ok(()));
        assert_eq!(ids(&store, RoleName::Certificate, State::Retained).len(), 1);
        drop(store);
        let held = Err(KeystoreError::CeremonyHeld);
        assert_eq!(make().hold_ceremony("one", &[]), held);
        assert_eq!(make().check(RoleName::Witness), Ok(()));
    }

    fn no_id_and_no_public_half_serves_twice(store: &Keystore) {
        let keys = store.list();
        let ids: HashSet<_> = keys.iter().map(|key| &key.id).collect();
        assert_eq!(ids.len(), keys.len());
        assert!(keys.iter().all(fits));
    }
}

#[cfg(test)]
mod machines {
    use std::path::Path;
    use std::sync::Arc;

    use cyberid_domain::clock::ManualClock;
    use cyberid_domain::rng::SystemRng;
    use cyberid_domain::secret::SecretBytes;
    use cyberid_keystore::testing::SoftHsm;
    use cyberid_keystore::{KdfCost, Keystore, Unlock};

    use super::suite::{NOW, conformance};

    fn open_or_create(folder: &Path, unlock: impl Into<Unlock>) -> Keystore {
        let clock = Arc::new(ManualClock::new(NOW));
        let (cost, rng) = (KdfCost::INSECURE, Arc::new(SystemRng));
        Keystore::open_or_create(&folder.join("keys"), unlock, cost, clock, rng).unwrap()
    }

    #[test]
    fn the_file_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let passphrase = SecretBytes::from(String::from("passphrase"));
        conformance(|| open_or_create(folder.path(), &passphrase));
    }

    #[test]
    fn the_token_conforms() {
        SoftHsm::start().run_test("machines::the_token_that_this_process_sees_conforms");
    }

    #[test]
    #[ignore = "run by the test above, in a process that sees a token"]
    fn the_token_that_this_process_sees_conforms() {
        let folder = tempfile::tempdir().unwrap();
        conformance(|| open_or_create(folder.path(), SoftHsm::unlock()));
    }
}
