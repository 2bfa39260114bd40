//! Events that find their relying party: from the real executable, over TLS, across a kill.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use cyberid_domain::check::Check;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::field::Field;
use cyberid_domain::id::ReleaseId;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::ReviewedRequest;
use cyberid_protocol::audit::{AuditEntries, OverseenParties, OverseenParty};
use cyberid_protocol::event::{Concluded, Event, Events};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::registration::Registered;
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{
    Ask, Particulars, Received, RelyingParty, RpKeys, VerifiedOutcome, registration,
};
use cyberid_web::Server;
use cyberid_web::server::{Limits, Tls};
use journeys::{Citizen, Granted, TestPlatform};
use serde_json::json;

/// A receiver behind a certificate of an authority of its own.
struct Receiver {
    folder: tempfile::TempDir,
    port: u16,
    tokens: Arc<Mutex<Vec<String>>>,
    open: Arc<Mutex<bool>>,
}

impl Receiver {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("names"), "subjectAltName=DNS:isp.example").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(
            folder.path(),
            &format!("req -x509 {key} -subj /CN=ca -keyout ca.key -out ca.pem"),
        );
        openssl(
            folder.path(),
            &format!("req {key} -subj /CN=isp -keyout key.pem -out csr.pem"),
        );
        openssl(
            folder.path(),
            "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out cert.pem",
        );
        let file = |name| folder.path().join(name);
        let tls = Some(Tls::load(&file("cert.pem"), &file("key.pem"), None).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tokens, open) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(true)));
        let router = axum::Router::new()
            .route("/events", post(take))
            .with_state((Arc::clone(&tokens), Arc::clone(&open)));
        let limits = Limits::default();
        tokio::spawn(Server { limits, tls }.serve(listener, router, std::future::pending()));
        Self {
            folder,
            port,
            tokens,
            open,
        }
    }

    fn configuration(&self) -> String {
        let ca = self.folder.path().join("ca.pem");
        format!(
            "[events]\nallow_private = true\nca = '{}'\nhosts = {{'isp.example' = ['127.0.0.1']}}\n",
            ca.display()
        )
    }

    fn answer(&self, open: bool) {
        *self.open.lock().unwrap() = open;
    }

    /// Waits for the token at this place.
    async fn token(&self, at: usize) -> String {
        for _ in 0..400 {
            if let Some(token) = self.tokens.lock().unwrap().get(at) {
                return token.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no token {at} came")
    }
}

type Shared = (Arc<Mutex<Vec<String>>>, Arc<Mutex<bool>>);

async fn take(State((tokens, open)): State<Shared>, token: String) -> StatusCode {
    tokens.lock().unwrap().push(token);
    if *open.lock().unwrap() {
        StatusCode::ACCEPTED
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A relying party whose events go to the receiver.
async fn party(platform: &TestPlatform, receiver: &Receiver, keys: &RpKeys) -> RelyingParty {
    let uses = json!([
        {"purpose": "register", "checks": ["real_person"], "fields": [], "legal_basis": "contract",
         "retention_days": 30, "notice_uri": "https://isp.example/privacy"},
        {"purpose": "deliver", "checks": [], "fields": ["name", "birth_date"], "legal_basis": "consent",
         "retention_days": 30, "notice_uri": "https://isp.example/privacy"}]);
    let particulars = Particulars {
        name: "Example ISP".into(),
        domains: vec!["isp.example".into()],
        contact: "identity@isp.example".into(),
        deletion_contact: "erasure@isp.example".into(),
        intended_uses: serde_json::from_value(uses).unwrap(),
        events_uri: Some(format!("https://isp.example:{}/events", receiver.port)),
    };
    let body = registration(particulars, keys);
    let applied: Registered = platform
        .operator(0)
        .post("/v1/relying-parties", &body)
        .await
        .unwrap();
    let approve = format!("/v1/relying-parties/{}/approve", applied.client_id);
    let approved: Registered = platform.operator(1).post_empty(&approve, &[]).await.unwrap();
    met(platform, keys, &approved).await
}

async fn met(platform: &TestPlatform, keys: &RpKeys, approved: &Registered) -> RelyingParty {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let client_id = approved.client_id.clone();
    let party = RelyingParty::contact(platform.client.clone(), client_id, keys, clock, rng);
    party.await.unwrap()
}

/// Asks, and has the citizen agree or refuse; what the push says of it, and what the platform does.
async fn asked(
    party: &RelyingParty,
    citizen: &Citizen,
    agree: bool,
    receiver: &Receiver,
    at: usize,
) -> Event {
    let ask = Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        ..Ask::default()
    };
    let pending = party.request_verification(&ask).await.unwrap();
    let request = citizen
        .holder
        .fetch_request(&pending.request_uri, Locale::English);
    let request = request.await.unwrap();
    match &request {
        ReviewedRequest::Verification(reviewed) if agree => {
            citizen.holder.answer_verification(reviewed, None).await.unwrap();
        }
        _ => citizen.holder.decline(&request).await.unwrap(),
    }
    let Received::First(pushed) = party.receive(&receiver.token(at).await).await.unwrap() else {
        panic!("a first one")
    };
    let event = pushed.event().clone();
    party.handled(pushed);
    let Event::VerificationConcluded(concluded) = &event else {
        panic!("another event")
    };
    assert_eq!(concluded.id, pending.id);
    let outcome = party.wait(&pending).await.unwrap();
    assert_eq!(matches!(outcome, VerifiedOutcome::Attested(_)), agree);
    event
}

#[tokio::test]
async fn events_come_to_the_relying_party_whatever_falls_over() {
    let receiver = Receiver::start().await;
    let platform = TestPlatform::start_with(&receiver.configuration()).await;
    let keys = platform.rp_keys();
    let party = party(&platform, &receiver, &keys).await;
    let citizen = platform.citizen(0).await;
    for (at, (agree, how)) in [(true, Concluded::Passed), (false, Concluded::Declined)]
        .into_iter()
        .enumerate()
    {
        let event = asked(&party, &citizen, agree, &receiver, at).await;
        assert!(matches!(event, Event::VerificationConcluded(it) if it.status == how));
    }

    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    receiver.token(2).await;
    receiver.answer(false);
    let consent = granted.consented.consent_id.clone();
    citizen.holder.withdraw(&consent).await.unwrap();
    let refused = receiver.token(3).await;
    let platform = platform.killed_and_restarted().await;
    receiver.answer(true);
    let pushed = receiver.token(4).await;
    assert_eq!(pushed, refused, "the same token again");
    let feed: Events = party.session().get("/v1/events").await.unwrap();
    assert_eq!(
        feed.events,
        std::slice::from_ref(&pushed),
        "and the one of the feed; ends of verifications are not in it"
    );
    let Received::First(first) = party.receive(&pushed).await.unwrap() else {
        panic!("a first one")
    };
    assert!(matches!(first.event(), Event::ConsentWithdrawn(it) if it.consent == consent));
    party.handled(first);
    assert_eq!(party.receive(&refused).await, Ok(Received::Again));
    // The receiver has the token a moment before the platform has its answer.
    let delivered = "cyberid_event_push_total{outcome=\"delivered\"} 1";
    for _ in 0..100 {
        let metrics = platform.client.get_bytes("/metrics").await.unwrap();
        if String::from_utf8(metrics).unwrap().contains(delivered) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the metrics never say that it was delivered");
}

/// The one relying party with a duty to erase that is overdue, as the regulator's list has it.
async fn late(platform: &TestPlatform) -> Vec<OverseenParty> {
    let list = platform
        .regulator()
        .get("/v1/audit/relying-parties?overdue=true")
        .await;
    let OverseenParties { relying_parties, .. } = list.unwrap();
    relying_parties
}

/// Waits until the relying party was sent the token at this place, takes it and says what it was.
async fn handled(party: &RelyingParty, receiver: &Receiver, at: usize) -> Event {
    let Received::First(pushed) = party.receive(&receiver.token(at).await).await.unwrap() else {
        panic!("a first one")
    };
    let event = pushed.event().clone();
    party.handled(pushed);
    event
}

/// The kinds of the release's leaves, once the published log has the last of them.
async fn recorded(platform: &TestPlatform, release: &ReleaseId, last: LeafKind) -> Vec<LeafKind> {
    for _ in 0..200 {
        let entries = platform.regulator().get("/v1/audit/entries?limit=1000").await;
        let AuditEntries { entries, .. } = entries.unwrap();
        let leaves = entries.iter().map(|entry| Leaf::from_text(&entry.leaf).unwrap());
        let of_release = leaves.filter(|leaf| leaf.request.as_ref() == Some(release));
        let kinds: Vec<_> = of_release.map(|leaf| leaf.kind).collect();
        if kinds.contains(&last) {
            return kinds;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ledger never had {last:?}")
}

#[tokio::test]
async fn a_withdrawal_is_pushed_until_it_is_taken_and_who_is_late_is_seen_and_reminded_until_they_erase() {
    let receiver = Receiver::start().await;
    let at_once = "[consent]\nerase_within_days = 0\n";
    let platform = TestPlatform::start_with(&format!("{}{at_once}", receiver.configuration())).await;
    let keys = platform.rp_keys();
    let party = party(&platform, &receiver, &keys).await;
    let citizen = platform.citizen(0).await;
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    let release = granted.pending.id.clone();
    party.redeem(&granted.pending).await.unwrap();
    receiver.token(0).await;
    assert!(late(&platform).await.is_empty());

    receiver.answer(false);
    citizen
        .holder
        .withdraw(&granted.consented.consent_id)
        .await
        .unwrap();
    let refused = [receiver.token(1).await, receiver.token(2).await];
    assert_eq!(refused[0], refused[1]);
    receiver.answer(true);
    let event = handled(&party, &receiver, 3).await;
    assert!(matches!(event, Event::ConsentWithdrawn(it) if it.release == release));

    recorded(&platform, &release, LeafKind::ErasureOverdue).await;
    let listed = late(&platform).await;
    let [of_party] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(&of_party.client_id, party.client_id());
    let [owed] = &of_party.outstanding_erasures[..] else {
        panic!("{of_party:?}")
    };
    assert_eq!((&owed.release_id, owed.overdue), (&release, true));
    let event = handled(&party, &receiver, 4).await;
    assert!(matches!(event, Event::ErasureOverdue(it) if it.release == release));

    party.confirm_erasure(&release, SystemClock.now()).await.unwrap();
    let kinds = recorded(&platform, &release, LeafKind::ErasureConfirmed).await;
    let duty = [
        LeafKind::ConsentWithdrawn,
        LeafKind::ErasureOverdue,
        LeafKind::ErasureConfirmed,
    ];
    assert!(kinds.ends_with(&duty), "{kinds:?}");
    assert!(late(&platform).await.is_empty(), "who has erased is late no more");
}

#[tokio::test]
async fn a_platform_that_does_not_say_so_calls_nobody_inside() {
    let receiver = Receiver::start().await;
    let configuration = receiver.configuration().replace("allow_private = true\n", "");
    let platform = TestPlatform::start_with(&configuration).await;
    let keys = platform.rp_keys();
    let party = party(&platform, &receiver, &keys).await;
    let citizen = platform.citizen(0).await;
    journeys::verified_sub(&party, &citizen).await;
    for _ in 0..50 {
        let metrics = platform.client.get_bytes("/metrics").await.unwrap();
        if String::from_utf8(metrics)
            .unwrap()
            .contains("cyberid_event_push_total{outcome=\"failed\"} 1")
        {
            assert!(receiver.tokens.lock().unwrap().is_empty());
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it was never tried");
}
