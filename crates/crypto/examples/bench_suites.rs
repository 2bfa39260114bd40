//! What the two suites cost, in one run: rates of one core, and beside SM2 the other implementation of it.
//!
//! `cargo run --release -p cyberid-crypto --example bench_suites`; each line is JSON.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at a surprise"
)]

use std::time::{Duration, Instant};

use cyberid_crypto::{Agree as _, AgreementKey, PublicKey, Sign as _, SigningKey, Suite, hpke, jwe, jws};
use serde_json::json;
use sm2::dsa::signature::{Signer as _, Verifier as _};

const SPAN: Duration = Duration::from_millis(300);
const ROUNDS: usize = 3;
const MESSAGE: &[u8] = &[0xa5; 600];

fn main() {
    Suite::ALL.into_iter().for_each(suite);
    another_sm2();
}

fn suite(suite: Suite) {
    let key = SigningKey::of(suite, &[7; 32]).unwrap();
    let (public, signature) = (key.public_key(), key.sign(MESSAGE).unwrap());
    let agreement = AgreementKey::of(suite, &[9; 32]).unwrap();
    let recipient = agreement.public_key();
    let sealed = jwe::seal(&recipient, "json", MESSAGE).unwrap();
    let share = hpke::seal(&recipient, b"info", b"aad", &[1; 32]).unwrap();
    let line = json!({
        "suite": suite,
        "sign": rate(|| assert!(key.sign(MESSAGE).is_ok())),
        "verify": rate(|| jws::verify_signature(&public, MESSAGE, &signature).unwrap()),
        "jwe_seal": rate(|| drop(jwe::seal(&recipient, "json", MESSAGE).unwrap())),
        "jwe_open": rate(|| drop(jwe::Sealed::parse(&sealed).unwrap().open(&agreement).unwrap())),
        "hpke_open": rate(|| drop(hpke::open(&agreement, b"info", b"aad", &share).unwrap())),
        "hash": rate(|| assert_ne!(suite.hash(MESSAGE), [0; 32])),
        "encrypt": rate(|| drop(suite.encrypt(&[1; 32], [0; 12], b"aad", MESSAGE))),
        "parse_key": rate(|| assert!(PublicKey::from_sec1(public.as_sec1()).is_ok())),
    });
    println!("{line}");
}

fn another_sm2() {
    let secret = sm2::SecretKey::from_slice(&[7; 32]).unwrap();
    let key = sm2::dsa::SigningKey::new("1234567812345678", &secret).unwrap();
    let signature = key.sign(MESSAGE);
    let line = json!({
        "library": "sm2",
        "sign": rate(|| assert_eq!(key.sign(MESSAGE).to_bytes().len(), 64)),
        "verify": rate(|| key.verifying_key().verify(MESSAGE, &signature).unwrap()),
    });
    println!("{line}");
}

/// Calls in a second: the best of several rounds.
fn rate(mut call: impl FnMut()) -> u64 {
    (0..ROUNDS).map(|_| round(&mut call)).max().unwrap_or_default()
}

fn round(call: &mut impl FnMut()) -> u64 {
    let (begun, mut calls) = (Instant::now(), 0_u128);
    while begun.elapsed() < SPAN {
        call();
        calls += 1;
    }
    u64::try_from(calls * 1_000_000 / begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
