//! Relying parties come to be.

use std::sync::atomic::Ordering;

use cyberid_crypto::{Agree as _, AgreementKey};
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_keystore::role::Registration as RegistrationRole;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::message::open;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{MAX_LIFE, Registered, RegistrationCertificate};
use cyberid_storage::promise::Promises as _;
use serde_json::{Value, json};

use crate::platform::{Platform, START, new_key, registration};

#[tokio::test]
async fn a_second_operator_approves_and_each_use_is_certified() {
    let platform = Platform::start().await;
    let [alice, bob] = &platform.operators;
    let applied = platform
        .post("/v1/relying-parties", alice, registration(&new_key()))
        .await;
    let id = applied.expect::<Registered>(201).client_id;
    assert_eq!(applied.headers["location"], format!("/v1/relying-parties/{id}"));

    let refused = platform.act(alice, &id, "approve").await;
    assert_eq!(refused.problem(), ProblemType::TwoPersonsRequired);
    let path = format!("/v1/relying-parties/{id}");
    let unchanged: Registered = platform.get(&path, bob).await.expect(200);
    assert_eq!(unchanged.status, RegistrationStatus::Applied);
    let name = unchanged.registration.map(|registration| registration.name);
    assert_eq!(
        name.as_deref(),
        Some("Example Bank"),
        "what is to be approved is shown"
    );

    let approved: Registered = platform.act(bob, &id, "approve").await.expect(200);
    assert_eq!(approved.status, RegistrationStatus::Approved);
    assert_eq!(approved.expires_at, Some(START.plus(MAX_LIFE)));
    let key = platform.keys.signer::<RegistrationRole>().unwrap().public_key();
    let [first, second] = approved.registration_certificates.as_slice() else {
        panic!("one certificate for each use");
    };
    let first: RegistrationCertificate = open(first, &key).unwrap();
    let second: RegistrationCertificate = open(second, &key).unwrap();
    assert_eq!((&first.sub, first.exp.since(first.iat)), (&id, MAX_LIFE));
    assert_ne!(first.intended_use.purpose, second.intended_use.purpose);
}

#[tokio::test]
async fn an_approval_is_answered_only_with_its_leaf_in_the_log_and_can_be_asked_again() {
    let platform = Platform::start().await;
    let [alice, bob] = &platform.operators;
    let applied = platform
        .post("/v1/relying-parties", alice, registration(&new_key()))
        .await;
    let id = applied.expect::<Registered>(201).client_id;

    platform.logging.store(false, Ordering::SeqCst);
    let unplaced = platform.act(bob, &id, "approve").await;
    assert_eq!(unplaced.problem(), ProblemType::Unavailable);
    assert!(unplaced.headers.contains_key("retry-after"));
    let leaves = platform.db.outstanding(10).await.unwrap();
    let [promised] = leaves.as_slice() else {
        panic!("one leaf is promised: {leaves:?}");
    };
    let leaf = Leaf::from_text(&promised.body).unwrap();
    assert_eq!(
        (leaf.kind, leaf.rp.as_ref(), leaf.time),
        (LeafKind::RpRegistered, Some(&id), START)
    );
    assert!(leaf.registration_sha256.is_some());

    platform.logging.store(true, Ordering::SeqCst);
    let first: Registered = platform.act(bob, &id, "approve").await.expect(200);
    let again: Registered = platform.act(bob, &id, "approve").await.expect(200);
    assert_eq!(first, again);
    assert!(platform.db.outstanding(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_operators_register_and_only_the_party_itself_reads_beside_them() {
    let platform = Platform::start().await;
    let (one, other) = (platform.relying_party().await, platform.relying_party().await);
    let answer = platform
        .post("/v1/relying-parties", &one, registration(&new_key()))
        .await;
    assert_eq!(answer.problem(), ProblemType::Forbidden);
    let answer = platform
        .post(
            "/v1/relying-parties",
            &platform.regulator,
            registration(&new_key()),
        )
        .await;
    assert_eq!(answer.problem(), ProblemType::Forbidden);
    for what in ["approve", "suspend"] {
        assert_eq!(
            platform.act(&one, &one.id, what).await.problem(),
            ProblemType::Forbidden
        );
    }
    let path = format!("/v1/relying-parties/{}", one.id);
    assert_eq!(
        platform
            .get(&path, &one)
            .await
            .expect::<Registered>(200)
            .client_id,
        one.id
    );
    assert_eq!(platform.get(&path, &other).await.problem(), ProblemType::NotFound);
}

/// Every rule, broken alone.
#[tokio::test]
async fn a_registration_that_breaks_a_rule_is_refused_and_the_member_named() {
    let platform = Platform::start().await;
    let good = registration(&new_key());
    let twice = |pointer: &str| {
        let list = good.pointer(pointer).unwrap().as_array().unwrap();
        json!([list.as_slice(), list].concat())
    };
    let breaks = [
        ("/name", json!(""), "/name"),
        ("/name", json!("a\u{0}b"), "/name"),
        ("/name", json!("a".repeat(101)), "/name"),
        ("/domains", json!([]), "/domains"),
        ("/domains", twice("/domains"), "/domains"),
        ("/domains/1", json!("10.0.0.1"), "/domains/1"),
        ("/domains/1", json!("https://bank.example"), "/domains/1"),
        ("/contact", json!("  "), "/contact"),
        ("/deletion_contact", json!("a".repeat(301)), "/deletion_contact"),
        ("/intended_uses", json!([]), "/intended_uses"),
        ("/intended_uses", twice("/intended_uses"), "/intended_uses"),
        (
            "/intended_uses/1/purpose",
            json!("p".repeat(65)),
            "/intended_uses/1/purpose",
        ),
        ("/intended_uses/1/fields", json!([]), "/intended_uses/1"),
        (
            "/intended_uses/0/checks",
            json!(["real_person", "real_person"]),
            "/intended_uses/0/checks",
        ),
        (
            "/intended_uses/0/fields",
            json!(["name", "name"]),
            "/intended_uses/0/fields",
        ),
        (
            "/intended_uses/1/legal_basis",
            json!(""),
            "/intended_uses/1/legal_basis",
        ),
        (
            "/intended_uses/1/retention_days",
            json!(0),
            "/intended_uses/1/retention_days",
        ),
        (
            "/intended_uses/1/retention_days",
            json!(3651),
            "/intended_uses/1/retention_days",
        ),
        (
            "/intended_uses/1/notice_uri",
            json!("http://bank.example/"),
            "/intended_uses/1/notice_uri",
        ),
    ];
    for (pointer, value, member) in breaks {
        expect_broken(&platform, changed(&good, pointer, value), member).await;
    }
    let mut private = good.clone();
    private["events_uri"] = "https://192.168.1.1/events".into();
    expect_broken(&platform, private, "/events_uri").await;
    let answer = platform
        .post("/v1/relying-parties", &platform.operators[0], good)
        .await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn keys_say_what_they_are_for_and_one_is_to_encrypt_to() {
    let platform = Platform::start().await;
    let good = registration(&new_key());
    let key = |at: usize| good["jwks"]["keys"][at].clone();
    let with = |at: usize, member: &str, value: &str| changed(&key(at), &format!("/{member}"), json!(value));
    let breaks = [
        ("/jwks/keys", json!([key(0)]), "/jwks"),
        ("/jwks/keys", json!([key(1)]), "/jwks"),
        ("/jwks/keys/0", with(1, "use", "sig"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "alg", "HS256"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "kid", "mine"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "use", "any"), "/jwks/keys/0"),
        ("/jwks/keys/0", with(0, "x", "AAAA"), "/jwks/keys/0"),
        ("/jwks/keys/1", key(0), "/jwks/keys/1"),
    ];
    for (pointer, value, member) in breaks {
        expect_broken(&platform, changed(&good, pointer, value), member).await;
    }
    let mut two_to_encrypt = good.clone();
    let another = AgreementKey::ephemeral()
        .unwrap()
        .public_key()
        .to_published_jwk("enc", "ECDH-ES");
    two_to_encrypt["jwks"]["keys"]
        .as_array_mut()
        .unwrap()
        .push(json!(another));
    expect_broken(&platform, two_to_encrypt, "/jwks").await;
}

fn changed(good: &Value, pointer: &str, value: Value) -> Value {
    let mut body = good.clone();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}

async fn expect_broken(platform: &Platform, body: Value, member: &str) {
    let answer = platform
        .post("/v1/relying-parties", &platform.operators[0], body)
        .await;
    assert_eq!(answer.problem(), ProblemType::InvalidRegistration, "{member}");
    assert_eq!(answer.read::<Value>()["member"], member);
}

#[tokio::test]
async fn what_is_not_on_the_lists_is_no_registration() {
    let platform = Platform::start().await;
    for (pointer, value) in [
        ("/intended_uses/0/checks/0", json!("shoe_size")),
        ("/intended_uses/0/fields/0", json!("face")),
        ("/intended_uses/0/retention_days", json!("30")),
    ] {
        let mut body = registration(&new_key());
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = platform
            .post("/v1/relying-parties", &platform.operators[0], body)
            .await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest, "{pointer}");
    }
}
