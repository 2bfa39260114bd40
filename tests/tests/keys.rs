//! The private keys of a running platform: in a file and in a token, turned under load, and changed by ceremony.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cyberid_client::key_file::PrivateKey;
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::testing::{LABEL, PIN as TOKEN_PIN, SoftHsm};
use cyberid_protocol::discovery::{PlatformKey, PlatformKeys};
use cyberid_protocol::key_certificate::KeyCertificate;
use journeys::{Granted, Suite, TestPlatform, executable, verified_sub};
use serde_json::Value;

/// How many seconds a key is published before these tests use it: longer than a relying party waits before it asks anew.
const AHEAD: u64 = 11;

/// How long somebody rests after each verification.
const PAUSE: Duration = Duration::from_millis(700);

/// Runs `cyberid keys ..`, the words separated by spaces.
fn keys(line: &str) -> Output {
    let mut command = Command::new(executable());
    let command = command.arg("keys").args(line.split_whitespace());
    command.env("CYBERID_LOG", "warn").output().unwrap()
}

/// Runs `cyberid keys .. --json`, which has to do it.
fn done(line: &str) -> Value {
    let ran = keys(&format!("{line} --json"));
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "keys {line}: {complained}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn refused(line: &str) -> String {
    let ran = keys(line);
    assert!(!ran.status.success(), "keys {line}");
    String::from_utf8(ran.stderr).unwrap()
}

fn column<'a>(rows: &'a Value, name: &str) -> Vec<&'a str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[name].as_str().unwrap()).collect()
}

fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

async fn published(platform: &TestPlatform) -> Vec<PlatformKey> {
    let keys: PlatformKeys = platform.client.get("/.well-known/jwks.json").await.unwrap();
    keys.keys
}

/// The rows of the table in docs/keys.md: role, holder, place with a token.
fn table() -> Vec<[&'static str; 3]> {
    const PAGE: &str = include_str!("../../docs/keys.md");
    let lines = PAGE.lines().skip_while(|line| !line.starts_with("| role |"));
    let rows = lines.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        [cells[0], cells[2], cells[3]]
    })
    .collect()
}

/// What the table says of a process that is everything but a witness and an identity source, and has a token, in a suite,
/// or none. A token has no keys of the second suite inside, but signs notes in each.
fn documented(token: Option<Suite>) -> BTreeSet<(&'static str, &'static str)> {
    let inside = |role| token == Some(Suite::Nist) || (token.is_some() && role == "ledger");
    let rows = table().into_iter();
    let held = rows.filter(|[_, holder, _]| {
        let mut holders = holder.split(", ");
        holders.any(|holder| ["platform", "vault", "custodian"].contains(&holder))
    });
    held.map(|[role, _, place]| (role, if inside(role) { place } else { "memory" }))
        .collect()
}

fn held(data: &str, more: &str) -> BTreeSet<(String, String)> {
    let rows = done(&format!("list --data {data} {more}"));
    let roles = column(&rows, "role").into_iter().map(str::to_owned);
    roles
        .zip(column(&rows, "place").into_iter().map(str::to_owned))
        .collect()
}

fn owned(rows: BTreeSet<(&str, &str)>) -> BTreeSet<(String, String)> {
    let rows = rows.into_iter();
    rows.map(|(role, place)| (role.to_owned(), place.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_turn_under_load_and_nobody_is_refused() {
    const TURNED: [&str; 4] = ["attestation", "request", "message", "certificate"];
    let platform = TestPlatform::start_with("[quota]\nburst = 100000\nper_second = 100000\n").await;
    let data = platform.data().display().to_string();
    assert_eq!(held(&data, ""), owned(documented(None)), "docs/keys.md");
    let party = Arc::new(platform.relying_party().await);
    let (verified, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut people = Vec::new();
    for index in 0..4 {
        let citizen = platform.citizen(index).await;
        let (party, verified, stop) = (Arc::clone(&party), Arc::clone(&verified), Arc::clone(&stop));
        people.push(tokio::spawn(async move {
            let first = verified_sub(&party, &citizen).await;
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(verified_sub(&party, &citizen).await, first);
                // A person may call so often and no more.
                tokio::time::sleep(PAUSE).await;
                verified.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }
    let active = |role: &str| {
        let rows = done(&format!("list --data {data}"));
        let rows = rows.as_array().unwrap().clone();
        let row = rows
            .into_iter()
            .find(|row| row["role"] == role && row["state"] == "active");
        row.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let before = TURNED.map(active);
    for role in TURNED {
        done(&format!("prepare --data {data} {role}"));
        let early = refused(&format!("rotate --data {data} {role}"));
        assert!(early.contains("not published for long enough"), "{early}");
    }
    tokio::time::sleep(Duration::from_secs(AHEAD + 2)).await;
    let announced: Vec<_> = published(&platform).await;
    let next: Vec<_> = announced.iter().filter(|key| key.state == "next").collect();
    assert_eq!(next.len(), 3, "those that sign are published before they do");
    let so_far = verified.load(Ordering::SeqCst);
    assert!(so_far > 0, "somebody was verified meanwhile");
    for role in TURNED {
        done(&format!("rotate --data {data} --ahead {AHEAD} {role}"));
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let after = TURNED.map(active);
    for (was, is) in before.iter().zip(&after) {
        assert_ne!(was, is);
    }
    for key in published(&platform)
        .await
        .iter()
        .filter(|key| key.state == "active")
    {
        let kid = key.jwk.kid.clone().unwrap_or_default();
        assert!(!before.contains(&kid), "{} is in use still", key.role);
    }
    assert!(
        verified.load(Ordering::SeqCst) > so_far,
        "somebody was verified since"
    );
    // Somebody new meets the new keys.
    verified_sub(&platform.relying_party().await, &platform.citizen(4).await).await;
    stop.store(true, Ordering::SeqCst);
    for citizen in people {
        citizen.await.unwrap();
    }
    // A stolen key: changed at once, revoked, and gone from the key set.
    done(&format!("rotate --data {data} --ahead 0 event"));
    done(&format!("revoke --data {data} {}", before[0]));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let left = published(&platform).await;
    assert!(
        left.iter()
            .all(|key| key.jwk.kid.as_deref() != Some(before[0].as_str()))
    );
    let pinned = refused(&format!("rotate --data {data} --ahead 0 ledger"));
    assert!(pinned.contains("--regardless"), "{pinned}");
    done(&format!("check --data {data} --for all"));
}

#[tokio::test]
async fn an_attestation_key_is_vouched_for_by_the_root() {
    let platform = TestPlatform::start().await;
    let keys = published(&platform).await;
    let of = |role: &str| keys.iter().find(|key| key.role == role).unwrap();
    let key = |key: &PlatformKey| (&key.jwk).try_into().unwrap();
    let (root, attestation) = (key(of("attestation-root")), key(of("attestation")));
    let certificate = of("attestation").certificate.as_deref().unwrap();
    let now = SystemClock.now();
    let checked = KeyCertificate::check(certificate, &root, "attestation", &attestation, now);
    assert_eq!(checked, Ok(()));
    assert!(of("request").certificate.is_none());
}

#[test]
fn a_platform_on_a_token_enrols_verifies_and_releases() {
    SoftHsm::start().run_test("on_a_token");
}

#[test]
fn a_platform_of_the_sm_suite_on_a_token_enrols_verifies_and_releases() {
    SoftHsm::start().run_test("on_a_token_in_sm");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a test above, in a process that sees a token"]
async fn on_a_token() {
    Box::pin(works_on_a_token(Suite::Nist)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a test above, in a process that sees a token"]
async fn on_a_token_in_sm() {
    Box::pin(works_on_a_token(Suite::Sm)).await;
}

async fn works_on_a_token(suite: Suite) {
    let folder = tempfile::tempdir().unwrap();
    let pin = folder.path().join("pin");
    private(&pin, TOKEN_PIN);
    let config = format!(
        "[keystore]\nkind = 'pkcs11'\nmodule = '{}'\ntoken = '{LABEL}'\npin_file = '{}'\n",
        SoftHsm::module().display(),
        pin.display()
    );
    let platform = TestPlatform::start_in_with(suite, &config).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &citizen).await;
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    let name = released.field(Field::Name).unwrap().expose();
    assert_eq!(name, citizen.person.document.name);

    let (data, config) = (platform.data(), platform.data().join("cyberid.toml"));
    let (data, more) = (
        data.display().to_string(),
        format!("--config {}", config.display()),
    );
    assert_eq!(held(&data, &more), owned(documented(Some(suite))), "docs/keys.md");
    let tried = done(&format!("check --data {data} {more} --for all"));
    assert!(
        tried
            .as_array()
            .unwrap()
            .iter()
            .all(|tried| tried["works"] == true)
    );
    done(&format!("rotate --data {data} {more} --ahead 0 event"));
    done(&format!("rotate --data {data} {more} --ahead 0 certificate"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    verified_sub(&party, &platform.citizen(1).await).await;

    let platform = platform.killed_and_restarted().await;
    let party = platform.relying_party().await;
    assert_eq!(
        verified_sub(&party, &citizen).await,
        sub,
        "the same keys after a crash"
    );
}

/// A ceremony's file.
fn ceremony(keystore: Option<&str>, steps: &str) -> String {
    let keystore = keystore.map_or_else(String::new, |id| format!("keystore = '{id}'\n"));
    format!("name = 'n'\nplace = 'p'\nnot_after = '2999-12-31'\n{keystore}{steps}")
}

/// Makes a key of an operator, and says how it is pinned.
fn operator(folder: &Path, name: &str) -> String {
    let key = PrivateKey::make(&SystemRng);
    key.save(&folder.join(name)).unwrap();
    let jwk = key.public_key().to_jwk();
    let (x, y) = (&jwk.x, &jwk.y);
    format!(
        "[[keystore.operators]]\nname = '{name}'\njwk = {{ kty = 'EC', crv = 'P-256', x = '{x}', y = '{y}' }}\n"
    )
}

/// No transcript that differs in one word is believed.
fn bent_transcripts_are_refused(transcript: &str, verify: impl Fn(&str) -> bool) {
    for (from, to) in [
        ("\"retained\"", "\"active\""),
        ("\"revoked\"", "\"retained\""),
        ("\"bob\"", "\"carol\""),
        ("act = 'rotate'", "act = 'prepare'"),
        ("\"destroyed\"", "\"memory\""),
    ] {
        if transcript.contains(from) {
            assert!(!verify(&transcript.replacen(from, to, 1)), "{from} -> {to}");
        }
    }
    assert!(verify(transcript), "the one that is not bent");
}

#[test]
fn a_ceremony_needs_two_operators_and_leaves_a_transcript() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    private(&folder.path().join("passphrase"), "correct horse battery staple");
    let mut config = format!("passphrase_file = '{}'\n", path("passphrase"));
    for name in ["alice", "bob", "mallory"] {
        let pinned = operator(folder.path(), name);
        if name != "mallory" {
            config.push_str(&pinned);
        }
    }
    std::fs::write(path("config"), config).unwrap();
    let place = format!("--data {} --config {}", path("data"), path("config"));
    let sign = |file: &str, name: &str| {
        let signed = done(&format!("sign-ceremony {} --key {}", path(file), path(name)));
        std::fs::write(
            path(&format!("{file}.{name}")),
            signed["signature"].as_str().unwrap(),
        )
        .unwrap();
    };
    let hold = |file: &str, names: [&str; 2]| {
        let [one, two] = names.map(|name| path(&format!("{file}.{name}")));
        let transcript = path(&format!("{file}.json"));
        keys(&format!(
            "ceremony {} {place} --signature {one} --signature {two} --transcript {transcript} --json",
            path(file)
        ))
    };
    let first = "[[step]]\nact = 'make'\nrole = 'ceremony'\n[[step]]\nact = 'make'\nrole = 'certificate'\n";
    std::fs::write(path("first"), ceremony(None, first)).unwrap();
    for name in ["alice", "bob", "mallory"] {
        sign("first", name);
    }
    for names in [["alice", "alice"], ["alice", "mallory"]] {
        assert!(!hold("first", names).status.success(), "{names:?}");
    }
    assert!(!folder.path().join("first.json").exists(), "nothing was held");
    assert!(hold("first", ["alice", "bob"]).status.success());
    let verify = |transcript: &str| keys(&format!("ceremony --verify {} {place}", path(transcript)));
    assert!(verify("first.json").status.success());

    let rows = done(&format!("list {place}"));
    let id = |role: &str| {
        let rows = rows.as_array().unwrap().iter();
        let mut active = rows.filter(|row| row["role"] == role && row["state"] == "active");
        active.next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    done(&format!("check {place}"));
    assert!(
        !keys(&format!("check {place} --for all")).status.success(),
        "roles are missing"
    );
    let by_ceremony_only = refused(&format!("rotate {place} --ahead 0 certificate"));
    assert!(by_ceremony_only.contains("ceremony"), "{by_ceremony_only}");
    let steps = format!(
        "[[step]]\nact = 'rotate'\nrole = 'certificate'\n[[step]]\nact = 'revoke'\nkey = '{}'\n",
        id("certificate")
    );
    for (file, keystore) in [("second", id("ceremony")), ("elsewhere", "AAAA".into())] {
        std::fs::write(path(file), ceremony(Some(&keystore), &steps)).unwrap();
        sign(file, "alice");
        sign(file, "bob");
    }
    assert!(
        !hold("elsewhere", ["alice", "bob"]).status.success(),
        "another keystore's"
    );
    let second = hold("second", ["bob", "alice"]);
    assert!(second.status.success());
    assert!(verify("second.json").status.success());
    std::fs::remove_file(path("second.json")).unwrap();
    assert!(!hold("second", ["bob", "alice"]).status.success(), "once only");

    let transcript = String::from_utf8(second.stdout).unwrap();
    bent_transcripts_are_refused(&transcript, |bent| {
        std::fs::write(path("bent.json"), bent).unwrap();
        verify("bent.json").status.success()
    });
}
