use std::collections::HashSet;

use cyberid_crypto::jws::{self, InvalidJws};
use cyberid_crypto::{Agree as _, AgreementKey, SigningKey, Suite, jwe};
use cyberid_protocol::message;
use cyberid_protocol::withdrawal::Withdrawal;
use serde_json::json;

use super::*;

const TYP: &str = "cyberid-withdrawal+jwt";

fn key(suite: Suite, scalar: u8) -> SigningKey {
    SigningKey::of(suite, &[scalar; 32]).unwrap()
}

fn loot(suite: Suite) -> Loot {
    let key = |scalar| key(suite, scalar);
    let other = jws::sign(&key(3), "cyberid-proof+jwt", &json!({"aud": "x"})).unwrap();
    Loot {
        own: Arc::new(key(2)),
        keys: (3..12).map(|scalar| key(scalar).public_key()).collect(),
        others: vec![("cyberid-proof+jwt", other)],
        sink: SocketAddr::from(([127, 0, 0, 1], 1)),
    }
}

fn token(suite: Suite) -> Token {
    let claims = json!({"aud": "https://id.example", "consent": "con_AAAAAAAAAAAAAAAAAAAAAA",
        "iat": 1_800_000_000_u64, "exp": 1_800_000_060_u64, "jti": "AAAAAAAAAAAAAAAAAAAAAA"});
    Token::of(TYP, claims, Arc::new(key(suite, 7)))
}

fn read(suite: Suite, compact: &str) -> Result<Withdrawal, InvalidJws> {
    message::unverified::<Withdrawal>(compact)?.verify(&key(suite, 7).public_key())
}

/// Values that only the place itself can judge: who is meant, and when.
fn is_for_the_place_to_judge(claims: &Withdrawal) -> bool {
    let good: Withdrawal = serde_json::from_value(token(Suite::Nist).claims).unwrap();
    claims.aud != good.aud || claims.iat != good.iat || claims.exp != good.exp || claims.jti != good.jti
}

#[test]
fn the_reader_of_messages_alone_refuses_all_that_is_not_a_matter_of_value() {
    Suite::ALL
        .into_iter()
        .for_each(refuses_all_that_is_not_a_matter_of_value);
}

fn refuses_all_that_is_not_a_matter_of_value(suite: Suite) {
    let (good, loot) = (token(suite), loot(suite));
    assert!(read(suite, &good.compact).is_ok(), "the control");
    let mut refused = 0;
    for attack in on_tokens() {
        let Some(hostile) = attack.on(&good, &loot) else {
            continue;
        };
        match read(suite, &hostile) {
            Ok(claims) if is_for_the_place_to_judge(&claims) => {}
            // A reader that wants no name is for assertions; every place of ours asks for it.
            Ok(_) if attack.name == "no kid" => {
                let message = message::unverified::<Withdrawal>(&hostile).unwrap();
                assert_eq!(message.kid().err(), Some(InvalidJws::Key));
            }
            // The same for a name and a key.
            Ok(_) if attack.name == "the right key beside its name" => {
                let message = message::unverified::<Withdrawal>(&hostile).unwrap();
                assert_eq!(message.kid().err(), Some(InvalidJws::Key));
            }
            Ok(_) => panic!("{}: {hostile}", attack.name),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 200, "only {refused}");
}

#[test]
fn the_opener_of_seals_alone_refuses_all_that_is_not_a_matter_of_contents() {
    Suite::ALL
        .into_iter()
        .for_each(refuses_all_that_is_not_a_matter_of_contents);
}

fn refuses_all_that_is_not_a_matter_of_contents(suite: Suite) {
    let key = AgreementKey::of(suite, &[7; 32]).unwrap();
    let good = Seal::to(key.public_key(), br#"{"consent":"a.b.c"}"#);
    let open = |compact: &str| {
        let opened = jwe::Sealed::parse(compact).ok()?.open(&key).ok()?;
        (opened.as_slice() == good.plaintext).then_some(())
    };
    assert!(open(&good.compact).is_some(), "the control");
    // What the maker of attacks seals under an unchanged header opens too: it is the changes that are refused.
    assert!(open(&good.with_header(|_| ())).is_some(), "the maker's control");
    let hostile: Vec<_> = on_seals()
        .into_iter()
        .filter_map(|attack| Some((attack.on(&good, &loot(suite))?, attack.name)))
        .collect();
    assert!(hostile.len() > 120, "only {}", hostile.len());
    for (hostile, name) in hostile {
        assert!(open(&hostile).is_none(), "{name}: {hostile}");
    }
}

#[test]
fn a_twin_is_another_signature_of_the_same_words() {
    let good = token(Suite::Nist).compact;
    let other = twin(&good);
    assert_ne!(good, other);
    assert_eq!(read(Suite::Nist, &good), read(Suite::Nist, &other));
    assert_eq!(twin(&other), good);
}

#[test]
fn every_attack_has_a_name_of_its_own() {
    let tokens = on_tokens();
    let names: HashSet<&str> = tokens.iter().map(|attack| attack.name.as_str()).collect();
    assert_eq!(names.len(), tokens.len());
    let seals = on_seals();
    let names: HashSet<&str> = seals.iter().map(|attack| attack.name.as_str()).collect();
    assert_eq!(names.len(), seals.len());
    assert!(tokens.len() > 250, "{}", tokens.len());
    let across = |across: &bool| *across;
    assert_eq!(
        tokens.iter().map(Attack::is_across_suites).filter(across).count(),
        6
    );
    assert_eq!(
        seals.iter().map(Attack::is_across_suites).filter(across).count(),
        7
    );
}
