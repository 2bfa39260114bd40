//! What a reader of the ledger can make of it (T17): with every likely name, number, key and pair in hand, nothing.

use std::collections::{BTreeMap, BTreeSet};

use cyberid_crypto::{base64url, digest};
use cyberid_domain::Clock as _;
use cyberid_protocol::leaf::{Leaf, subject_commitment};
use cyberid_storage::release::Releases as _;
use http::Method;
use serde_json::{Value, json};

use super::Platform;
use super::people::Person;

/// Why a member of a leaf reveals nothing of a person: every member there is has its place here.
const MEMBERS: &[(&str, &str)] = &[
    ("v", "the format's"),
    ("kind", "what happened, not to whom"),
    (
        "time",
        "when it happened: whoever saw it happen knows it, nobody learns who it was",
    ),
    ("request", "128 random bits of this release alone"),
    ("rp", "public, and the relying party's own"),
    (
        "subject_commitment",
        "HMAC under 256 random bits that are fresh for this release and kept elsewhere",
    ),
    (
        "fields",
        "of five, which; the registration says which may be asked",
    ),
    ("purpose", "registered and public"),
    ("legal_basis", "registered and public"),
    ("retention_days", "registered and public"),
    ("enc_jkt", "a public key of the relying party's"),
    (
        "consent_sha256",
        "of a text with 128 random bits of the device's (`jti`), the request's id and a signature",
    ),
    ("registration_sha256", "of what is public, and of nobody's"),
    ("previous", "of the leaf before, which is in the log"),
    ("role", "the platform's"),
    ("kid", "a public key of the platform's"),
    ("reason", "the platform's"),
    (
        "ended",
        "the last checkpoint of the log before this one, which was public",
    ),
    ("official", "128 random bits of this access alone"),
    ("authority", "public, and the authority's own"),
    ("order_sha256", "of a text with 128 random bits of the officer's"),
    (
        "life_reason",
        "of four, which; whose life it is, the salted commitment hides",
    ),
];

/// The members that a leaf may have, by the words of its reader.
fn members() -> BTreeSet<String> {
    let refused = serde_json::from_str::<Leaf>(r#"{"another":1}"#)
        .unwrap_err()
        .to_string();
    let (_, expected) = refused.split_once("expected one of").unwrap();
    expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_member_of_a_leaf_is_known_to_reveal_nothing() {
    let known: BTreeMap<_, _> = MEMBERS.iter().copied().collect();
    let members = members();
    assert!(
        members.len() >= 17 && members.contains("subject_commitment"),
        "{members:?}"
    );
    for member in members {
        assert!(
            known.contains_key(member.as_str()),
            "say why `{member}` reveals nothing, or leave it out"
        );
    }
}

/// Everything that a leaf says in a text.
fn texts(leaf: &str) -> Vec<String> {
    let leaf: serde_json::Map<String, Value> = serde_json::from_str(leaf).unwrap();
    let of = |value: &Value| value.as_str().map(str::to_owned);
    leaf.values().filter_map(of).collect()
}

/// What a guesser knows of many people, the right one among them.
fn guesses(platform: &Platform) -> Vec<String> {
    let mut guesses = Vec::new();
    for number in 0..1_000_u32 {
        guesses.push(format!("测试{number}"));
        guesses.push(format!("1101011990{number:04}1234"));
        // Alice's seed is among them, and none from which a relying party's key is made.
        if let seed @ (1..=20 | 23..=250) = u8::try_from(number).unwrap_or_default() {
            let person = Person::new(seed);
            guesses.extend([
                person.jkt(),
                platform.sub(&person),
                base64url::encode(person.subject.as_bytes()),
            ]);
            guesses.push(format!("{}{}", platform.rp, platform.sub(&person)));
            guesses.push(format!("{}|{}", platform.rp, person.jkt()));
        }
    }
    guesses.extend(["李明", "11010519491231002X", "Alice"].map(str::to_owned));
    guesses
}

/// What a guesser can compute of a guess, with keys that are public: none, what the platform's own derivations begin
/// with, and every text of the very leaf.
fn digests(guess: &str, public: &[String]) -> Vec<String> {
    let guess = guess.as_bytes();
    let mut keys: Vec<&[u8]> = vec![b"", b"cyberid/v1/subject", &[0; 32]];
    keys.extend(public.iter().map(String::as_bytes));
    let macs = keys.into_iter().flat_map(|key| {
        let parts: [&[&[u8]]; 2] = [&[guess], &[b"cyberid/v1/subject", guess]];
        parts.map(|parts| base64url::encode(&digest::hmac_parts(key, parts)))
    });
    let mut digests: Vec<_> = macs.collect();
    digests.push(digest::sha256_base64url(guess));
    digests.push(String::from_utf8_lossy(guess).into_owned());
    digests
}

#[tokio::test]
async fn no_guess_is_told_from_a_wrong_one_without_the_salt() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    platform.redeem(&id, None).await;
    platform.withdraw(&consent_id).await;
    let erased = json!({"erased_at": platform.clock.now().0});
    let path = format!("/v1/releases/{id}/erasure");
    platform
        .call(Method::POST, &path, &platform.as_rp(), Some(erased))
        .await;
    let leaves = platform.bodies().await;
    assert_eq!(leaves.len(), 7, "two registrations and a whole life");

    let guesses = guesses(&platform);
    let right = platform.alice.jkt();
    assert!(guesses.len() > 3_000 && guesses.contains(&right));
    let said: BTreeSet<String> = leaves.iter().flat_map(|leaf| texts(leaf)).collect();
    let public: Vec<String> = said.iter().cloned().collect();
    let found = |digests: Vec<String>| digests.into_iter().any(|digest| said.contains(&digest));
    let hits: Vec<_> = guesses
        .iter()
        .filter(|guess| found(digests(guess, &public)))
        .collect();
    assert!(hits.is_empty(), "told from the leaves alone: {hits:?}");

    // Whoever has the salt can tell, and only of the right one: the test would see a hit.
    let release = platform.registry.release(&id).await.unwrap().unwrap();
    let salt = release.grant.unwrap().salt;
    let told: Vec<_> = guesses
        .iter()
        .filter(|guess| said.contains(&subject_commitment(&salt, guess)))
        .collect();
    assert_eq!(told, [&right]);
}

#[tokio::test]
async fn two_consents_of_one_person_to_one_party_have_nothing_in_common_but_what_is_registered() {
    let platform = Platform::start().await;
    let mut said = Vec::new();
    for _ in 0..2 {
        let (id, _) = platform.granted().await;
        let release = platform.registry.release(&id).await.unwrap().unwrap();
        let leaf = Leaf::from_text(&release.leaves[0].body).unwrap();
        said.push([
            leaf.request.unwrap().to_string(),
            leaf.subject_commitment.unwrap(),
            leaf.consent_sha256.unwrap(),
        ]);
    }
    let all: BTreeSet<_> = said.iter().flatten().collect();
    assert_eq!(all.len(), 6);
}

/// ECDSA signatures may be the same for the same words: what nobody guesses is in the words.
#[tokio::test]
async fn a_consent_holds_what_nobody_guesses() {
    let platform = Platform::start().await;
    let (id, _) = platform.granted().await;
    let release = platform.registry.release(&id).await.unwrap().unwrap();
    let consent = release.grant.unwrap().consent;
    let claims = base64url::decode(consent.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    for member in ["jti", "request"] {
        let random = claims[member].as_str().unwrap().trim_start_matches("rel_");
        let bytes = base64url::decode(random).unwrap();
        assert!(bytes.len() >= 16, "{member} has {} bits", bytes.len() * 8);
    }
}
