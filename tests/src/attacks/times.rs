//! Times of another type, of another time, in another order.

use cyberid_domain::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{Corpus, Token};

const DAY: u64 = 86_400;

pub(super) fn add(corpus: &mut Corpus<Token>) {
    for claim in ["iat", "exp"] {
        add_types(corpus, claim);
        add_texts(corpus, claim);
    }
    add_moments(corpus);
}

fn add_types(corpus: &mut Corpus<Token>, claim: &'static str) {
    type Change = fn(u64) -> Value;
    let changes: [(&str, Change); 9] = [
        ("a text", |time| json!(time.to_string())),
        ("null", |_| Value::Null),
        ("true", |_| json!(true)),
        ("an array", |time| json!([time])),
        ("an object", |time| json!({ "value": time })),
        ("empty", |_| json!("")),
        ("an ISO date", |_| json!("2999-01-01T00:00:00Z")),
        ("negative", |time| json!(-i64::try_from(time).unwrap())),
        ("in milliseconds", |time| json!(time * 1000)),
    ];
    for (what, change) in changes {
        corpus.add_some(format!("{claim} is {what}"), move |good, _| {
            good.with_claim(claim, change(good.claims.get(claim)?.as_u64()?))
        });
    }
    corpus.add_some(format!("{claim} is missing"), move |good, _| {
        good.claims.get(claim)?;
        Some(good.with_claims(|claims| drop(claims.remove(claim))))
    });
}

/// Numbers that JSON allows, and that are no whole seconds that we can count.
fn add_texts(corpus: &mut Corpus<Token>, claim: &'static str) {
    for (what, text) in [
        ("half a second more", "{}.5"),
        ("a fraction of zero", "{}.0"),
        ("with an exponent", "{}e0"),
        ("with a great exponent", "1e400"),
        ("one more than fits", "18446744073709551616"),
        ("as great as fits", "18446744073709551615"),
        ("far beyond", "99999999999999999999999999999999999999999999"),
        ("minus zero", "-0"),
        ("in hexadecimal", "0x7fffffff"),
        ("with a zero before", "0{}"),
        ("with a plus", "+{}"),
        ("not a number", "NaN"),
        ("infinite", "Infinity"),
    ] {
        corpus.add_some(format!("{claim} {what}"), move |good, _| {
            let time = good.claims.get(claim)?.as_u64()?.to_string();
            let marked = good.claims.clone();
            let marked = replaced(marked, claim, "%TIME%").to_string();
            let payload = marked.replace("\"%TIME%\"", &text.replace("{}", &time));
            Some(good.with_payload(payload.as_bytes()))
        });
    }
}

fn replaced(mut claims: Value, claim: &str, value: &str) -> Value {
    claims[claim] = value.into();
    claims
}

fn add_moments(corpus: &mut Corpus<Token>) {
    type Move = fn(u64) -> (u64, u64);
    let moves: [(&str, Move); 8] = [
        ("expired yesterday", |now| (now - DAY - 60, now - DAY)),
        ("expired just beyond the skew", |now| (now - 120, now - 65)),
        ("of tomorrow", |now| (now + DAY, now + DAY + 60)),
        ("of a moment beyond the skew", |now| (now + 90, now + 120)),
        ("of the far future", |now| {
            (now + 100 * 365 * DAY, now + 100 * 365 * DAY + 60)
        }),
        ("of the year 1970", |_| (0, 60)),
        ("with a life of ten years", |now| (now, now + 3650 * DAY)),
        ("with an end before its beginning", |now| (now, now - 1)),
    ];
    for (what, at) in moves {
        corpus.add_some(format!("a message {what}"), move |good, _| {
            good.claims.get("iat")?;
            let now = SystemClock.now().0;
            let (iat, exp) = at(now);
            // Without an end only a beginning that is elsewhere is wrong.
            if good.claims.get("exp").is_none() && iat == now {
                return None;
            }
            Some(good.with_claims(|claims| {
                claims.insert("iat".into(), iat.into());
                claims.entry("exp").and_modify(|end| *end = exp.into());
            }))
        });
    }
}
