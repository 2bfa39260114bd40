//! Every attack of the corpus on what operators and a keystore sign of a ceremony: no signature counts, and no transcript is
//! believed.

use std::net::SocketAddr;
use std::sync::Arc;

use cyberid_crypto::{Sign, SigningKey};
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use journeys::attacks::{self, Loot, Token};
use serde_json::json;

use super::file::CeremonyFile;
use super::signature::CeremonySignature;
use super::transcript::{Record, Transcript};
use crate::platform::KeyOperator;

/// So many attacks apply at least.
const MANY: usize = 300;
/// When a signature was made does not matter: the file has an end, and the transcript its times.
const TIMELESS: [&str; 3] = ["a message ", "iat is in milliseconds", "iat as great as fits"];
const FILE: &str =
    "name = 'n'\nplace = 'p'\nnot_after = '2026-12-31'\n[[step]]\nact = 'make'\nrole = 'event'\n";

fn key(seed: u8) -> Arc<dyn Sign> {
    Arc::new(SigningKey::from_scalar(&[seed; 32]).unwrap())
}

/// Tries every attack on a message that this key signed; `takes` says whether it was taken.
fn attacked(good: String, key: Arc<dyn Sign>, mut takes: impl FnMut(&str) -> bool) {
    let claims = json!({"aud": "https://id.example"});
    let other = Token::of("cyberid-proof+jwt", claims, self::key(1)).compact;
    let loot = Loot {
        own: self::key(9),
        keys: [1, 2, 3].map(|seed| self::key(seed).public_key()).to_vec(),
        others: vec![("cyberid-proof+jwt", other)],
        sink: SocketAddr::from(([127, 0, 0, 1], 1)),
    };
    assert!(takes(&good), "the control");
    let (good, mut tried) = (Token::stolen(good, key), 0);
    for attack in attacks::on_tokens() {
        let hostile = attack.on(&good, &loot);
        let applies = |hostile: &String| *hostile != good.compact && !is_of_time(&attack.name);
        if let Some(hostile) = hostile.filter(applies) {
            assert!(!takes(&hostile), "{}: {hostile}", attack.name);
            tried += 1;
        }
    }
    assert!(tried > MANY, "{tried}");
}

fn is_of_time(attack: &str) -> bool {
    TIMELESS.iter().any(|name| attack.starts_with(name))
}

#[test]
fn no_attack_passes_for_an_operators_signature() {
    let operator = |name: &str, seed| {
        let (name, jwk) = (name.to_owned(), key(seed).public_key());
        KeyOperator { name, jwk }
    };
    let operators = [operator("a", 1), operator("b", 2)];
    let file = CeremonyFile::parse(FILE.to_owned()).unwrap();
    let signed = |seed| CeremonySignature::make(&file, &*key(seed), SystemClock.now()).unwrap();
    let first = signed(1);
    attacked(signed(2), key(2), |second| {
        let signatures = [first.clone(), second.to_owned()];
        CeremonySignature::check_all(&file, &signatures, &operators).is_ok()
    });
}

#[test]
fn no_attack_passes_for_a_transcripts_signature() {
    let now = SystemClock.now();
    let record = json!({"ceremony": FILE, "signatures": [], "operators": [], "program": "0.1.0", "began": now,
        "ended": now, "before": [], "after": [{"role": "ceremony", "id": "k", "state": "active", "place": "memory",
        "created": now, "public": key(3).public_key().to_jwk()}]});
    let read: Record = serde_json::from_value(record.clone()).unwrap();
    let signed = serde_json::to_value(Transcript::sign(read, &*key(3)).unwrap()).unwrap();
    attacked(
        signed["signature"].as_str().unwrap().to_owned(),
        key(3),
        |signature| {
            let transcript = json!({"record": record, "signature": signature});
            let transcript: Transcript = serde_json::from_value(transcript).unwrap();
            transcript.require_signed().is_ok()
        },
    );
}
