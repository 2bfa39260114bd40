//! The other suite in the place of the platform's own: its name, its keys, its signatures, one by one and together.

use std::sync::LazyLock;

use cyberid_crypto::{Agree as _, AgreementKey, Sign, SigningKey, Suite, jwe};
use serde_json::json;

use super::{Corpus, Loot, Seal, Token};

/// An attacker's key of the suite that is not this one.
fn other(suite: Suite) -> &'static SigningKey {
    static KEYS: LazyLock<[SigningKey; 2]> =
        LazyLock::new(|| Suite::ALL.map(|suite| SigningKey::of(suite, &[0x5a; 32]).unwrap()));
    KEYS.iter().find(|key| key.public_key().suite() != suite).unwrap()
}

/// An attacker's key, and the name of the algorithm, of the suite that the message is not of.
fn foreign(good: &Token) -> (&'static SigningKey, &'static str) {
    let key = other(good.key.public_key().suite());
    (key, key.public_key().suite().signing_alg())
}

fn embeds(good: &Token) -> bool {
    good.header.get("jwk").is_some()
}

pub(super) fn add(corpus: &mut Corpus<Token>) {
    corpus.add("the other suite's name over the right signature", |good, _| {
        good.with_member("alg", foreign(good).1.into())
    });
    corpus.add(
        "the other suite's name and signature under the right key's name",
        |good, _| {
            let (key, alg) = foreign(good);
            good.with_header_by(key, |header| drop(header.insert("alg".into(), alg.into())))
        },
    );
    corpus.add("the other suite's signature under the right names", |good, _| {
        good.with_header_by(foreign(good).0, |_| ())
    });
    // Whole and valid in itself: only that the platform is of one suite speaks against it.
    corpus.add_some("a message that is of the other suite altogether", |good, _| {
        let (key, alg) = foreign(good);
        let compact = good.with_header_by(key, |header| {
            header.insert("alg".into(), alg.into());
            if header.contains_key("jwk") {
                header.insert("jwk".into(), json!(key.public_key().to_jwk()));
            } else {
                header.insert("kid".into(), key.kid().into());
            }
        });
        Some(compact)
    });
    corpus.add_some(
        "a key of the other suite under the right algorithm's name",
        |good, _| {
            let jwk = json!(foreign(good).0.public_key().to_jwk());
            embeds(good).then(|| {
                good.with_header_by(foreign(good).0, |header| drop(header.insert("jwk".into(), jwk)))
            })
        },
    );
    corpus.add_some("the right point on the other suite's curve", |good, _: &Loot| {
        let mut jwk = json!(good.key.public_key().to_jwk());
        jwk["crv"] = foreign(good).0.public_key().suite().curve().into();
        embeds(good).then(|| good.with_member("jwk", jwk))
    });
}

/// The suite that the seal is not of.
fn foreign_to(good: &Seal) -> Suite {
    other(good.suite()).public_key().suite()
}

pub(super) fn add_on_seals(corpus: &mut Corpus<Seal>) {
    corpus.add("the other suite's alg", |good, _| {
        good.with_member("alg", foreign_to(good).agreement_alg().into())
    });
    corpus.add("the other suite's enc", |good, _| {
        good.with_member("enc", foreign_to(good).content_alg().into())
    });
    corpus.add("the other suite's names over a good seal", |good, _| {
        good.with_header(|header| {
            header.insert("alg".into(), foreign_to(good).agreement_alg().into());
            header.insert("enc".into(), foreign_to(good).content_alg().into());
        })
    });
    corpus.add(
        "the right ephemeral point on the other suite's curve",
        |good, _| good.with_header(|header| header["epk"]["crv"] = foreign_to(good).curve().into()),
    );
    corpus.add("an ephemeral key of the other suite", |good, _| {
        let ephemeral = AgreementKey::ephemeral_of(foreign_to(good)).unwrap();
        good.with_member("epk", json!(ephemeral.public_key().to_jwk()))
    });
    // Whole and valid in itself, but for nobody here.
    corpus.add("sealed in the other suite", |good, _| {
        let recipient = other(good.suite()).public_key();
        jwe::seal(&recipient, "json", &good.plaintext).unwrap()
    });
    corpus.add("sealed in the other suite, in the recipient's name", |good, _| {
        let elsewhere = Seal {
            recipient: other(good.suite()).public_key(),
            ..good.clone()
        };
        elsewhere.with_member("kid", good.recipient.thumbprint().into())
    });
}
