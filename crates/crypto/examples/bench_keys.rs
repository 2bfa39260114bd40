//! What tables for public keys that come back would save, and what they would cost.
//!
//! `cargo xtask bench keys`; the last line is JSON. The check in use is measured in the same rounds: only ratios of one run
//! mean something on a machine that others use.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at a surprise"
)]

mod known_key;

use std::hint::black_box;
use std::time::{Duration, Instant};

use cyberid_crypto::{PublicKey, Sign as _, SigningKey, jws};
use serde_json::json;

use known_key::KnownKey;

const ROUNDS: usize = 200;
const CALLS: u32 = 50;
const KEYS: u8 = 250;

/// What one relying party's calls look like to the platform: a key, and a signature of its own for each.
struct Caller {
    key: PublicKey,
    known: KnownKey,
    signatures: Vec<(Vec<u8>, [u8; 64])>,
}

/// One thing that is measured.
struct Work<'a> {
    name: &'static str,
    run: Box<dyn FnMut(u32) + 'a>,
    calls: u32,
    times: Vec<f64>,
}

fn main() {
    let first = Instant::now();
    drop(KnownKey::new(&signer(1).public_key()));
    let first = first.elapsed();
    let callers: Vec<Caller> = (1..=KEYS).map(caller).collect();
    callers.iter().for_each(agree);
    let mut works = works(&callers);
    for _ in 0..ROUNDS {
        works.iter_mut().for_each(Work::round);
    }
    report(&mut works, first);
}

fn works(callers: &[Caller]) -> Vec<Work<'_>> {
    let alone = callers.first().unwrap();
    vec![
        Work::new("bare", |at| {
            let (message, signature) = pick(&alone.signatures, at);
            jws::verify_signature(&alone.key, message, signature).unwrap();
        }),
        Work::new("known", |at| {
            let (message, signature) = pick(&alone.signatures, at);
            assert!(alone.known.verify(message, signature));
        }),
        Work::new("known_of_many", |at| {
            let caller = pick(callers, at.wrapping_mul(101));
            let (message, signature) = pick(&caller.signatures, at);
            assert!(caller.known.verify(message, signature));
        }),
        Work::new("build_25th", |at| {
            if at.is_multiple_of(25) {
                drop(black_box(KnownKey::new(&alone.key)));
            }
        }),
    ]
}

impl<'a> Work<'a> {
    fn new(name: &'static str, run: impl FnMut(u32) + 'a) -> Self {
        Self {
            name,
            run: Box::new(run),
            calls: 0,
            times: Vec::new(),
        }
    }

    /// Measures the microseconds of a call.
    fn round(&mut self) {
        let start = Instant::now();
        for _ in 0..CALLS {
            (self.run)(self.calls);
            self.calls += 1;
        }
        self.times
            .push(start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }
}

fn report(works: &mut [Work<'_>], first: Duration) {
    for work in works.iter_mut() {
        work.times.sort_by(f64::total_cmp);
    }
    let times = |name: &str| works.iter().find(|work| work.name == name).unwrap().times.iter();
    let best = |name: &str| rounded(*times(name).next().unwrap());
    let median = |name: &str| rounded(*times(name).nth(ROUNDS / 2).unwrap());
    for Work { name, .. } in works.iter() {
        println!(
            "{name:<18} best {:>9.2} us, median {:>9.2} us",
            best(name),
            median(name)
        );
    }
    println!(
        "{}",
        json!({
            "bench": "keys",
            "bare_us": best("bare"),
            "known_us": best("known"),
            "known_of_many_us": best("known_of_many"),
            "gain": rounded(best("bare") / best("known")),
            "gain_of_many": rounded(best("bare") / best("known_of_many")),
            "build_us": rounded(best("build_25th") * 25.0),
            "first_build_ms": rounded(first.as_secs_f64() * 1e3),
            "bytes_per_key": KnownKey::BYTES,
        })
    );
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn signer(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).unwrap()
}

fn caller(number: u8) -> Caller {
    let key = signer(number);
    let signed = |at: u8| {
        let message = vec![at; 600];
        let signature = key.sign(&message).unwrap();
        (message, signature)
    };
    Caller {
        key: key.public_key(),
        known: KnownKey::new(&key.public_key()).unwrap(),
        signatures: (0..32).map(signed).collect(),
    }
}

/// What is measured is the same check: both take every signature, and neither takes one with a bit turned.
fn agree(caller: &Caller) {
    for (at, (message, signature)) in caller.signatures.iter().enumerate() {
        let mut altered = *signature;
        *altered.get_mut(at * 2).unwrap() ^= 1;
        for (signature, good) in [(signature, true), (&altered, false)] {
            let bare = jws::verify_signature(&caller.key, message, signature);
            assert_eq!(bare.is_ok(), good);
            assert_eq!(caller.known.verify(message, signature), good);
        }
    }
}

fn pick<T>(all: &[T], at: u32) -> &T {
    all.get(at as usize % all.len()).unwrap()
}
