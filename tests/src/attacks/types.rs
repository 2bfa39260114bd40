//! A message of one type in the place of another: the valid ones of everybody, and the right words under another `typ`.

use serde_json::{Value, json};

use super::{Corpus, Token};

/// Every type of message of ours, and the types that standards give to others.
pub const TYPES: &[&str] = &[
    "cyberid-proof+jwt",
    "cyberid-consent+jwt",
    "cyberid-withdrawal+jwt",
    "cyberid-key-proof+jwt",
    "cyberid-key-change+jwt",
    "cyberid-direct-request+jwt",
    "cyberid-request+jwt",
    "cyberid-registration+jwt",
    "cyberid-attestation+jwt",
    "cyberid-identity+jwt",
    "cyberid-certificate+jwt",
    "cyberid-guardian-consent+jwt",
    "cyberid-guardian-release+jwt",
    "cyberid-cancellation+jwt",
    "cyberid-suspension+jwt",
    "cyberid-resumption+jwt",
    "cyberid-renumbering+jwt",
    "cyberid-device-approval+jwt",
    "cyberid-official-order+jwt",
    "cyberid-official-countersignature+jwt",
    "cyberid-official-identity+jwt",
    "cyberid-reservation+jwt",
    "cyberid-deposit+jwt",
    "cyberid-settlement+jwt",
    "cyberid-staged-version+jwt",
    "cyberid-version-switch+jwt",
    "cyberid-binding+jwt",
    "cyberid-unbinding+jwt",
    "cyberid-export+jwt",
    "cyberid-key-certificate+jwt",
    "cyberid-key-ceremony+jwt",
    "cyberid-key-transcript+jwt",
    "cyberid-source-answer+jwt",
    "cyberid-source-notice+jwt",
    "cyberid-face-evidence+jwt",
    "secevent+jwt",
    "dpop+jwt",
    "at+jwt",
    "JWT",
    "jwt",
    "client-authentication+jwt",
    "token-introspection+jwt",
    "JOSE",
    "kb+jwt",
    "logout+jwt",
];

type Twist = fn(&str) -> String;

pub(super) fn add(corpus: &mut Corpus<Token>) {
    for &typ in TYPES {
        corpus.add_some(format!("the right words under typ {typ}"), move |good, _| {
            (good.header["typ"] != typ).then(|| good.with_member("typ", typ.into()))
        });
        corpus.add_some(format!("a valid {typ} of somebody else"), move |good, loot| {
            let (_, other) = loot.others.iter().find(|(name, _)| *name == typ)?;
            (good.header["typ"] != typ).then(|| other.clone())
        });
        corpus.add_some(
            format!("the words of a {typ} under the right typ"),
            move |good, loot| {
                let (_, other) = loot.others.iter().find(|(name, _)| *name == typ)?;
                let other = Token::stolen(other.clone(), good.key.clone());
                // Under the right type, words of the same form are the right ones.
                let apart = good.header["typ"] != typ && names(&good.claims) != names(&other.claims);
                apart.then(|| good.with_payload(other.claims.to_string().as_bytes()))
            },
        );
    }
    for (what, value) in [
        ("null", Value::Null),
        ("empty", json!("")),
        ("a number", json!(1)),
    ] {
        corpus.add(format!("a typ that is {what}"), move |good, _| {
            good.with_member("typ", value.clone())
        });
    }
    corpus.add("no typ", |good, _| {
        good.with_header(|header| drop(header.remove("typ")))
    });
    corpus.add("a typ in an array", |good, _| {
        good.with_member("typ", json!([good.header["typ"]]))
    });
    let twists: [(&str, Twist); 5] = [
        ("in mixed letters", |typ| {
            let first: String = typ.chars().take(1).flat_map(char::to_uppercase).collect();
            let turned = format!("{first}{}", &typ[1..]);
            if turned == typ {
                typ.to_lowercase() + "X"
            } else {
                turned
            }
        }),
        ("as a media type", |typ| format!("application/{typ}")),
        ("with a space", |typ| format!("{typ} ")),
        ("with a parameter", |typ| format!("{typ};v=1")),
        ("with a NUL", |typ| format!("{typ}\0")),
    ];
    for (what, twist) in twists {
        corpus.add(format!("the typ {what}"), move |good, _| {
            good.with_member("typ", twist(good.header["typ"].as_str().unwrap_or("x")).into())
        });
    }
}

/// The names of all claims.
fn names(claims: &Value) -> Vec<&String> {
    claims
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .collect()
}
