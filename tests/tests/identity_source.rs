//! The line to the identity source, with a source that is a process of its own: one that is down, and one behind mutual TLS.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use cyberid_client::{Client, ClientError, Limits, Tls};
use cyberid_domain::clock::SystemClock;
use cyberid_domain::device::AlertKind;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, HolderError, Platform, Tree};
use cyberid_protocol::enrolment::Enrolled;
use cyberid_protocol::problem::ProblemType;
use journeys::{Citizen, Person, Process, TestPlatform, executable, free_address};
use serde_json::{Value, json};

/// So many failures open the circuit.
const FAILURES: usize = 5;

/// A source in a process of its own.
struct Source {
    process: Process,
    url: String,
    _data: tempfile::TempDir,
}

impl Source {
    async fn start(more: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (folder, listen) = (data.path().display().to_string(), free_address().to_string());
        let common = [
            "identity-source",
            "--suite",
            journeys::suite().name(),
            "--people",
            "300",
            "--data",
            &folder,
            "--listen",
            &listen,
        ];
        let process = Process::start(&[&common, more].concat()).await;
        Self {
            url: process.url().to_owned(),
            process,
            _data: data,
        }
    }

    /// The table that has a platform ask this source.
    fn table(&self, more: &str) -> String {
        let jwk = |name: &str| {
            let members = self.process.said(name).as_object().unwrap().iter();
            let members: Vec<_> = members.map(|(name, value)| format!("{name} = {value}")).collect();
            format!("{name} = {{ {} }}\n", members.join(", "))
        };
        let (signing, encryption) = (jwk("signing_jwk"), jwk("encryption_jwk"));
        format!(
            "[identity_source]\nurl = '{}'\n{signing}{encryption}{more}",
            self.url
        )
    }
}

async fn enrol(platform: &TestPlatform, person: &Person) -> Result<Enrolled, HolderError> {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let met = Platform::contact(platform.client.clone(), clock.clone())
        .await
        .unwrap();
    let key = DeviceKey::make_of(met.suite(), &SystemRng).unwrap();
    let holder = Holder::resume(met, Tree::default(), key.signer(), clock, rng).unwrap();
    holder.enrol(&person.enrolment()).await
}

async fn refusal(platform: &TestPlatform, person: &Person) -> Option<ProblemType> {
    match enrol(platform, person).await {
        Err(HolderError::Client(error)) => error.problem(),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

async fn metrics(platform: &TestPlatform) -> String {
    String::from_utf8(platform.client.get_bytes("/metrics").await.unwrap()).unwrap()
}

fn cyberid(line: &str) -> Value {
    let ran = Command::new(executable())
        .args(line.split_whitespace())
        .env_clear()
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[tokio::test]
async fn a_source_that_is_down_opens_the_circuit_and_nobody_enrols_meanwhile() {
    let source = Source::start(&["--faults"]).await;
    let platform = TestPlatform::start_with(&source.table("")).await;
    let person = platform.adult(0).await;
    let fault = |kind: &str| cyberid(&format!("source fault {kind} --source {} --json", source.url));
    assert_eq!(fault("down"), json!({"kind": "down"}));
    for _ in 0..FAILURES {
        assert_eq!(
            refusal(&platform, &person).await,
            Some(ProblemType::SourceUnavailable)
        );
    }
    assert!(
        metrics(&platform)
            .await
            .contains("source_circuit_open{line=\"checks\"} 1")
    );

    // It is well again, and not asked yet: whoever enrols is told so at once, and told when to come again.
    fault("none");
    let body = json!({
        "document": {"type": person.document.kind, "name": person.document.name,
            "number": person.document.number, "valid_until": person.document.valid_until},
        "evidence": {"kind": person.evidence.kind, "token": person.evidence.token},
        "pin": "27182845", "key_proof": fresh_proof(&platform).await, "locale": "en",
    });
    let call = reqwest::Client::new()
        .post(format!("{}/v1/enrolments", platform.url()))
        .json(&body);
    let answer = call.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    let wait: u64 = answer
        .headers()
        .get("retry-after")
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=15).contains(&wait), "{wait}");
    let answer: Value = answer.json().await.unwrap();
    assert!(answer.to_string().contains("source-unavailable"), "{answer}");

    tokio::time::sleep(Duration::from_secs(wait + 1)).await;
    assert_eq!(
        refusal(&platform, &person).await,
        None,
        "one question tries, and finds it well"
    );
    assert!(
        metrics(&platform)
            .await
            .contains("source_circuit_open{line=\"checks\"} 0")
    );
}

async fn fresh_proof(platform: &TestPlatform) -> String {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let met = Platform::contact(platform.client.clone(), clock.clone())
        .await
        .unwrap();
    let key = DeviceKey::make_of(met.suite(), &SystemRng).unwrap();
    let holder = Holder::resume(met, Tree::default(), key.signer(), clock, rng).unwrap();
    holder.device_request().await.unwrap()
}

/// An authority, and certificates of it for `localhost` and for a client.
fn make_certificates(at: &Path) {
    fs::write(at.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        at,
        &format!("req -x509 {key} -subj /CN=ca -keyout ca.key -out ca.pem"),
    );
    for name in ["server", "client"] {
        openssl(
            at,
            &format!("req {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
        );
        let of_ca = "-CA ca.pem -CAkey ca.key -CAcreateserial -extfile names";
        openssl(at, &format!("x509 -req -in {name}.csr {of_ca} -out {name}.pem"));
    }
}

fn openssl(at: &Path, line: &str) {
    let ran = Command::new("openssl")
        .args(line.split(' '))
        .current_dir(at)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "openssl {line}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

fn tls(authority: &Path, identity: Option<&Path>) -> Tls {
    let read = |path: &Path, file: &str| fs::read(path.join(file)).unwrap();
    Tls {
        authority: Some(read(authority, "ca.pem")),
        identity: identity.map(|at| (read(at, "client.pem"), read(at, "client.key").into())),
    }
}

#[tokio::test]
async fn platform_and_source_know_each_other_by_their_certificates() {
    let (own, foreign) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (own, foreign) = (own.path(), foreign.path());
    make_certificates(own);
    make_certificates(foreign);
    let file = |name: &str| own.join(name).display().to_string();
    let (certificate, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let mut source = Source::start(&[
        "--tls-certificate",
        &certificate,
        "--tls-key",
        &key,
        "--client-ca",
        &ca,
    ])
    .await;
    let port = source.url.rsplit(':').next().unwrap().to_owned();
    source.url = format!("https://localhost:{port}");
    let table = |authority: &Path, shown: &Path| {
        source.table(&format!(
            "tls = {{ authority = '{}/ca.pem', certificate = '{1}/client.pem', key = '{1}/client.key' }}\n",
            authority.display(),
            shown.display()
        ))
    };

    // Without a certificate a phone shows its face, and nobody asks who is whose.
    let questions = ["/v1/identity-checks", "/v1/notices"];
    let bare = Client::over_tls(&source.url, Limits::default(), &tls(own, None)).unwrap();
    for path in questions {
        let answer = bare.post::<_, Value>(path, &json!({"sealed": "x"})).await;
        assert_eq!(
            answer.unwrap_err().problem(),
            Some(ProblemType::Unauthenticated),
            "{path}"
        );
    }
    let shown = Client::over_tls(&source.url, Limits::default(), &tls(own, Some(own))).unwrap();
    for path in questions {
        let answer = shown.post::<_, Value>(path, &json!({"sealed": "x"})).await;
        assert_eq!(
            answer.unwrap_err().problem(),
            Some(ProblemType::InvalidMessage),
            "{path}"
        );
    }
    let wrong = Client::over_tls(&source.url, Limits::default(), &tls(own, Some(foreign))).unwrap();
    let answer = wrong
        .post::<_, Value>("/v1/notices", &json!({"sealed": "x"}))
        .await;
    assert!(matches!(answer, Err(ClientError::Unreachable(_))), "{answer:?}");

    let platform = TestPlatform::start_with(&table(own, own)).await;
    let citizen = Citizen::enrol(platform.client.clone(), person(&shown).await).await;
    let body = json!({"type": citizen.person.document.kind, "number": citizen.person.document.number,
        "happening": "document_lost"});
    let _: Value = shown.post("/sandbox/happenings", &body).await.unwrap();
    told_of_the_loss(&citizen).await;

    let someone = person(&shown).await;
    for (authority, shown) in [(foreign, own), (own, foreign)] {
        let platform = TestPlatform::start_with(&table(authority, shown)).await;
        assert_eq!(
            refusal(&platform, &someone).await,
            Some(ProblemType::SourceUnavailable)
        );
    }
}

/// The first person of the source who can enrol without anybody's consent.
async fn person(source: &Client) -> Person {
    let people: Value = source.get("/sandbox/people?limit=200").await.unwrap();
    let people: Vec<Person> = serde_json::from_value(people.get("people").unwrap().clone()).unwrap();
    let adult = |person: &Person| ("1950".."2000").contains(&person.birth_date.get(..4).unwrap());
    people.into_iter().find(adult).unwrap()
}

async fn told_of_the_loss(citizen: &Citizen) {
    for _ in 0..300 {
        let alerts = citizen.holder.alerts().await.unwrap();
        if alerts
            .iter()
            .any(|alert| alert.kind == AlertKind::DocumentInvalid)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the notice does not arrive");
}
