//! What our messages cost beside the bare cryptography under them, in one run: ratios of rates, 1 being free.
//!
//! `cargo xtask bench messages`; the last line is JSON.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at a surprise"
)]

use std::time::{Duration, Instant};

use cyberid_crypto::{Agree as _, AgreementKey, Sign as _, SigningKey, hpke, jwe, jws};
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor};
use cyberid_protocol::message::{self, Message as _};
use cyberid_protocol::proof::Proof;
use serde_json::json;

const SPAN: Duration = Duration::from_millis(400);
const ROUNDS: usize = 5;

fn main() {
    let key = SigningKey::from_scalar(&[7; 32]).unwrap();
    let public = key.public_key();
    let raw_signature = key.sign(b"message").unwrap();
    let proof = proof();
    let compact = proof.sign(&key).unwrap();
    let agreement = AgreementKey::from_scalar(&[9; 32]).unwrap();
    let sealed = jwe::seal(&agreement.public_key(), "json", compact.as_bytes()).unwrap();
    let shared = hpke::seal(&agreement.public_key(), b"info", b"aad", &[1; 32]).unwrap();
    let peer = AgreementKey::ephemeral().unwrap().public_key();
    let rates = [
        (
            "verify_bare",
            rate(|| jws::verify_signature(&public, b"message", &raw_signature).unwrap()),
        ),
        (
            "verify_proof",
            rate(|| drop(message::open::<Proof>(&compact, &public).unwrap())),
        ),
        ("sign_bare", rate(|| assert!(key.sign(b"message").is_ok()))),
        ("sign_proof", rate(|| drop(proof.sign(&key).unwrap()))),
        ("agree_bare", rate(|| drop(agreement.agree(&peer).unwrap()))),
        (
            "open_jwe",
            rate(|| drop(jwe::Sealed::parse(&sealed).unwrap().open(&agreement).unwrap())),
        ),
        (
            "open_hpke",
            rate(|| drop(hpke::open(&agreement, b"info", b"aad", &shared).unwrap())),
        ),
    ];
    let of = |name: &str| {
        rates
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, rate)| *rate)
            .unwrap()
    };
    for (name, rate) in &rates {
        println!("{name:<14} {rate:>10.0} a second");
    }
    let ratio = |name: &str, bare: &str| (of(name) / of(bare) * 1000.0).round() / 1000.0;
    println!(
        "{}",
        json!({
            "bench": "messages",
            "verify_proof": ratio("verify_proof", "verify_bare"),
            "sign_proof": ratio("sign_proof", "sign_bare"),
            "open_jwe": ratio("open_jwe", "agree_bare"),
            "open_hpke": ratio("open_hpke", "agree_bare"),
        })
    );
}

/// The best of a few rounds, in calls a second: the machine's noise only ever slows.
fn rate(mut work: impl FnMut()) -> f64 {
    (0..ROUNDS).map(|_| round(&mut work)).fold(0.0, f64::max)
}

fn round(work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < SPAN {
        work();
        calls += 1;
    }
    f64::from(calls) / start.elapsed().as_secs_f64()
}

fn proof() -> Proof {
    Proof {
        aud: "https://id.example".into(),
        rp: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        request: None,
        purpose: "register".into(),
        checks: vec![Check::RealPerson, Check::AgeOver18],
        factors: vec![Factor::Device],
        nonce: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        iat: UnixTime(1_800_000_000),
        exp: UnixTime(1_800_000_300),
        jti: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
    }
}
