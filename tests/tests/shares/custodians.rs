//! One custodian on a host of its own, or three of whom any two are enough.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Json, Router};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::{Keystore, role};
use cyberid_protocol::problem::ProblemType;
use cyberid_record::{Place, Share, Side, combine, open_field, open_share};
use cyberid_storage::custodian::CustodianStore as _;
use cyberid_storage::key_holder::KeyHolderStore as _;
use cyberid_storage::vault::VaultStore as _;
use cyberid_storage_sqlite::{CustodianDb, VaultDb};
use journeys::{Granted, Part, SplitPlatform};
use serde_json::json;

use crate::{openssl, refused, releases_name};

#[tokio::test]
async fn with_three_custodians_one_may_be_away_and_two_may_not() {
    let mut split = SplitPlatform::start_with_three_custodians().await;
    let (citizen, party) = {
        let platform = split.platform();
        (platform.citizen(0).await, platform.relying_party().await)
    };
    for away in Part::CUSTODIANS {
        split.stop(away).await;
        assert!(releases_name(&citizen, &party).await, "without {away:?}");
        // It comes back with an older checkpoint than the others remember.
        split.restart(away).await;
    }
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    split.stop(Part::Custodian).await;
    split.stop(Part::ThirdCustodian).await;
    assert_eq!(refused(&party, &granted).await, Some(ProblemType::Unavailable));
    split.restart(Part::ThirdCustodian).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    let name = released.field(Field::Name).unwrap();
    assert_eq!(name.expose(), citizen.person.document.name, "nothing was lost");
}

/// What was enrolled among three would never open with one of them.
#[tokio::test]
async fn another_number_of_custodians_is_refused_at_the_start() {
    let mut split = SplitPlatform::start_with_three_custodians().await;
    let citizen = split.platform().citizen(0).await;
    for part in [Part::Platform, Part::Vault] {
        split.stop(part).await;
        let file = split.config_file(part);
        let several = fs::read_to_string(&file).unwrap();
        let tables: Vec<&str> = several.split("[[custodians]]").collect();
        // What follows the last of the three tables stays.
        let (_, rest) = tables[3].split_once("\n[").unwrap();
        let one = format!("{}[custodian]{}\n[{rest}", tables[0], tables[1]);
        fs::write(&file, one).unwrap();
        assert!(!split.try_restart(part).await, "{part:?}");
        let log = split.log(part);
        assert!(log.contains("enrolled with another number of them"), "{log}");
        fs::write(&file, several).unwrap();
    }
    for part in [Part::Vault, Part::Platform] {
        split.restart(part).await;
    }
    let party = split.platform().relying_party().await;
    assert!(releases_name(&citizen, &party).await);
}

/// In a custodian's place: it answers, and what it yields opens nothing.
fn liar(address: SocketAddr) -> tokio::task::JoinHandle<()> {
    let checkpoint = async || Json(json!({ "size": 0 }));
    let shares = async || {
        let junk = cyberid_crypto::base64url::encode(&[7; 177]);
        Json(json!({ "shares": [{ "field": "name", "share": junk }] }))
    };
    let router = Router::new()
        .route("/v1/checkpoint", get(checkpoint))
        .route("/v1/shares", post(shares));
    tokio::spawn(async move {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        axum::serve(listener, router).await.unwrap();
    })
}

#[tokio::test]
async fn one_of_three_custodians_may_lie_and_two_may_not() {
    let mut split = SplitPlatform::start_with_three_custodians().await;
    let (citizen, party) = {
        let platform = split.platform();
        (platform.citizen(0).await, platform.relying_party().await)
    };
    split.kill(Part::SecondCustodian).await;
    let first = liar(split.address(Part::SecondCustodian));
    for _ in 0..3 {
        assert!(releases_name(&citizen, &party).await);
    }
    split.kill(Part::Custodian).await;
    let second = liar(split.address(Part::Custodian));
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    assert!(party.redeem(&granted.pending).await.is_err());
    second.abort();
    assert!(second.await.is_err());
    split.restart(Part::Custodian).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    let name = released.field(Field::Name).unwrap();
    assert_eq!(name.expose(), citizen.person.document.name, "nothing was lost");
    first.abort();
}

/// The share of the citizen's name that is in a key holder, opened with its own key.
async fn inside(split: &SplitPlatform, part: Part, jkt: &str) -> (Place, Share) {
    let store = CustodianDb::open(split.data(part).join("custodian.db"))
        .await
        .unwrap();
    let subject = store.device(jkt).await.unwrap().unwrap().subject;
    let kept = store.shares(&subject, &[Field::Name]).await.unwrap().remove(0);
    store.close().await;
    let place = Place {
        subject,
        field: Field::Name,
    };
    let key = keystore(split, part)
        .opener::<role::Custodian>()
        .unwrap()
        .current();
    let share = open_share(Side::Custodian, &*key, &place, &kept.share).unwrap();
    (place, share)
}

fn keystore(split: &SplitPlatform, part: Part) -> Keystore {
    let folder = split.data(part).join("keys");
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Keystore::open(&folder, &split.passphrase(part), clock, rng).unwrap()
}

#[tokio::test]
async fn one_of_three_custodians_opens_nothing_even_with_the_vault() {
    let mut split = SplitPlatform::start_with_three_custodians().await;
    let citizen = split.platform().citizen(0).await;
    let jkt = citizen.holder.public_key().thumbprint();
    for part in Part::CUSTODIANS.into_iter().chain([Part::Vault]) {
        split.stop(part).await;
    }
    let (place, first) = inside(&split, Part::Custodian, &jkt).await;
    let (_, second) = inside(&split, Part::SecondCustodian, &jkt).await;
    let store = VaultDb::open(split.data(Part::Vault).join("vault.db"))
        .await
        .unwrap();
    let kept = store
        .fields(&place.subject, &[Field::Name])
        .await
        .unwrap()
        .remove(0);
    store.close().await;
    let key = keystore(&split, Part::Vault)
        .opener::<role::Vault>()
        .unwrap()
        .current();
    let ours = open_share(Side::Vault, &*key, &place, &kept.share).unwrap();
    let suite = journeys::suite();
    for one in [&first, &second] {
        assert!(open_field(suite, &place, &ours, one, &kept.ciphertext).is_err());
        assert!(combine(one, one).is_err());
    }
    let theirs = combine(&first, &second).unwrap();
    let name = open_field(suite, &place, &ours, &theirs, &kept.ciphertext).unwrap();
    assert_eq!(name.expose(), citizen.person.document.name, "two of them do");
    // Each has its own key, and no other's.
    let keys = Part::CUSTODIANS.map(|part| {
        let opener = keystore(&split, part).opener::<role::Custodian>().unwrap();
        opener.current().public_key().thumbprint()
    });
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[tokio::test]
async fn three_custodians_all_forget_who_cancels() {
    let mut split = SplitPlatform::start_with_three_custodians().await;
    let citizen = split.platform().citizen(0).await;
    let jkt = citizen.holder.public_key().thumbprint();
    citizen.holder.cancel().await.unwrap();
    for part in Part::CUSTODIANS {
        split.stop(part).await;
        let bytes = fs::read(split.data(part).join("custodian.db")).unwrap();
        assert!(!bytes.windows(jkt.len()).any(|window| window == jkt.as_bytes()));
    }
}

/// A custodian of another body: on another host, behind its own certificate, for nobody but those it has given one.
#[tokio::test]
async fn a_custodian_answers_over_mutual_tls_only() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        at,
        &format!("req -x509 {key} -subj /CN=ca -keyout ca.key -out ca.pem"),
    );
    for name in ["server", "client"] {
        openssl(
            at,
            &format!("req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
        );
        openssl(
            at,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out {name}.pem"
            ),
        );
    }
    let split = SplitPlatform::start_over_mutual_tls(at).await;
    let platform = split.platform();
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    assert!(releases_name(&citizen, &party).await);
    let url = split.url(Part::Custodian);
    let tls = |shown: bool| cyberid_client::Tls {
        authority: Some(fs::read(at.join("ca.pem")).unwrap()),
        identity: shown.then(|| {
            let [certificate, key] =
                ["client.pem", "client.key"].map(|file| fs::read(at.join(file)).unwrap());
            (certificate, key.into())
        }),
    };
    for (shown, answered) in [(true, true), (false, false)] {
        let limits = cyberid_client::Limits::default();
        let client = cyberid_client::Client::over_tls(&url, limits, &tls(shown)).unwrap();
        assert_eq!(client.get_bytes("/healthz").await.is_ok(), answered);
    }
}
