//! What it would save to sign one tree root for many attestations, and what it would cost in bytes.
//!
//! `cargo xtask bench roots`; the last line is JSON, times in microseconds for one attestation. Signing each is measured
//! in the same rounds: only ratios of one run mean something on a machine that others use.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at a surprise"
)]

use std::time::Instant;

use cyberid_crypto::{Sign as _, SigningKey, base64url, jws};
use cyberid_domain::UnixTime;
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_protocol::attestation::{Attestation, acr};
use cyberid_protocol::message::Message as _;
use cyberid_tlog::hash::{Hash, leaf_hash, node_hash};
use serde::{Deserialize, Serialize};
use serde_json::json;

const ROUNDS: usize = 60;
const SIZES: [usize; 4] = [4, 8, 64, 256];
const TYP: &str = "attestation-root+jwt";

/// What would be signed once for a batch.
#[derive(Serialize, Deserialize)]
struct Root {
    iat: UnixTime,
    size: usize,
    hash: String,
}

/// What would stand in the place of an attestation's own signature.
#[derive(Serialize, Deserialize)]
struct Proof {
    index: usize,
    path: String,
    root: String,
}

fn main() {
    let key = SigningKey::from_scalar(&[7; 32]).unwrap();
    let bodies: Vec<String> = (0..256).map(|at| body(&key, at)).collect();
    let own = base64url::encode(&[0; 64]).len();
    let mut signed = f64::INFINITY;
    let mut batched = [f64::INFINITY; SIZES.len()];
    for _ in 0..ROUNDS {
        let some = bodies.get(..64).unwrap();
        signed = signed.min(time(some.len(), || sign_each(&key, some)));
        for (best, size) in batched.iter_mut().zip(SIZES) {
            let some = bodies.get(..size).unwrap();
            *best = best.min(time(size, || batch(&key, some)));
        }
    }
    println!("signed alone          {signed:>8.2} us each, {own:>5} bytes of signature");
    let mut lines = Vec::new();
    for (time, size) in batched.into_iter().zip(SIZES) {
        let bytes = check(&key, bodies.get(..size).unwrap());
        println!("one root for {size:<8} {time:>8.2} us each, {bytes:>5} bytes of proof");
        lines.push(
            json!({"size": size, "us": rounded(time), "saved_us": rounded(signed - time), "bytes_more": bytes - own}),
        );
    }
    println!(
        "{}",
        json!({"bench": "roots", "signed_us": rounded(signed), "batches": lines})
    );
}

fn sign_each(key: &SigningKey, bodies: &[String]) -> Vec<String> {
    let sign = |body: &String| base64url::encode(&key.sign(body.as_bytes()).unwrap());
    bodies.iter().map(sign).collect()
}

/// A proof for each body: the tree, its signed root, and the paths.
fn batch(key: &SigningKey, bodies: &[String]) -> Vec<String> {
    let mut levels = vec![
        bodies
            .iter()
            .map(|body| leaf_hash(body.as_bytes()))
            .collect::<Vec<Hash>>(),
    ];
    while levels.last().unwrap().len() > 1 {
        let above = levels.last().unwrap().chunks_exact(2).map(parent).collect();
        levels.push(above);
    }
    let root = Root {
        iat: UnixTime(1_800_000_000),
        size: bodies.len(),
        hash: base64url::encode(levels.last().unwrap().first().unwrap().as_bytes()),
    };
    let root = jws::sign(key, TYP, &root).unwrap();
    (0..bodies.len())
        .map(|index| proof(&levels, index, &root))
        .collect()
}

fn parent(pair: &[Hash]) -> Hash {
    let [left, right] = pair.try_into().unwrap();
    node_hash(left, right)
}

fn proof(levels: &[Vec<Hash>], index: usize, root: &str) -> String {
    let (_, below) = levels.split_last().unwrap();
    let sibling = |(height, level): (usize, &Vec<Hash>)| *level.get((index >> height) ^ 1).unwrap();
    let path: Vec<u8> = below
        .iter()
        .enumerate()
        .flat_map(|level| sibling(level).0)
        .collect();
    let proof = Proof {
        index,
        path: base64url::encode(&path),
        root: root.to_owned(),
    };
    serde_json::to_string(&proof).unwrap()
}

/// That each proof leads to the signed root, as a relying party would check it; the length of the longest.
fn check(key: &SigningKey, bodies: &[String]) -> usize {
    let proofs = batch(key, bodies);
    for (body, proof) in bodies.iter().zip(&proofs) {
        let proof: Proof = serde_json::from_str(proof).unwrap();
        let mut hash = leaf_hash(body.as_bytes());
        for (height, sibling) in base64url::decode(&proof.path)
            .unwrap()
            .chunks_exact(32)
            .enumerate()
        {
            let sibling = Hash::from_slice(sibling).unwrap();
            hash = if (proof.index >> height).is_multiple_of(2) {
                node_hash(hash, sibling)
            } else {
                node_hash(sibling, hash)
            };
        }
        let root: Root = jws::verify(&proof.root, TYP, &key.public_key()).unwrap();
        assert_eq!(root.hash, base64url::encode(hash.as_bytes()));
        assert_eq!(root.size, bodies.len());
    }
    proofs.iter().map(String::len).max().unwrap()
}

/// Microseconds for each of `count`.
fn time<T>(count: usize, work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let made = work();
    let elapsed = start.elapsed().as_secs_f64();
    drop(made);
    elapsed * 1e6 / f64::from(u32::try_from(count).unwrap())
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The header and the claims of an attestation, as they are signed.
fn body(key: &SigningKey, at: u64) -> String {
    let attestation = Attestation {
        iss: "https://id.example".into(),
        aud: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        iat: UnixTime(1_800_000_000 + at),
        exp: UnixTime(1_800_000_600 + at),
        jti: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        nonce: "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(),
        purpose: "register".into(),
        result: Outcome::Fail,
        checks: [
            (Check::RealPerson, Outcome::Pass),
            (Check::AgeOver18, Outcome::Pass),
        ]
        .into(),
        acr: acr(&[Factor::Device]),
        pad: String::new(),
        sub: None,
    };
    let compact = attestation.concluded("p".repeat(43)).sign(key).unwrap();
    compact.rsplit_once('.').unwrap().0.to_owned()
}
