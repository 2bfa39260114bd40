//! The platform in its second suite: the same journey as in the first, and neither takes anything of the other.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use cyberid_client::{Client, ClientError};
use cyberid_crypto::{Jwk, Suite, base64url};
use cyberid_domain::check::{Check, Factor, Outcome};
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::field::Field;
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{DeviceKey, Holder, HolderError, Pins, Platform, ReviewedRequest, Tree, check_receipt};
use cyberid_protocol::audit::AuditSummary;
use cyberid_protocol::discovery::{Discovery, PlatformKeys};
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::Registered;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, Particulars, RelyingParty, RpKeys, VerifiedOutcome, registration};
use journeys::{Citizen, Granted, PIN, Process, TestPlatform, executable, free_address, verified_sub};
use serde_json::{Value, json};

fn ask() -> Ask {
    Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson, Check::AgeOver18],
        factors: vec![Factor::Pin],
        ..Ask::default()
    }
}

fn header(compact: &str) -> Value {
    let header = base64url::decode(compact.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

#[tokio::test]
async fn the_whole_journey_in_the_sm_suite() {
    let mut platform = TestPlatform::start_in(Suite::Sm).await;
    everything_published_is_of(&platform, Suite::Sm).await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    assert_eq!(citizen.key.public_key().suite(), Suite::Sm);
    assert_eq!(
        header(&citizen.enrolled.credential)["alg"],
        Suite::Sm.signing_alg()
    );
    verifies_both_ways(&citizen, &party).await;
    released_withdrawn_and_erased(&platform, &citizen, &party).await;
    platform = platform.killed_and_restarted().await;
    everything_published_is_of(&platform, Suite::Sm).await;
    verifies_both_ways(&citizen, &party).await;
    the_auditor_finds_it_clean(&platform);
}

/// Discovery says which suite runs, and every key that is published is of it.
async fn everything_published_is_of(platform: &TestPlatform, suite: Suite) {
    let discovery: Discovery = platform.client.get("/.well-known/cyberid").await.unwrap();
    assert_eq!(discovery.suite, suite);
    assert_eq!(discovery.signing_alg, suite.signing_alg());
    let published: PlatformKeys = platform.client.get("/.well-known/jwks.json").await.unwrap();
    let signing = published
        .keys
        .into_iter()
        .map(|key| (key.jwk, suite.signing_alg()));
    let all: Vec<(Jwk, &str)> = signing
        .chain([(discovery.encryption_jwk, suite.agreement_alg())])
        .collect();
    assert!(all.len() > 5);
    for (jwk, alg) in all {
        assert_eq!((jwk.crv.as_str(), jwk.alg.as_deref()), (suite.curve(), Some(alg)));
    }
    let metadata: Value = platform
        .client
        .get("/.well-known/oauth-authorization-server")
        .await
        .unwrap();
    assert_eq!(
        metadata["dpop_signing_alg_values_supported"],
        json!([suite.signing_alg()])
    );
}

async fn verifies_both_ways(citizen: &Citizen, party: &RelyingParty) {
    let pin = Pin::chosen(PIN.into()).unwrap();
    let pending = party.request_verification(&ask()).await.unwrap();
    let reviewed = citizen
        .holder
        .fetch_request(&pending.request_uri, Locale::English)
        .await;
    let ReviewedRequest::Verification(reviewed) = reviewed.unwrap() else {
        unreachable!("a verification was asked for")
    };
    citizen
        .holder
        .answer_verification(&reviewed, Some(&pin))
        .await
        .unwrap();
    let VerifiedOutcome::Attested(attested) = party.wait(&pending).await.unwrap() else {
        unreachable!("it was answered")
    };
    let sub = attested.passed().unwrap().to_owned();
    assert!(
        attested
            .checks()
            .values()
            .all(|outcome| *outcome == Outcome::Pass)
    );
    assert_eq!(header(attested.compact())["alg"], Suite::Sm.signing_alg());

    let (compact, expected) = party.direct_request(&ask()).await.unwrap();
    let reviewed = citizen.holder.review_direct(&compact).await.unwrap();
    let sealed = citizen.holder.direct_proof(&reviewed, Some(&pin)).await.unwrap();
    assert_eq!(header(&sealed)["enc"], Suite::Sm.content_alg());
    let attested = party.submit_direct(sealed, expected).await.unwrap();
    assert_eq!(attested.passed(), Some(sub.as_str()));
}

async fn released_withdrawn_and_erased(platform: &TestPlatform, citizen: &Citizen, party: &RelyingParty) {
    let granted = Granted::by(citizen, party, &[Field::Name]).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    assert_eq!(
        released.field(Field::Name).unwrap().expose(),
        citizen.person.document.name
    );
    let consent = granted.consented.consent_id.clone();
    citizen.holder.withdraw(&consent).await.unwrap();
    assert_eq!(party.events(0).await.unwrap().withdrawn.len(), 1);
    party
        .confirm_erasure(&granted.pending.id, SystemClock.now())
        .await
        .unwrap();
    let receipt = citizen
        .holder
        .receipt_of(&consent, LeafKind::ErasureConfirmed)
        .await
        .unwrap();
    let anchors = citizen.holder.platform().anchors();
    let kept = check_receipt(receipt.receipt().clone(), anchors, &citizen.holder.public_key()).unwrap();
    assert_eq!(kept.leaf().kind, LeafKind::ErasureConfirmed);
    published(platform, LeafKind::ErasureConfirmed).await;
}

async fn published(platform: &TestPlatform, kind: LeafKind) {
    for _ in 0..100 {
        let summary: AuditSummary = platform.regulator().get("/v1/audit/summary").await.unwrap();
        if summary.kinds.contains_key(kind.as_str()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("the ledger never had {kind:?}")
}

fn cyberid(home: &Path, line: &str) -> Output {
    let mut command = Command::new(executable());
    let command = command.args(line.split(' ')).env_clear().env("HOME", home);
    command.output().unwrap()
}

fn the_auditor_finds_it_clean(platform: &TestPlatform) {
    let home = tempfile::tempdir().unwrap();
    let line = format!("audit verify --ledger {} --sandbox --json", platform.url());
    let said: Value = serde_json::from_slice(&cyberid(home.path(), &line).stdout).unwrap();
    assert_eq!(
        (&said["clean"], &said["report"]["releases"]),
        (&json!(true), &json!(1)),
        "{said}"
    );
}

/// A person and a relying party at a shell need not know which suite runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_makes_keys_of_the_platforms_suite() {
    let platform = TestPlatform::start_in(Suite::Sm).await;
    let home = tempfile::tempdir().unwrap();
    let enrol = format!(
        "holder enrol --sandbox-person 1 --pin 52719406 --server {} --json",
        platform.url()
    );
    let enrolled = cyberid(home.path(), &enrol);
    assert!(
        enrolled.status.success(),
        "{}",
        String::from_utf8_lossy(&enrolled.stderr)
    );
    let shown = cyberid(home.path(), "holder show --json");
    assert!(
        shown.status.success(),
        "{}",
        String::from_utf8_lossy(&shown.stderr)
    );
}

/// A message can be whole and valid in itself: what speaks against it is that this platform is of one suite.
#[tokio::test]
async fn neither_suite_takes_keys_of_the_other() {
    for [own, other] in [[Suite::Nist, Suite::Sm], [Suite::Sm, Suite::Nist]] {
        let platform = TestPlatform::start_in(own).await;
        let citizen = platform.citizen(0).await;
        a_device_of_another_suite_does_not_enrol(&platform, other).await;
        a_relying_party_of_another_suite_does_not_register(&platform, own, other).await;
        let sub = verified_sub(&platform.relying_party().await, &citizen).await;
        assert!(!sub.is_empty(), "and with its own it still works");
    }
}

/// A device whose app believes that the platform runs another suite.
async fn a_device_of_another_suite_does_not_enrol(platform: &TestPlatform, other: Suite) {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let met = Platform::contact(platform.client.clone(), clock.clone())
        .await
        .unwrap();
    let pins = Pins {
        suite: other,
        ..met.pins().clone()
    };
    let mistaken = Platform::pinned(platform.client.clone(), pins, clock.clone()).unwrap();
    let key = DeviceKey::make_of(other, &SystemRng).unwrap();
    let holder = Holder::resume(mistaken, Tree::default(), key.signer(), clock, rng).unwrap();
    match holder.enrol(&platform.adult(1).await.enrolment()).await {
        Err(HolderError::Client(error)) => assert_eq!(error.problem(), Some(ProblemType::InvalidMessage)),
        answered => unreachable!("{answered:?}"),
    }
}

async fn a_relying_party_of_another_suite_does_not_register(
    platform: &TestPlatform,
    own: Suite,
    other: Suite,
) {
    for (suite, taken) in [(other, false), (own, true)] {
        let keys = RpKeys::make_of(suite, &SystemRng).unwrap();
        let particulars = Particulars {
            name: "Another Shop".into(),
            domains: vec!["another.example".into()],
            contact: "support@another.example".into(),
            deletion_contact: "privacy@another.example".into(),
            intended_uses: platform.key_file("/relying_party/intended_uses"),
            events_uri: None,
        };
        let body = registration(particulars, &keys);
        let answer: Result<Registered, ClientError> =
            platform.operator(0).post("/v1/relying-parties", &body).await;
        let problem = answer.as_ref().err().and_then(ClientError::problem);
        assert_eq!(
            (answer.is_ok(), problem),
            (taken, (!taken).then_some(ProblemType::InvalidRegistration))
        );
    }
}

/// The suite is chosen before the first key, and is not chosen again.
#[tokio::test]
async fn a_data_directory_stays_of_its_suite() {
    let platform = TestPlatform::start_in(Suite::Sm).await;
    let folder = platform.stopped().await;
    let data = folder.path().display().to_string();
    let serve = |more: &str| {
        cyberid(
            folder.path(),
            &format!("serve --sandbox --data {data} --listen 127.0.0.1:0{more}"),
        )
    };
    let refused = serve(" --suite nist");
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(
        why.contains("of the suite `sm`") && why.contains("`nist`"),
        "{why}"
    );
    let more = cyberid(
        folder.path(),
        &format!("keys init --data {data} --passphrase-file {data}/passphrase --for all --suite nist"),
    );
    let why = String::from_utf8_lossy(&more.stderr).into_owned();
    assert!(
        !more.status.success() && why.contains("of the suite `sm`"),
        "{why}"
    );
    let config = format!("{data}/cyberid.toml");
    std::fs::write(&config, "[platform]\nsuite = 'sm'\n").unwrap();
    let twice = serve(&format!(" --config {config} --suite nist"));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("platform.suite"));
    let address = free_address().to_string();
    let line = [
        "serve",
        "--sandbox",
        "--people",
        "300",
        "--data",
        &data,
        "--listen",
        &address,
    ];
    let silent = Process::start(&line).await;
    let client = Client::new(silent.url()).unwrap();
    let discovery: Discovery = client.get("/.well-known/cyberid").await.unwrap();
    assert_eq!(discovery.suite, Suite::Sm, "what nobody says again stays");
}
