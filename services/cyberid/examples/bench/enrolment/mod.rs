//! What an enrolment costs beside the hashing of its PIN: `cargo xtask bench enrolment`.
//!
//! Enrolments go end to end through the real platform on one core: key proof, the identity source's answer, the PIN's
//! hash, the reservation, five fields sealed to vault and custodian, and the commit, each durable where the cycle says
//! so, which the next enrolment does not wait for. Identity source, vault and custodian answer from processes of their own on
//! another core. Beside it, in the same round, Argon2id alone on the same core with its memory reused. The ratio of rates is
//! the one that counts; that of processor times says the same where others use the core too.

pub(crate) mod hashing;

use std::path::Path;

use clap::Args;
use cyberid_client::Client;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_protocol::enrolment::NonceAnswer;
use cyberid_protocol::key_proof::KeyProof;
use serde_json::{Value, json};

use crate::server::{FOLDER, Server, Setting};
use crate::traffic::http;
use crate::{load, people};

/// Whoever was born before this year is of age, and needs no guardian.
const BORN_BEFORE: &str = "2008";
/// How many people the source knows for each that is enrolled: some are too young.
const CHOICE: usize = 2;

/// What an enrolment costs beside the hashing of its PIN.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many people are enrolled in each round.
    #[arg(long, default_value_t = 300)]
    people: usize,
    /// How many rounds.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many enrolments are on their way at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

/// Measures, and tells the rounds on the way.
pub(crate) async fn measure(options: &Options) -> Value {
    let data = Path::new(FOLDER).join("enrolment");
    let _ = std::fs::remove_dir_all(&data);
    let needed = options.people * options.rounds;
    let setting = Setting {
        people: needed * CHOICE,
        ..Setting::default()
    };
    let server = Server::start(&data, setting).await;
    let people = adults(&server, setting.people).await;
    assert!(people.len() >= needed, "too few people are of age");
    let mut rounds = Vec::new();
    for people in people.chunks(options.people).take(options.rounds) {
        rounds.push(one_round(&server, people, rounds.len(), options).await);
    }
    server.stop();
    let middle = |name: &str| {
        let mut values: Vec<f64> = rounds.iter().map(|round| round[name].as_f64().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    json!({ "ratio": middle("ratio"), "processor_ratio": middle("processor_ratio"), "rounds": rounds })
}

/// Asked of the source itself: the platform takes no answer as long as this one.
async fn adults(server: &Server, people: usize) -> Vec<Value> {
    let platform = Client::new(&server.url).unwrap();
    let source: Value = platform.get("/sandbox/source").await.unwrap();
    let client = Client::new(source["url"].as_str().unwrap()).unwrap();
    let path = format!("/sandbox/people?limit={people}");
    let list: Value = client.get(&path).await.unwrap();
    let people = list["people"].as_array().unwrap().iter();
    let of_age = |person: &&Value| person["birth_date"].as_str().unwrap() < BORN_BEFORE;
    people.filter(of_age).cloned().collect()
}

async fn one_round(server: &Server, people: &[Value], round: usize, options: &Options) -> Value {
    let mut calls = Vec::with_capacity(people.len());
    for (number, person) in people.iter().enumerate() {
        calls.push(enrolment(server, person, round * people.len() + number).await);
    }
    let before = hashing::in_a_process(options.people / 2);
    let before_run = server.processor_time();
    let run = load::at_once(server.address, None, calls, options.connections).await;
    let busy = server.busy_since(before_run, run.elapsed);
    let after = hashing::in_a_process(options.people / 2);
    let hashes = f64::midpoint(before.per_second, after.per_second);
    let hash_ms = f64::midpoint(before.processor_ms, after.processor_ms);
    let rate = run.rate();
    let enrolment_ms = busy / rate * 1e3;
    let (ratio, processor_ratio) = (rate / hashes, hash_ms / enrolment_ms);
    eprintln!(
        "  {rate:.1} enrolments a second of {hashes:.1} hashes, {ratio:.3}; the server's core was busy for {busy:.2} of it"
    );
    eprintln!("  of processor time {enrolment_ms:.2} ms each, {hash_ms:.2} ms a hash, {processor_ratio:.3}");
    json!({
        "hashes_per_second": hashes,
        "enrolments_per_second": rate,
        "ratio": ratio,
        "processor_ratio": processor_ratio,
        "hash_processor_ms": hash_ms,
        "enrolment_processor_ms": enrolment_ms,
        "server_core": busy,
        "p50_ms": run.percentile(0.50),
    })
}

/// The call that enrols a person with a device of their own.
async fn enrolment(server: &Server, person: &Value, number: usize) -> Vec<u8> {
    let client = Client::new(&server.url).unwrap();
    let NonceAnswer { nonce, .. } = client.post_empty("/v1/nonces").await.unwrap();
    let proof = KeyProof {
        aud: server.url.clone(),
        nonce,
        iat: SystemClock.now(),
    };
    let device = people::device(u32::try_from(number).unwrap());
    let body = json!({
        "document": person["document"], "evidence": person["evidence"], "pin": people::PIN,
        "key_proof": proof.sign(&device).unwrap(), "locale": "en"
    });
    http("POST", "/v1/enrolments", "", &body)
}
