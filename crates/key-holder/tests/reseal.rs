//! Sealing anew after a rotation: whole, resumable, and nothing is lost on the way.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cyberid_crypto::{AgreementKey, Sign as _, base64url};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_key_holder::testing::{MemoryCustodian, Person};
use cyberid_key_holder::{Resealed, reseal};
use cyberid_keystore::{KdfCost, Keystore, Opener, RoleName, State, role};
use cyberid_record::{Place, Side, open_share};
use cyberid_storage::custodian::{CustodianShare, CustodianStore as _};
use cyberid_storage::key_holder::{BoundDevice, KeyHolderStore as _};
use cyberid_storage::seals::ShareSeals as _;

struct Tested {
    keys: Keystore,
    store: MemoryCustodian,
    people: Vec<Person>,
    _folder: tempfile::TempDir,
}

impl Tested {
    /// A custodian with this many people's confirmed shares.
    async fn with(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let passphrase = SecretBytes::from(b"passphrase".to_vec());
        let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let keys = Keystore::create(folder.path(), &passphrase, KdfCost::INSECURE, clock, rng).unwrap();
        keys.ensure(&[RoleName::Custodian]).unwrap();
        let mut tested = Self {
            keys,
            store: MemoryCustodian::default(),
            people: Vec::new(),
            _folder: folder,
        };
        for _ in 0..people {
            let person = Person::new("王小明", "11010519491231002X");
            tested.deposit(&person).await;
            assert!(tested.store.confirm(&person.subject).await.unwrap());
            tested.people.push(person);
        }
        tested
    }

    fn opener(&self) -> Opener<role::Custodian> {
        self.keys.opener().unwrap()
    }

    async fn deposit(&self, person: &Person) {
        let vault = AgreementKey::ephemeral().unwrap();
        let sealed = person.sealed(
            &cyberid_crypto::Agree::public_key(&vault),
            &self.opener().public_key(),
        );
        let shares = sealed.into_iter().map(|(field, sealed)| CustodianShare {
            field,
            share: sealed.custodian_share,
        });
        let shares: Vec<_> = shares.collect();
        let key = person.device.public_key();
        let device = BoundDevice {
            subject: person.subject,
            key: *key.as_sec1(),
            release_from: UnixTime(0),
            number_commitment: base64url::decode_array(&person.number_commitment()),
        };
        let kept = self
            .store
            .deposit(&device, &key.thumbprint(), &shares, UnixTime(0))
            .await;
        assert!(kept.unwrap());
    }

    async fn reseal(&self) -> Resealed {
        reseal(Side::Custodian, &self.opener(), &self.store, &|| false)
            .await
            .unwrap()
    }

    /// How many shares open under the keys that are here.
    async fn opening(&self) -> usize {
        let mut opening = 0;
        for person in &self.people {
            for kept in self.store.shares(&person.subject, &Field::ALL).await.unwrap() {
                let place = Place {
                    subject: person.subject,
                    field: kept.field,
                };
                let kid = cyberid_record::sealed_to(&kept.share).unwrap();
                let key = self.opener().find(&kid);
                let open = |key: Arc<dyn cyberid_crypto::Agree>| {
                    open_share(Side::Custodian, &*key, &place, &kept.share).ok()
                };
                opening += usize::from(key.and_then(open).is_some());
            }
        }
        opening
    }

    fn retained(&self) -> Vec<String> {
        let keys = self.keys.list().into_iter();
        let keys = keys.filter(|key| key.state == State::Retained);
        keys.map(|key| key.id).collect()
    }
}

const SHARES: usize = Field::ALL.len();

#[tokio::test]
async fn after_a_rotation_every_share_goes_to_the_new_key_and_the_old_one_can_go() {
    let tested = Tested::with(30).await;
    assert_eq!(tested.reseal().await, Resealed::default(), "nothing to do");
    tested.keys.rotate(RoleName::Custodian).unwrap();
    assert_eq!(
        tested.opening().await,
        30 * SHARES,
        "the old key still opens what is its own"
    );
    let done = u64::try_from(30 * SHARES).unwrap();
    let all = Resealed {
        done,
        left: 0,
        stuck: 0,
    };
    assert_eq!(tested.reseal().await, all);
    assert_eq!(tested.reseal().await, Resealed::default(), "again");
    for old in tested.retained() {
        tested.keys.destroy(&old).unwrap();
    }
    assert_eq!(
        tested.opening().await,
        30 * SHARES,
        "with the old private half destroyed"
    );
}

#[tokio::test]
async fn what_was_stopped_goes_on_where_it_stopped_even_over_two_rotations() {
    let tested = Tested::with(30).await;
    tested.keys.rotate(RoleName::Custodian).unwrap();
    let asked = AtomicU32::new(0);
    let after_two = || asked.fetch_add(1, Ordering::SeqCst) >= 2;
    let opener = tested.opener();
    let stopped = reseal(Side::Custodian, &opener, &tested.store, &after_two).await;
    let stopped = stopped.unwrap();
    assert!(stopped.done > 0 && stopped.left > 0, "{stopped:?}");
    assert_eq!(tested.opening().await, 30 * SHARES, "half-way everything opens");
    assert_eq!(tested.store.seal_keys().await.unwrap().len(), 2);
    tested.keys.rotate(RoleName::Custodian).unwrap();
    let on = tested.reseal().await;
    assert_eq!((on.done, on.left), (u64::try_from(30 * SHARES).unwrap(), 0));
    assert_eq!(tested.store.seal_keys().await.unwrap().len(), 1);
    assert_eq!(tested.opening().await, 30 * SHARES);
}

#[tokio::test]
async fn an_enrolment_under_way_is_left_until_it_is_confirmed() {
    let mut tested = Tested::with(1).await;
    let person = Person::new("李雷", "440524188001010014");
    tested.deposit(&person).await;
    tested.keys.rotate(RoleName::Custodian).unwrap();
    let all = u64::try_from(SHARES).unwrap();
    assert_eq!(tested.reseal().await.left, all, "counted, and not done");
    assert!(tested.store.confirm(&person.subject).await.unwrap());
    tested.people.push(person);
    assert_eq!(tested.reseal().await.left, 0);
    assert_eq!(tested.opening().await, 2 * SHARES);
}

#[tokio::test]
async fn what_does_not_open_is_counted_and_does_not_stop_the_others() {
    let tested = Tested::with(20).await;
    let first = tested.keys.list().remove(0).id;
    let lost = tested.people.first().unwrap().subject;
    // Another record's share in this one's place.
    let other = tested.people.last().unwrap().subject;
    let stray = tested.store.shares(&other, &[Field::Name]).await.unwrap();
    let here = tested.store.shares(&lost, &[Field::Name]).await.unwrap();
    let moved = cyberid_storage::seals::ResealedShare {
        old: cyberid_storage::seals::SealedShare {
            row: cyberid_storage::seals::ShareRow {
                subject: lost,
                field: Field::Name,
            },
            share: here.first().unwrap().share.clone(),
        },
        new: stray.first().unwrap().share.clone(),
    };
    assert_eq!(tested.store.reseal(&[moved]).await.unwrap(), 1);
    tested.keys.rotate(RoleName::Custodian).unwrap();
    let all = u64::try_from(20 * SHARES).unwrap();
    let done = Resealed {
        done: all - 1,
        left: 1,
        stuck: 1,
    };
    assert_eq!(tested.reseal().await, done);
    // Once the key is gone, what is sealed to it is stuck for ever.
    tested.keys.destroy(&first).unwrap();
    let stuck = Resealed {
        done: 0,
        left: 1,
        stuck: 1,
    };
    assert_eq!(tested.reseal().await, stuck);
}
