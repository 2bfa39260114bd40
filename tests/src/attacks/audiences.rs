//! Audiences, issuers and addresses that look like the right one.

use serde_json::{Value, json};

use super::{Corpus, Token};

pub(super) fn add(corpus: &mut Corpus<Token>) {
    for claim in ["aud", "iss", "sub", "htu", "htm", "ath"] {
        add_shapes(corpus, claim);
        add_likes(corpus, claim);
    }
    corpus.add_some("an audience in the header", |good, _| {
        let aud = good.claims.get("aud")?.clone();
        let header = good.with_claims(|claims| drop(claims.remove("aud")));
        let _ = header;
        Some(good.with_header(|header| drop(header.insert("aud".into(), aud))))
    });
}

fn add_shapes(corpus: &mut Corpus<Token>, claim: &'static str) {
    type Shape = fn(&str) -> Value;
    let shapes: [(&str, Shape); 9] = [
        ("an array of one", |right| json!([right])),
        ("an array with others", |right| {
            json!([right, "https://other.example"])
        }),
        ("an array of others", |_| {
            json!(["https://other.example", "https://third.example"])
        }),
        ("an empty array", |_| json!([])),
        ("an object", |right| json!({ "url": right })),
        ("null", |_| Value::Null),
        ("true", |_| json!(true)),
        ("a number", |_| json!(1)),
        ("an array in an array", |right| json!([[right]])),
    ];
    for (what, shape) in shapes {
        corpus.add_some(format!("{claim} is {what}"), move |good, _| {
            good.with_claim(claim, shape(good.claims.get(claim)?.as_str()?))
        });
    }
    corpus.add_some(format!("{claim} is missing"), move |good, _| {
        good.claims.get(claim)?;
        Some(good.with_claims(|claims| drop(claims.remove(claim))))
    });
}

fn add_likes(corpus: &mut Corpus<Token>, claim: &'static str) {
    type Like = fn(&str) -> String;
    let likes: [(&str, Like); 17] = [
        ("another", |_| "https://other.example".into()),
        ("empty", |_| String::new()),
        ("a prefix", |right| right[..right.len() - 1].into()),
        ("longer", |right| format!("{right}0")),
        ("with a slash more", |right| format!("{right}/")),
        ("with two slashes", |right| right.replace("://", ":////")),
        ("with a path", |right| format!("{right}/admin")),
        ("with a way back", |right| format!("{right}/x/..")),
        ("in capitals", |right| {
            let upper = right.to_uppercase();
            if upper == right {
                right.to_lowercase()
            } else {
                upper
            }
        }),
        ("with a space before", |right| format!(" {right}")),
        ("with a space behind", |right| format!("{right} ")),
        ("with a NUL behind", |right| format!("{right}\0")),
        ("with a line break", |right| format!("{right}\n")),
        ("in look-alikes", |right| {
            right.replacen(['a', 'e', 'o', 'p', 'E', 'G', 'T'], "\u{430}", 1) + "\u{200b}"
        }),
        ("as a user of another host", |right| {
            format!("{right}@other.example")
        }),
        ("with a percent code", |right| {
            format!("%{:02x}{}", right.as_bytes()[0], &right[1..])
        }),
        ("over another scheme", |right| {
            right
                .strip_prefix("http")
                .map_or_else(|| format!("urn:{right}"), |rest| format!("ftp{rest}"))
        }),
    ];
    for (what, like) in likes {
        corpus.add_some(format!("{claim} is {what}"), move |good, _| {
            let right = good.claims.get(claim)?.as_str()?;
            let other = like(right);
            (other != right).then(|| good.with_claim(claim, other.into()))?
        });
    }
}
