//! Tricks with the key: one of the attacker's own, one to be fetched, one that a name leads to.

use cyberid_crypto::{Jwk, base64url};
use serde_json::{Map, Value, json};

use super::{Corpus, Loot, Token};

pub(super) fn add(corpus: &mut Corpus<Token>) {
    add_own_keys(corpus);
    add_remote_keys(corpus);
    add_names(corpus);
    add_embedded_keys(corpus);
}

/// Whether the message's place takes the key in the header.
fn embeds(good: &Token) -> bool {
    good.header.get("jwk").is_some()
}

fn add_own_keys(corpus: &mut Corpus<Token>) {
    corpus.add("another key's signature", |good, loot| {
        good.with_header_by(&*loot.own, |_| ())
    });
    corpus.add_some("an own key in place of the name", |good, loot| {
        let own = json!(loot.own.public_key().to_jwk());
        let compact = good.with_header_by(&*loot.own, |header| {
            header.remove("kid");
            header.insert("jwk".into(), own);
        });
        (!embeds(good)).then_some(compact)
    });
    corpus.add("an own key beside the name", |good, loot| {
        let (own, kid) = (json!(loot.own.public_key().to_jwk()), good.key.kid());
        good.with_header_by(&*loot.own, |header| {
            header.insert("kid".into(), kid.into());
            header.insert("jwk".into(), own);
        })
    });
    corpus.add("the right key beside its name", |good, _| {
        let (right, kid) = (json!(good.key.public_key().to_jwk()), good.key.kid());
        good.with_header(|header| {
            header.insert("kid".into(), kid.into());
            header.insert("jwk".into(), right);
        })
    });
    corpus.add_some("the name of an own key", |good, loot| {
        let kid = loot.own.kid();
        let compact = good.with_header_by(&*loot.own, |header| drop(header.insert("kid".into(), kid.into())));
        (!embeds(good)).then_some(compact)
    });
}

fn add_remote_keys(corpus: &mut Corpus<Token>) {
    for (member, path) in [("jku", "jwks.json"), ("x5u", "chain.pem"), ("jwk", "key.json")] {
        corpus.add(format!("{member} to a listener"), move |good, loot| {
            good.with_member(member, url(loot, path))
        });
        corpus.add(
            format!("{member} to a listener, signed by an own key"),
            move |good, loot| {
                let value = url(loot, path);
                good.with_header_by(&*loot.own, |header| drop(header.insert(member.into(), value)))
            },
        );
    }
    corpus.add("kid to a listener", |good, loot| {
        good.with_member("kid", url(loot, "key.json"))
    });
    corpus.add("iss to a listener", |good, loot| {
        good.with_claim("iss", url(loot, ""))
            .unwrap_or_else(|| good.with_member("iss", url(loot, "")))
    });
    let certificate = "MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5MQswCQYDVQQGEwJVUw==";
    for (member, value) in [
        ("x5c", json!([certificate])),
        ("x5t", json!("dGhpcyBpcyBubyB0aHVtYnByaW50")),
        ("x5t#S256", json!(base64url::encode(&[7; 32]))),
    ] {
        corpus.add(member, move |good, _| good.with_member(member, value.clone()));
    }
}

fn url(loot: &Loot, path: &str) -> Value {
    format!("http://{}/{path}", loot.sink).into()
}

type Twist = fn(&str) -> String;

fn add_names(corpus: &mut Corpus<Token>) {
    corpus.add_some("no kid", |good, _| {
        let compact = good.with_header(|header| drop(header.remove("kid")));
        (!embeds(good)).then_some(compact)
    });
    corpus.add("the kid of another's key", |good, loot| {
        let own = good.key.kid();
        let mut others = loot.keys.iter().map(cyberid_crypto::PublicKey::thumbprint);
        good.with_member("kid", others.rfind(|kid| kid != own).unwrap().into())
    });
    for (what, value) in [
        ("empty", json!("")),
        ("null", Value::Null),
        ("a number", json!(0)),
        ("a path", json!("../../../../../../dev/null")),
        ("an address of a file", json!("file:///etc/passwd")),
        ("SQL", json!("' OR '1'='1' --")),
        ("a union", json!("x' UNION SELECT x'00' --")),
        ("a command", json!("|/bin/true")),
        ("too long", json!("k".repeat(9000))),
    ] {
        corpus.add(format!("a kid that is {what}"), move |good, _| {
            good.with_member("kid", value.clone())
        });
    }
    corpus.add("a kid in an array", |good, _| {
        good.with_member("kid", json!([good.key.kid()]))
    });
    let twists: [(&str, Twist); 6] = [
        ("in full-width letters", full_width),
        ("with a NUL at its end", |kid| format!("{kid}\0")),
        ("with a space at its end", |kid| format!("{kid} ")),
        ("with padding", |kid| format!("{kid}=")),
        ("cut short", |kid| kid[..kid.len() - 1].to_owned()),
        ("in capitals", |kid| format!("{}A", kid.to_uppercase())),
    ];
    for (what, twist) in twists {
        corpus.add(format!("the kid {what}"), move |good, _| {
            good.with_member("kid", twist(good.key.kid()).into())
        });
    }
}

fn full_width(text: &str) -> String {
    let wide = |letter: char| char::from_u32(u32::from(letter) - 0x21 + 0xFF01).unwrap_or(letter);
    text.chars()
        .map(|letter| {
            if letter.is_ascii_graphic() {
                wide(letter)
            } else {
                letter
            }
        })
        .collect()
}

type Change = Box<dyn Fn(&mut Map<String, Value>) + Send + Sync>;

/// Where the key stands in the header, its bad forms.
fn add_embedded_keys(corpus: &mut Corpus<Token>) {
    type Bend = fn(&mut Map<String, Value>);
    let set = |name: &'static str, value: Value| {
        move |key: &mut Map<String, Value>| drop(key.insert(name.into(), value.clone()))
    };
    let zeros = base64url::encode(&[0; 32]);
    let mut bend = |what: &str, change: Change| {
        corpus.add_some(format!("an embedded key {what}"), move |good, _| {
            let mut key = good.header.get("jwk")?.as_object()?.clone();
            change(&mut key);
            Some(good.with_member("jwk", key.into()))
        });
    };
    bend("with its private half", Box::new(set("d", zeros.clone().into())));
    bend("of another curve by name", Box::new(set("crv", "P-384".into())));
    bend("of secp256k1 by name", Box::new(set("crv", "secp256k1".into())));
    bend("of another type by name", Box::new(set("kty", "OKP".into())));
    bend("that is symmetric", Box::new(set("kty", "oct".into())));
    bend(
        "off the curve",
        Box::new(set("y", base64url::encode(&[1; 32]).into())),
    );
    bend("with an unknown member", Box::new(set("k", "AAAA".into())));
    bend("with a chain", Box::new(set("x5c", json!(["AAAA"]))));
    bend(
        "with an address",
        Box::new(set("x5u", "http://127.0.0.1:1/".into())),
    );
    bend("with its coordinates as numbers", Box::new(set("x", json!(1))));
    let (short, long): (Bend, Bend) = (
        |key| resize(key, |bytes| bytes[1..].to_vec()),
        |key| resize(key, |bytes| [&[0], bytes].concat()),
    );
    bend("of 31 bytes", Box::new(short));
    bend("of 33 bytes", Box::new(long));
    bend(
        "at infinity",
        Box::new(move |key| {
            for name in ["x", "y"] {
                key.insert(name.into(), zeros.clone().into());
            }
        }),
    );
    bend("that is empty", Box::new(Map::clear));
    corpus.add_some("two embedded keys", |good, loot| {
        let keys: [Jwk; 2] = [good.key.public_key().to_jwk(), loot.own.public_key().to_jwk()];
        embeds(good).then(|| good.with_member("jwk", json!(keys)))
    });
    corpus.add_some("no embedded key", |good, _| {
        embeds(good).then(|| good.with_header(|header| drop(header.remove("jwk"))))
    });
    corpus.add_some("a name in place of the embedded key", |good, _| {
        embeds(good).then(|| {
            good.with_header(|header| {
                header.remove("jwk");
                header.insert("kid".into(), good.key.kid().into());
            })
        })
    });
}

fn resize(key: &mut Map<String, Value>, change: impl Fn(&[u8]) -> Vec<u8>) {
    let x = base64url::decode(key["x"].as_str().unwrap()).unwrap();
    key.insert("x".into(), base64url::encode(&change(&x)).into());
}
