//! The vault is hostile, or robbed: its keys, its store, and whatever the custodian can be talked into.

use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{Keystore, role};
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::warrant::{Shares, Warrant};
use cyberid_record::{Place, Share, Side, open_field, open_share, receive, seal_field};
use cyberid_storage::key_holder::KeyHolderStore as _;
use cyberid_storage::vault::{VaultField, VaultStore as _};
use cyberid_storage_sqlite::VaultDb;
use journeys::{Part, SplitPlatform};

use crate::operator::{Operator, keystore};
use crate::warrants::{Scene, show};

/// What is in a vault.
struct Inside {
    keys: Keystore,
    place: [Place; 2],
    fields: [VaultField; 2],
}

impl Inside {
    /// Stops the vault and looks at the citizen's name and birth date.
    async fn of(split: &mut SplitPlatform, jkt: &str) -> Self {
        split.stop(Part::Vault).await;
        let store = VaultDb::open(split.data(Part::Vault).join("vault.db"))
            .await
            .unwrap();
        let subject = store.device(jkt).await.unwrap().unwrap().subject;
        let asked = [Field::Name, Field::BirthDate];
        let fields = store.fields(&subject, &asked).await.unwrap();
        store.close().await;
        Self {
            keys: keystore(split, Part::Vault),
            place: asked.map(|field| Place { subject, field }),
            fields: fields.try_into().unwrap(),
        }
    }

    /// The vault's own share of a field.
    fn own(&self, field: usize) -> Share {
        let key = self.keys.opener::<role::Vault>().unwrap().current();
        open_share(Side::Vault, &*key, &self.place[field], &self.fields[field].share).unwrap()
    }

    /// A share that was drawn and not given.
    fn guess(&self, field: usize) -> Share {
        let key = self.keys.opener::<role::Vault>().unwrap().current();
        let (ours, place) = (key.public_key(), &self.place[field]);
        let sealed = seal_field(place, &Personal::new("guess".into()), &ours, &ours, &SystemRng).unwrap();
        open_share(Side::Custodian, &*key, place, &sealed.custodian_share).unwrap()
    }

    /// What the custodian handed over for this warrant, where it is said to belong.
    fn handed(&self, yielded: &Shares, warrant: &Warrant, field: usize) -> Option<Share> {
        let key = self.keys.opener::<role::Vault>().unwrap().current();
        let sealed = cyberid_crypto::base64url::decode(&yielded.shares[0].share).unwrap();
        let leaf = cyberid_crypto::digest::sha256_base64url(warrant.leaf.as_bytes());
        receive(&*key, &leaf, &self.place[field], &sealed).ok()
    }

    fn open(&self, field: usize, ours: &Share, theirs: &Share) -> Option<String> {
        let opened = open_field(
            journeys::suite(),
            &self.place[field],
            ours,
            theirs,
            &self.fields[field].ciphertext,
        )
        .ok()?;
        Some(opened.expose().to_owned())
    }
}

#[tokio::test]
async fn a_vault_opens_nothing_alone() {
    let mut scene = Scene::set(0).await;
    let jkt = scene.citizen.key.public_key().thumbprint();
    let inside = Inside::of(&mut scene.split, &jkt).await;
    for field in [0, 1] {
        let ours = inside.own(field);
        for theirs in [inside.own(field), inside.guess(field), inside.own(1 - field)] {
            assert_eq!(inside.open(field, &ours, &theirs), None);
            assert_eq!(inside.open(field, &theirs, &ours), None);
        }
    }
}

#[tokio::test]
async fn the_custodian_gives_a_vault_no_more_than_was_agreed() {
    let mut scene = Scene::set(1).await;
    let jkt = scene.citizen.key.public_key().thumbprint();
    let operator = Operator::in_place_of(&mut scene.split).await;
    let inside = Inside::of(&mut scene.split, &jkt).await;
    let case = operator
        .case(&scene.granted[0].pending.id, scene.rp_public())
        .await;

    let wide = case.with_leaf(|leaf: &mut Leaf| leaf.fields = Some(vec![Field::Name, Field::BirthDate]));
    let forged = operator.warrant(&wide).await;
    show(&scene.split, Part::Custodian, &forged)
        .await
        .assert_refused("leaf_differs", "a wider leaf");

    let genuine = operator.warrant(&case).await;
    let yielded = show(&scene.split, Part::Custodian, &genuine).await.shares();
    let fields: Vec<Field> = yielded.shares.iter().map(|share| share.field).collect();
    assert_eq!(fields, [Field::Name], "the birth date was not agreed to");
    let theirs = inside.handed(&yielded, &genuine, 0).unwrap();
    let name = &scene.citizen.person.document.name;
    assert_eq!(
        inside.open(0, &inside.own(0), &theirs).as_ref(),
        Some(name),
        "what was agreed opens"
    );
    assert_eq!(inside.open(1, &inside.own(1), &theirs), None);
    assert!(
        inside.handed(&yielded, &genuine, 1).is_none(),
        "a share belongs to its field"
    );
    assert!(
        inside.handed(&yielded, &forged, 0).is_none(),
        "and to its warrant"
    );
}
