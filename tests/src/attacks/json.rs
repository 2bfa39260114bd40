//! Texts that two readers of JSON would read differently, or that no reader should read; signed by the right key.

use serde_json::{Value, json};

use super::{Corpus, Token};

/// Deeper than any message.
const DEEP: usize = 2000;

pub(super) fn add(corpus: &mut Corpus<Token>) {
    type Rewrite = fn(&str) -> Vec<u8>;
    let rewrites: [(&str, Rewrite); 27] = [
        ("a byte order mark", |text| format!("\u{feff}{text}").into()),
        ("UTF-16, low byte first", |text| {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        }),
        ("UTF-16, high byte first", |text| {
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        }),
        ("a NUL behind", |text| format!("{text}\0").into()),
        ("a NUL inside", |text| text.replacen(':', ":\0", 1).into()),
        ("bytes behind", |text| format!("{text}x").into()),
        ("an object behind", |text| format!("{text}{{}}").into()),
        ("a comma behind its last member", |text| {
            format!("{},}}", &text[..text.len() - 1]).into()
        }),
        ("a comment", |text| format!("/* all is well */{text}").into()),
        ("single quotes", |text| text.replace('"', "'").into()),
        ("an array around it", |text| format!("[{text}]").into()),
        ("a text around it", |text| json!(text).to_string().into()),
        ("an object around it", |text| {
            format!("{{\"claims\":{text}}}").into()
        }),
        ("nothing", |_| Vec::new()),
        ("an empty object", |_| b"{}".into()),
        ("null", |_| b"null".into()),
        ("true", |_| b"true".into()),
        ("a number", |_| b"1".into()),
        ("half of it", |text| text.as_bytes()[..text.len() / 2].into()),
        ("a form", |_| b"aud=x&exp=4000000000".into()),
        ("invalid UTF-8 in a name", |text| splice(text, b"\"\xff\":1,")),
        ("invalid UTF-8 in a value", |text| {
            splice(text, b"\"x\":\"\xc3\x28\",")
        }),
        ("an overlong letter", |text| splice(text, b"\"x\":\"\xc0\xaf\",")),
        ("a lone surrogate", |text| splice(text, br#""x":"\ud800","#)),
        ("a number that no reader holds", |text| {
            splice(text, br#""x":1e999999,"#)
        }),
        ("an escaped name twice", |text| {
            splice(text, br#""\u006e\u006f":1,"no":2,"#)
        }),
        ("control letters", |text| splice(text, b"\"x\":\"\x01\",")),
    ];
    for (what, rewrite) in rewrites {
        corpus.add(format!("claims with {what}"), move |good, _| {
            good.with_payload(&rewrite(&good.claims.to_string()))
        });
        corpus.add(format!("a header with {what}"), move |good, _| {
            good.with_raw_header(&rewrite(&good.header.to_string()))
        });
    }
    add_deep(corpus);
    add_duplicates(corpus);
    add_claims(corpus);
}

/// Puts members before all others.
fn splice(object: &str, members: &[u8]) -> Vec<u8> {
    [b"{", members, &object.as_bytes()[1..]].concat()
}

fn add_deep(corpus: &mut Corpus<Token>) {
    for (what, open, close) in [("arrays", "[", "]"), ("objects", "{\"a\":", "}")] {
        corpus.add(format!("claims with deep {what}"), move |good, _| {
            let inner = if close == "}" { "1" } else { "" };
            let deep = format!("\"x\":{}{inner}{},", open.repeat(DEEP), close.repeat(DEEP));
            good.with_payload(&splice(&good.claims.to_string(), deep.as_bytes()))
        });
        corpus.add(
            format!("a header with deep {what}, not closed"),
            move |good, _| good.with_raw_header(open.repeat(DEEP).as_bytes()),
        );
    }
    corpus.add("a claim of a hundred thousand digits", |good, _| {
        let long = format!("\"x\":{},", "9".repeat(100_000));
        good.with_payload(&splice(&good.claims.to_string(), long.as_bytes()))
    });
    corpus.add("claims with very much space behind", |good, _| {
        good.with_payload(format!("{}{}", good.claims, " ".repeat(20_000)).as_bytes())
    });
    corpus.add("a header with a thousand members", |good, _| {
        let members: Vec<String> = (0..1000).map(|index| format!("\"m{index}\":{index},")).collect();
        good.with_raw_header(&splice(&good.header.to_string(), members.concat().as_bytes()))
    });
}

/// Each member twice: first false and then right, and the other way round.
fn add_duplicates(corpus: &mut Corpus<Token>) {
    for (name, value) in [
        ("alg", "\"none\""),
        ("typ", "\"JWT\""),
        ("kid", "\"other\""),
        ("jwk", "{}"),
    ] {
        for (what, write) in ORDERS {
            corpus.add_some(format!("{name} twice in the header, {what}"), move |good, _| {
                let header = write(&good.header, name, value)?;
                Some(good.with_raw_header(header.as_bytes()))
            });
        }
    }
    for (name, value) in [
        ("aud", "\"https://other.example\""),
        ("htu", "\"https://other.example\""),
        ("iss", "\"other\""),
        ("iat", "0"),
        ("exp", "4000000000"),
        ("jti", "\"AAAAAAAAAAAAAAAAAAAAAA\""),
        ("nonce", "\"AAAAAAAAAAAAAAAAAAAAAA\""),
    ] {
        for (what, write) in ORDERS {
            corpus.add_some(format!("{name} twice, {what}"), move |good, _| {
                Some(good.with_payload(write(&good.claims, name, value)?.as_bytes()))
            });
        }
    }
    corpus.add_some("aud twice, once in an escape", |good, _| {
        let aud = good.claims.get("aud")?;
        let text = good.claims.to_string();
        Some(good.with_payload(format!("{{\"\\u0061ud\":{aud},{}", &text[1..]).as_bytes()))
    });
    corpus.add("the same claim twice with the same value", |good, _| {
        let (name, value) = good.claims.as_object().unwrap().iter().next().unwrap();
        let text = before(&good.claims, name, &value.to_string());
        good.with_payload(text.unwrap().as_bytes())
    });
}

type Write = fn(&Value, &str, &str) -> Option<String>;
const ORDERS: [(&str, Write); 2] = [("the right one last", before), ("the right one first", behind)];

fn before(object: &Value, name: &str, value: &str) -> Option<String> {
    object.get(name)?;
    Some(format!("{{\"{name}\":{value},{}", &object.to_string()[1..]))
}

fn behind(object: &Value, name: &str, value: &str) -> Option<String> {
    object.get(name)?;
    let text = object.to_string();
    Some(format!("{},\"{name}\":{value}}}", &text[..text.len() - 1]))
}

/// Claims that are not of this type, missing, or of another type.
fn add_claims(corpus: &mut Corpus<Token>) {
    for (name, value) in [
        ("nobody_knows", json!(1)),
        ("__proto__", json!({"admin": true})),
        ("admin", json!(true)),
        ("scope", json!("everything")),
        ("nbf", json!(4_000_000_000_u64)),
        ("Aud", json!("https://other.example")),
        ("", json!("")),
    ] {
        corpus.add(format!("an unknown claim {name:?}"), move |good, _| {
            good.with_claims(|claims| drop(claims.insert(name.into(), value.clone())))
        });
    }
    for (what, value) in [
        ("null", Value::Null),
        ("a number", json!(7)),
        ("an array", json!(["AAAAAAAAAAAAAAAAAAAAAA"])),
        ("empty", json!("")),
        ("too long", json!("j".repeat(5000))),
    ] {
        corpus.add_some(format!("jti is {what}"), move |good, _| {
            good.with_claim("jti", value.clone())
        });
    }
    corpus.add_some("no jti", |good, _| {
        good.claims.get("jti")?;
        Some(good.with_claims(|claims| drop(claims.remove("jti"))))
    });
}
