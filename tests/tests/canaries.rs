//! Nothing of who somebody is stays where none of it belongs: the short form of `cargo xtask canaries`, and a stolen store.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use cyberid_crypto::{Mac as _, base64url};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::document::DocumentType;
use cyberid_domain::rng::SystemRng;
use cyberid_domain::secret::SecretBytes;
use cyberid_keystore::{Keystore, role};
use journeys::canaries::{self, Plan, values_in};
use journeys::{Citizen, Suite, TestPlatform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trace_of_a_person_is_in_a_file_a_log_or_a_memory() {
    let plan = Plan {
        people: 20,
        releases: 4,
        workers: 4,
    };
    let report = canaries::run(plan, &|_, _, _| {}).await;
    assert!(report.can_find(), "{report:#?}");
    assert_eq!(report.found, 0, "{report:#?}");
    assert!(report.cores == 4 && report.bytes > 10_000_000, "{report:#?}");
    assert!(report.known_before * 50 < report.patterns, "{report:#?}");
}

#[tokio::test]
async fn a_process_dumps_no_core_unless_a_sandbox_says_so() {
    let limits = |platform: &TestPlatform| {
        let text = std::fs::read_to_string(format!("/proc/{}/limits", platform.process_id())).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap()
            .to_owned();
        line.split_whitespace()
            .skip(4)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let usual = TestPlatform::start().await;
    assert_eq!(limits(&usual)[..2], ["0", "0"]);
    let open = TestPlatform::start_with("[process]\ncore_dumps = 'allowed'\n").await;
    assert_ne!(limits(&open)[1], "0", "the limit that the test was started with");
}

/// How many people a thief has a good idea of.
const KNOWN: usize = 3;

#[tokio::test]
async fn a_dump_and_a_thousand_likely_numbers_recover_nobody() {
    a_dump_recovers_nobody(Suite::Nist, 1000).await;
}

/// Fewer numbers: what they show is that the hash is another, and it takes longer.
#[tokio::test]
async fn a_dump_of_the_sm_suite_and_a_hundred_likely_numbers_recover_nobody() {
    a_dump_recovers_nobody(Suite::Sm, 100).await;
}

/// A stolen store, and many numbers for each person of whom a thief knows region and day of birth: the true one
/// is among them. The thief tries every hash, and every value of the stores as a key or beside the number.
async fn a_dump_recovers_nobody(suite: Suite, many: usize) {
    let platform = TestPlatform::start_in(suite).await;
    let mut people = Vec::new();
    for index in 0..100 {
        let person = platform.adult(index).await;
        if person.document.kind == DocumentType::ResidentIdCard {
            people.push(person.document.number.clone());
            Citizen::enrol(platform.client.clone(), person).await;
        }
        if people.len() == KNOWN {
            break;
        }
    }
    let folder = platform.stopped().await;
    let values = values_in(folder.path());
    assert!(values.len() > 20 * KNOWN, "{}", values.len());
    let likely: Vec<Vec<String>> = people.iter().map(|number| likely_numbers(number, many)).collect();
    assert!(
        likely
            .iter()
            .zip(&people)
            .all(|(likely, number)| likely.len() == many && likely.contains(number))
    );

    let recovered = |tried: &dyn Fn(&str) -> bool| {
        likely
            .iter()
            .filter(|numbers| numbers.iter().any(|number| tried(number)))
            .count()
    };
    assert_eq!(recovered(&|number| unkeyed(suite, number, &values)), 0);

    // The same thief with the key of the index finds everybody: the numbers are the right ones, and so is the tag's place.
    let passphrase: SecretBytes = std::fs::read(folder.path().join("passphrase")).unwrap().into();
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let keystore = Keystore::open(&folder.path().join("keys"), &passphrase, clock, rng).unwrap();
    let index = keystore.mac::<role::Index>().unwrap();
    let tag = |number: &str| index.mac(&[b"cyberid/v1/person", b"resident_id_card", number.as_bytes()]);
    assert_eq!(
        recovered(&|number| values.contains(tag(number).as_slice())),
        KNOWN
    );
}

/// So many numbers of the same region and day (GB 11643: three digits, and the check digit that follows), itself among
/// them.
fn likely_numbers(number: &str, many: usize) -> Vec<String> {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let checked = |order: usize| {
        let digits = format!("{}{order:03}", &number[..14]);
        let sum: u32 = digits
            .bytes()
            .zip(weights)
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        let check = b"10X98765432"[(sum % 11) as usize];
        format!("{digits}{}", char::from(check))
    };
    let own: usize = number[14..17].parse().unwrap();
    let first = own / many * many;
    (first..first + many).map(checked).collect()
}

/// Whether anything that needs no key leads from this number to a value of the stores, by the hash of the suite.
fn unkeyed(suite: Suite, number: &str, values: &BTreeSet<Vec<u8>>) -> bool {
    let forms = [number.to_owned(), format!("resident_id_card|{number}")];
    let met = |hash: [u8; 32]| {
        values.contains(hash.as_slice()) || values.contains(base64url::encode(&hash).as_bytes())
    };
    forms.iter().any(|form| {
        let form = form.as_bytes();
        let parts: [&[u8]; 3] = [b"cyberid/v1/person", b"resident_id_card", number.as_bytes()];
        values.contains(form)
            || met(suite.hash(form))
            || met(suite.hash(&suite.hash(form)))
            || met(suite.hmac_parts(&[], &parts))
            || values.iter().any(|value| {
                met(suite.hmac_parts(value, &[form]))
                    || met(suite.hmac_parts(value, &parts))
                    || met(suite.hmac_parts(form, &[value.as_slice()]))
                    || met(suite.hash(&[value.as_slice(), form].concat()))
                    || met(suite.hash(&[form, value.as_slice()].concat()))
            })
    })
}
