//! The custodian is hostile, or robbed: its key, its store, and what it can tell the vault.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::routing::post;
use axum::{Json, Router};
use cyberid_crypto::{PublicKey, base64url, digest};
use cyberid_domain::field::Field;
use cyberid_keystore::role;
use cyberid_protocol::warrant::{Shares, YieldedShare};
use cyberid_record::{Place, Share, Side, hand_over, open_field, open_share};
use cyberid_storage::custodian::CustodianStore as _;
use cyberid_storage::key_holder::KeyHolderStore as _;
use cyberid_storage::vault::VaultStore as _;
use cyberid_storage_sqlite::{CustodianDb, VaultDb};
use journeys::{Part, SplitPlatform, identity_in};
use serde_json::{Value, json};

use crate::operator::{Operator, keystore};
use crate::thief::files;
use crate::warrants::{Scene, show};

/// What is in a custodian.
struct Inside {
    place: [Place; 2],
    shares: [Share; 2],
}

impl Inside {
    /// Stops the custodian and opens its shares of the citizen's name and birth date.
    async fn of(split: &mut SplitPlatform, jkt: &str) -> Self {
        split.stop(Part::Custodian).await;
        let path = split.data(Part::Custodian).join("custodian.db");
        let store = CustodianDb::open(path).await.unwrap();
        let subject = store.device(jkt).await.unwrap().unwrap().subject;
        let asked = [Field::Name, Field::BirthDate];
        let kept = store.shares(&subject, &asked).await.unwrap();
        store.close().await;
        let key = keystore(split, Part::Custodian)
            .opener::<role::Custodian>()
            .unwrap()
            .current();
        let place = asked.map(|field| Place { subject, field });
        let shares = [0, 1].map(|index: usize| {
            open_share(Side::Custodian, &*key, &place[index], &kept[index].share).unwrap()
        });
        Self { place, shares }
    }

    /// The share of a field, sealed for the warrant of this leaf.
    fn sealed(&self, field: usize, vault: &PublicKey, leaf: &str) -> String {
        let leaf = digest::sha256_base64url(leaf.as_bytes());
        base64url::encode(&hand_over(&self.shares[field], vault, &leaf, &self.place[field]).unwrap())
    }
}

#[tokio::test]
async fn a_custodian_has_nothing_that_its_shares_open() {
    let mut scene = Scene::set(0).await;
    let jkt = scene.citizen.key.public_key().thumbprint();
    let inside = Inside::of(&mut scene.split, &jkt).await;
    scene.split.stop(Part::Vault).await;
    let vault = VaultDb::open(scene.split.data(Part::Vault).join("vault.db"))
        .await
        .unwrap();
    let kept = vault.fields(&inside.place[0].subject, &Field::ALL).await.unwrap();
    assert_eq!(kept.len(), Field::ALL.len());
    for (path, bytes) in files(&scene.split.data(Part::Custodian)) {
        for field in &kept {
            let held = bytes.windows(16).any(|window| window == &field.ciphertext[..16]);
            assert!(!held, "a ciphertext in {}", path.display());
        }
    }
    // Not even with the vault's ciphertexts.
    for (index, place) in inside.place.iter().enumerate() {
        for theirs in &inside.shares {
            let opened = open_field(
                journeys::suite(),
                place,
                &inside.shares[index],
                theirs,
                &kept_of(&kept, place.field),
            );
            assert!(opened.is_err());
        }
    }
}

fn kept_of(kept: &[cyberid_storage::vault::VaultField], field: Field) -> Vec<u8> {
    let found = kept.iter().find(|kept| kept.field == field);
    found.unwrap().ciphertext.clone()
}

#[tokio::test]
async fn a_vault_takes_no_share_of_another_warrant_or_field() {
    let mut scene = Scene::set(1).await;
    let jkt = scene.citizen.key.public_key().thumbprint();
    let operator = Operator::in_place_of(&mut scene.split).await;
    let inside = Inside::of(&mut scene.split, &jkt).await;
    let case = operator
        .case(&scene.granted[0].pending.id, scene.rp_public())
        .await;
    let warrant = operator.warrant(&case).await;
    let says = Arc::new(Mutex::new(Value::Null));
    let address = scene.split.address(Part::Custodian);
    let impostor = tokio::spawn(impostor(address, Arc::clone(&says)));
    let vault = vault_key(&scene.split);

    let share = |field, leaf: &str| inside.sealed(field, &vault, leaf);
    let yielded = |field, share| YieldedShare { field, share };
    let another = case
        .with_leaf(|leaf| leaf.time = leaf.time.plus(1))
        .leaf
        .to_text()
        .unwrap();
    let honest = || yielded(Field::Name, share(0, &warrant.leaf));
    for (what, shares) in [
        (
            "a share of another warrant",
            vec![yielded(Field::Name, share(0, &another))],
        ),
        (
            "a share of another field",
            vec![yielded(Field::Name, share(1, &warrant.leaf))],
        ),
        (
            "another field",
            vec![yielded(Field::BirthDate, share(1, &warrant.leaf))],
        ),
        (
            "one field more",
            vec![honest(), yielded(Field::BirthDate, share(1, &warrant.leaf))],
        ),
        ("no share", vec![]),
        (
            "no seal",
            vec![yielded(Field::Name, base64url::encode(&[7; 112]))],
        ),
    ] {
        *says.lock().unwrap() = json!(Shares { shares });
        let answer = show(&scene.split, Part::Vault, &warrant).await;
        assert!(answer.status >= 500, "{what}: {answer:?}");
        answer.assert_silent(what);
    }
    *says.lock().unwrap() = json!(Shares {
        shares: vec![honest()]
    });
    let opened = show(&scene.split, Part::Vault, &warrant).await.opened();
    let identity = identity_in(&opened.identity, &scene.rp_key);
    let name = &scene.citizen.person.document.name;
    assert_eq!(identity["identity"], json!({ "name": name }));
    impostor.abort();
}

/// The key that shares are handed over to, as its keystore lists it.
fn vault_key(split: &SplitPlatform) -> PublicKey {
    let keys = split.keys(Part::Vault);
    let key = keys.iter().find(|key| key["role"] == "vault").unwrap();
    serde_json::from_value(key["public"].clone()).unwrap()
}

/// Answers in the custodian's place with whatever it is told to say.
async fn impostor(address: SocketAddr, says: Arc<Mutex<Value>>) {
    let answer = move || {
        let said = says.lock().unwrap().clone();
        async move { Json(said) }
    };
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = Router::new().route("/v1/shares", post(answer));
    axum::serve(listener, router).await.unwrap();
}
