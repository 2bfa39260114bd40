//! The share stores: their snapshots, the record of what is erased, and what sealing anew leaves behind.

#![expect(clippy::unwrap_used, reason = "a test stops where its files cannot be made")]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_storage::custodian::{CustodianShare, CustodianStore as _};
use cyberid_storage::erasure::Erasures;
use cyberid_storage::key_holder::{BoundDevice, KeyHolderStore as _};
use cyberid_storage::seals::{ResealedShare, ShareSeals as _};
use cyberid_storage::vault::VaultStore;
use cyberid_storage_sqlite::{CustodianDb, VaultDb};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// Remembers what is noted, or fails.
#[derive(Default)]
struct Noted {
    subjects: Mutex<Vec<SubjectId>>,
    devices: Mutex<Vec<(SubjectId, String)>>,
    fails: bool,
}

impl Erasures for Noted {
    fn note(&self, subject: &SubjectId) -> io::Result<()> {
        if self.fails {
            return Err(io::Error::other("the disk is full"));
        }
        self.subjects.lock().unwrap().push(*subject);
        Ok(())
    }

    fn note_unbound(&self, subject: &SubjectId, jkt: &str) -> io::Result<()> {
        if self.fails {
            return Err(io::Error::other("the disk is full"));
        }
        self.devices.lock().unwrap().push((*subject, jkt.to_owned()));
        Ok(())
    }
}

async fn deposited(store: &CustodianDb) -> (SubjectId, Vec<u8>) {
    let subject = SubjectId::random(&SystemRng);
    let device = BoundDevice {
        subject,
        key: [4; 65],
        release_from: UnixTime(0),
        number_commitment: None,
    };
    let share = CustodianShare {
        field: Field::Name,
        share: random::<112>(&SystemRng).to_vec(),
    };
    let jkt = cyberid_domain::id::Nonce::random(&SystemRng);
    let kept = store.deposit(&device, jkt.as_str(), std::slice::from_ref(&share), NOW);
    assert!(kept.await.unwrap());
    (subject, share.share)
}

fn is_in(folder: &Path, bytes: &[u8]) -> bool {
    let files = fs::read_dir(folder).unwrap();
    let mut files = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    files.any(|file| file.windows(bytes.len()).any(|window| window == bytes))
}

#[tokio::test]
async fn a_snapshot_is_of_one_moment_and_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = CustodianDb::open(folder.path().join("custodian.db"))
        .await
        .unwrap();
    let (before, _) = deposited(&store).await;
    let path = folder.path().join("snapshot");
    store.snapshot(&path).await.unwrap();
    deposited(&store).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let snapshot = CustodianDb::open(&path).await.unwrap();
    assert_eq!(snapshot.subjects(None, 9).await.unwrap(), [before]);
    assert_eq!(store.subjects(None, 9).await.unwrap().len(), 2);
    let all = store.subjects(None, 9).await.unwrap();
    assert_eq!(store.subjects(all.first(), 9).await.unwrap(), all[1..]);
    assert!(store.snapshot(&path).await.is_err(), "never over another file");
}

#[tokio::test]
async fn what_is_erased_or_freed_is_noted_first_and_what_stays_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let noted = Arc::new(Noted::default());
    let store = CustodianDb::open(folder.path().join("custodian.db"))
        .await
        .unwrap();
    let store = store.noting(Arc::<Noted>::clone(&noted));
    let [erased, freed, stays] = [
        deposited(&store).await.0,
        deposited(&store).await.0,
        deposited(&store).await.0,
    ];
    for subject in [&erased, &stays] {
        assert!(store.confirm(subject).await.unwrap());
    }
    store.erase(&erased).await.unwrap();
    for subject in [&freed, &stays] {
        store.free(subject).await.unwrap();
    }
    assert_eq!(*noted.subjects.lock().unwrap(), [erased, freed]);
    assert_eq!(store.subjects(None, 9).await.unwrap(), [stays]);
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_erased() {
    let folder = tempfile::tempdir().unwrap();
    let store = CustodianDb::open(folder.path().join("custodian.db"))
        .await
        .unwrap();
    let failing = Noted {
        fails: true,
        ..Noted::default()
    };
    let store = store.noting(Arc::new(failing));
    let (subject, _) = deposited(&store).await;
    assert!(store.erase(&subject).await.is_err());
    assert!(store.free(&subject).await.is_err());
    assert_eq!(store.subjects(None, 9).await.unwrap(), [subject]);
}

/// T7: a lost device does not come back with a backup.
#[tokio::test]
async fn a_device_is_noted_before_it_is_unbound_once() {
    let folder = tempfile::tempdir().unwrap();
    let plain = CustodianDb::open(folder.path().join("custodian.db"))
        .await
        .unwrap();
    let (subject, _) = deposited(&plain).await;
    let [first] = &plain.bound_devices("", 9).await.unwrap()[..] else {
        panic!("one device")
    };
    assert_eq!((first.subject, first.key), (subject, [4; 65]));
    assert_eq!(plain.bound_devices(&first.jkt, 9).await.unwrap(), []);
    let failing = plain.clone().noting(Arc::new(Noted {
        fails: true,
        ..Noted::default()
    }));
    assert!(failing.unbind(&subject, &first.jkt, &first.key).await.is_err());
    assert_eq!(plain.bound_devices("", 9).await.unwrap().len(), 1);
    let noted = Arc::new(Noted::default());
    let store = plain.noting(Arc::<Noted>::clone(&noted));
    for _ in 0..2 {
        store.unbind(&subject, &first.jkt, &first.key).await.unwrap();
    }
    assert_eq!(*noted.devices.lock().unwrap(), [(subject, first.jkt.clone())]);
    assert_eq!(store.bound_devices("", 9).await.unwrap(), []);
}

#[tokio::test]
async fn how_many_custodians_there_are_is_chosen_before_the_first_record() {
    let folder = tempfile::tempdir().unwrap();
    let vault = VaultDb::open(folder.path().join("vault.db")).await.unwrap();
    for count in [1, 3, 1] {
        assert_eq!(
            vault.settle_custodians(count).await.unwrap(),
            count,
            "no record yet"
        );
    }
    let subject = SubjectId::random(&SystemRng);
    assert!(vault.reserve(&[1; 32], &subject, NOW).await.unwrap());
    let device = BoundDevice {
        subject,
        key: [4; 65],
        release_from: UnixTime(0),
        number_commitment: None,
    };
    assert!(VaultStore::deposit(&vault, &device, "jkt", &[]).await.unwrap());
    assert_eq!(vault.settle_custodians(3).await.unwrap(), 1);
    assert_eq!(vault.settle_custodians(1).await.unwrap(), 1);
}

#[tokio::test]
async fn an_old_seal_is_in_no_file_after_the_new_one_took_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let store = CustodianDb::open(folder.path().join("custodian.db"))
        .await
        .unwrap();
    let (subject, old) = deposited(&store).await;
    assert!(store.confirm(&subject).await.unwrap());
    assert!(is_in(folder.path(), &old));
    let [key] = store.seal_keys().await.unwrap()[..] else {
        panic!("one key")
    };
    let read = store.next_sealed_to(&key, None, 9).await.unwrap().remove(0);
    let new = random::<112>(&SystemRng).to_vec();
    let anew = ResealedShare {
        old: read,
        new: new.clone(),
    };
    assert_eq!(store.reseal(&[anew]).await.unwrap(), 1);
    assert!(is_in(folder.path(), &new) && !is_in(folder.path(), &old));
}
