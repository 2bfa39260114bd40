//! Forged messages: a good one, and then each thing wrong with it that a signature, a type, an audience or a time
//! should stop.

use std::sync::Arc;

use cyberid_crypto::{Sign, base64url, digest};
use cyberid_domain::clock::{Clock as _, DAY, SystemClock};
use cyberid_domain::rng::SystemRng;
use cyberid_holder::DeviceKey;
use serde_json::{Value, json};

use crate::refusal::{Code, MARKER};

const INVALID: Code = Code::Is("invalid-message");
const AUDIENCE: Code = Code::OneOf(&["invalid-message", "consent-mismatch"]);
const NOT_NOW: Code = Code::OneOf(&["invalid-message", "expired-message"]);

/// A good message, before it is signed.
pub(crate) struct Good {
    pub(crate) typ: &'static str,
    pub(crate) claims: Value,
    pub(crate) key: Arc<dyn Sign>,
    /// Whether the key stands in the header, as in a key proof.
    pub(crate) embeds: bool,
    /// Whether it is one of our messages, and not an assertion of RFC 7523, which leaves `typ` and more claims open.
    pub(crate) ours: bool,
}

/// A forged message.
pub(crate) struct Forged {
    pub(crate) what: String,
    pub(crate) compact: String,
    pub(crate) code: Code,
    /// Whether it is well-formed, and only its signature does not fit.
    pub(crate) unsigned: bool,
}

fn forged(what: &str, compact: String, code: Code) -> Forged {
    let what = what.to_owned();
    Forged {
        what,
        compact,
        code,
        unsigned: false,
    }
}

impl Good {
    /// The good message itself.
    pub(crate) fn compact(&self) -> String {
        Self::signed(&self.header(), &self.claims.to_string(), &*self.key)
    }

    /// The good message with one claim changed.
    pub(crate) fn with(&self, claim: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[claim] = value;
        Self::signed(&self.header(), &claims.to_string(), &*self.key)
    }

    /// Every forgery.
    pub(crate) fn forgeries(&self) -> Vec<Forged> {
        let mut all = self.wrong_signatures();
        all.extend(self.wrong_parts());
        all.extend(self.wrong_headers());
        all.extend(self.wrong_times());
        all.push(forged(
            "another audience",
            self.with("aud", json!("https://other.example")),
            AUDIENCE,
        ));
        all.push(forged("no audience", self.with("aud", json!("")), AUDIENCE));
        if self.ours {
            all.extend(self.wrong_shapes());
        }
        all
    }

    fn header(&self) -> Value {
        let alg = self.key.public_key().suite().signing_alg();
        if self.embeds {
            json!({"alg": alg, "typ": self.typ, "jwk": self.key.public_key().to_jwk()})
        } else {
            json!({"alg": alg, "typ": self.typ, "kid": self.key.kid()})
        }
    }

    /// Another's key of the same suite.
    fn another(&self) -> Arc<dyn Sign> {
        let suite = self.key.public_key().suite();
        DeviceKey::make_of(suite, &SystemRng).unwrap().signer()
    }

    fn signed(header: &Value, claims: &str, key: &dyn Sign) -> String {
        let signed = format!("{}.{}", encoded(&header.to_string()), encoded(claims));
        let signature = key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url::encode(&signature))
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header();
        header[name] = value;
        Self::signed(&header, &self.claims.to_string(), &*self.key)
    }

    /// Well-formed messages that the key did not sign.
    pub(crate) fn wrong_signatures(&self) -> Vec<Forged> {
        let good = self.compact();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let another = self.another();
        let by_another = Self::signed(&self.header(), &self.claims.to_string(), &*another);
        let of_another_text = Self::signed(&self.header(), "{}", &*self.key);
        let (_, of_another_text) = of_another_text.rsplit_once('.').unwrap();
        let zeros = base64url::encode(&[0; 64]);
        let all = [
            ("another key's signature", by_another),
            ("no signature", format!("{signed}.")),
            ("a signature of zeros", format!("{signed}.{zeros}")),
            ("another text's signature", format!("{signed}.{of_another_text}")),
            ("half a signature", format!("{signed}.{}", &signature[..40])),
        ];
        let unsigned = |(what, compact)| Forged {
            unsigned: true,
            ..forged(what, compact, INVALID)
        };
        all.map(unsigned).into()
    }

    fn wrong_parts(&self) -> Vec<Forged> {
        let good = self.compact();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let serialised = json!({"protected": header, "payload": claims, "signature": signature});
        [
            ("two parts", signed.to_owned()),
            ("four parts", format!("{good}.{signature}")),
            ("a space at its end", format!("{good} ")),
            ("padding", format!("{header}.{claims}=.{signature}")),
            ("half of it", good[..good.len() / 2].replace('.', "")),
            ("nothing", String::new()),
            ("dots", "..".into()),
            ("garbage", MARKER.into()),
            ("JSON serialisation", serialised.to_string()),
        ]
        .map(|(what, compact)| forged(what, compact, INVALID))
        .into()
    }

    fn wrong_headers(&self) -> Vec<Forged> {
        let another = self.another();
        let claims = self.claims.to_string();
        let alg = |alg: &str| {
            let mut header = self.header();
            header["alg"] = alg.into();
            header
        };
        let mut all = vec![
            (
                "alg none",
                format!("{}.{}.", encoded(&alg("none").to_string()), encoded(&claims)),
            ),
            (
                "alg none, signed",
                Self::signed(&alg("none"), &claims, &*self.key),
            ),
            (
                "alg HS256 under the public key",
                self.hs256(&alg("HS256"), &claims),
            ),
            ("crit", self.with_header("crit", json!(["exp"]))),
            ("b64", self.with_header("b64", json!(false))),
            (
                "jku",
                self.with_header("jku", json!("http://127.0.0.1/jwks.json")),
            ),
            ("x5u", self.with_header("x5u", json!("http://127.0.0.1/cert.pem"))),
        ];
        all.extend(
            ["None", "ES384", "RS256", "EdDSA", "es256"]
                .map(|name| ("another alg", Self::signed(&alg(name), &claims, &*self.key))),
        );
        if !self.embeds {
            let mut header = self.header();
            header["jwk"] = json!(another.public_key().to_jwk());
            all.push((
                "a key of its own beside the kid",
                Self::signed(&header, &claims, &*another),
            ));
            let alg = another.public_key().suite().signing_alg();
            let header = json!({"alg": alg, "typ": self.typ, "jwk": another.public_key().to_jwk()});
            all.push(("a key of its own", Self::signed(&header, &claims, &*another)));
        }
        if self.ours {
            all.push((
                "another type",
                self.with_header("typ", json!("cyberid-attestation+jwt")),
            ));
            all.push(("the type of every JWT", self.with_header("typ", json!("JWT"))));
            let mut untyped = self.header();
            untyped.as_object_mut().unwrap().remove("typ");
            all.push(("no type", Self::signed(&untyped, &claims, &*self.key)));
        }
        all.into_iter()
            .map(|(what, compact)| forged(what, compact, INVALID))
            .collect()
    }

    fn hs256(&self, header: &Value, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(&header.to_string()), encoded(claims));
        let key = self.key.public_key();
        let tag = digest::hmac_parts(key.as_sec1(), &[signed.as_bytes()]);
        format!("{signed}.{}", base64url::encode(&tag))
    }

    fn wrong_times(&self) -> Vec<Forged> {
        let now = SystemClock.now().0;
        let moved = |iat: u64, exp: u64| {
            let mut claims = self.claims.clone();
            claims["iat"] = iat.into();
            if claims.get("exp").is_some() {
                claims["exp"] = exp.into();
            }
            Self::signed(&self.header(), &claims.to_string(), &*self.key)
        };
        let mut all = vec![
            forged(
                "expired",
                moved(now - 2 * DAY, now - DAY),
                Code::Is("expired-message"),
            ),
            forged("from the future", moved(now + DAY, now + DAY + 60), NOT_NOW),
            forged(
                "a time as a string",
                self.with("iat", json!(now.to_string())),
                INVALID,
            ),
        ];
        if self.claims.get("exp").is_some() {
            all.push(forged(
                "a life of ten years",
                moved(now, now + 3650 * DAY),
                NOT_NOW,
            ));
            all.push(forged(
                "an end before the beginning",
                moved(now, now - 1),
                NOT_NOW,
            ));
            all.push(forged(
                "an end as a string",
                self.with("exp", json!((now + 60).to_string())),
                INVALID,
            ));
            all.push(forged(
                "half a second",
                self.with("exp", json!(4e9 + 0.5)),
                INVALID,
            ));
        }
        all
    }

    fn wrong_shapes(&self) -> Vec<Forged> {
        let text = self.claims.to_string();
        let mut all = vec![
            ("an unknown claim".to_owned(), self.with(MARKER, json!(1))),
            (
                "a claim twice".to_owned(),
                Self::signed(
                    &self.header(),
                    &format!("{{\"aud\":\"https://other.example\",{}", &text[1..]),
                    &*self.key,
                ),
            ),
            (
                "an array".to_owned(),
                Self::signed(&self.header(), &format!("[{text}]"), &*self.key),
            ),
            (
                "claims that are no JSON".to_owned(),
                Self::signed(&self.header(), MARKER, &*self.key),
            ),
        ];
        for name in self.claims.as_object().unwrap().keys() {
            let mut claims = self.claims.clone();
            claims.as_object_mut().unwrap().remove(name);
            all.push((
                format!("without {name}"),
                Self::signed(&self.header(), &claims.to_string(), &*self.key),
            ));
        }
        all.into_iter()
            .map(|(what, compact)| forged(&what, compact, INVALID))
            .collect()
    }
}

fn encoded(text: &str) -> String {
    base64url::encode(text.as_bytes())
}
