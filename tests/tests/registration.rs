//! The life of a provider's registration over real sockets: halted within a second, revived by two persons, and with keys
//! that change without downtime.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cyberid_client::ClientError;
use cyberid_crypto::Sign as _;
use cyberid_domain::check::Check;
use cyberid_domain::clock::{Clock as _, SystemClock};
use cyberid_domain::field::Field;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_domain::rng::SystemRng;
use cyberid_holder::{HolderError, ReviewedRequest};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{
    CertificatesPage, KeyChange, KeyChangeBody, PublishedCertificates, Registered, RenewalBody,
};
use cyberid_protocol::statement::Locale;
use cyberid_relying_party::{Ask, RelyingParty, RelyingPartyError, RpKeys};
use journeys::{Citizen, Granted, Suite, TestPlatform, verified_sub};
use serde_json::Value;

journeys::in_each_suite!(keys_that_do_not_wait_are_in_force_beside_the_old_ones);

/// Within how long a suspension is effective.
const EFFECTIVE: Duration = Duration::from_secs(1);

fn question() -> Ask {
    Ask {
        purpose: "register".into(),
        checks: vec![Check::RealPerson],
        ..Ask::default()
    }
}

fn problem<T>(answer: Result<T, RelyingPartyError>) -> Option<ProblemType> {
    match answer {
        Err(RelyingPartyError::Client(error)) => error.problem(),
        _ => None,
    }
}

fn of_holder<T>(answer: Result<T, HolderError>) -> Option<ProblemType> {
    match answer {
        Err(HolderError::Client(error)) => error.problem(),
        _ => None,
    }
}

/// Asks until it is refused as inactive, for a second after `since` at most.
async fn soon_inactive<F>(since: Instant, what: &str, ask: impl Fn() -> F)
where
    F: Future<Output = Option<ProblemType>>,
{
    loop {
        let answer = ask().await;
        if answer == Some(ProblemType::RelyingPartyInactive) {
            return;
        }
        assert!(since.elapsed() < EFFECTIVE, "{what}: {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn path(party: &RelyingParty) -> String {
    format!("/v1/relying-parties/{}", party.client_id())
}

/// One operator applies for a renewal, and the other approves what they saw.
async fn renew(platform: &TestPlatform, party: &RelyingParty) -> Registered {
    let (one, another) = (platform.operator(0), platform.operator(1));
    let renewal = format!("{}/renewal", path(party));
    let waiting: Registered = one.post(&renewal, &RenewalBody::default()).await.unwrap();
    let seen = waiting.waiting_renewal.unwrap().renewal_sha256;
    let approve = format!("{}/approve?renewal_sha256={seen}", path(party));
    let alone: Result<Registered, ClientError> = one.post_empty(&approve, &[]).await;
    assert_eq!(
        alone.unwrap_err().problem(),
        Some(ProblemType::TwoPersonsRequired)
    );
    another.post_empty(&approve, &[]).await.unwrap()
}

/// What a provider has under way: a release that owes its erasure, one that is granted, and two open requests.
struct UnderWay {
    erase: Granted,
    granted: Granted,
    verification: cyberid_relying_party::PendingVerification,
    reviewed: cyberid_holder::ReviewedVerification,
    sub: String,
}

impl UnderWay {
    async fn of(party: &RelyingParty, citizen: &Citizen) -> Self {
        let erase = Granted::by(citizen, party, &[Field::Name]).await;
        party.redeem(&erase.pending).await.unwrap();
        let consent = &erase.consented.consent_id;
        citizen.holder.withdraw(consent).await.unwrap();
        let sub = verified_sub(party, citizen).await;
        let granted = Granted::to(&sub, citizen, party, &[Field::Name]).await;
        let verification = party.request_verification(&question()).await.unwrap();
        let fetched = citizen
            .holder
            .fetch_request(&verification.request_uri, Locale::English);
        let ReviewedRequest::Verification(reviewed) = fetched.await.unwrap() else {
            panic!("another kind of request")
        };
        Self {
            erase,
            granted,
            verification,
            reviewed,
            sub,
        }
    }
}

#[tokio::test]
async fn a_suspended_provider_is_refused_within_a_second_pays_what_it_owes_and_is_reinstated_by_two() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let under_way = UnderWay::of(&party, &citizen).await;
    let certificates = format!("/v1/registration-certificates/{}", party.client_id());
    let published: PublishedCertificates = platform.client.get(&certificates).await.unwrap();

    let suspend = format!("{}/suspend", path(&party));
    let suspended: Registered = platform.operator(0).post_empty(&suspend, &[]).await.unwrap();
    assert_eq!(suspended.status, RegistrationStatus::Suspended);
    let since = Instant::now();
    is_refused(since, &party, &under_way).await;
    let uri = &under_way.verification.request_uri;
    let fetched = citizen.holder.fetch_request(uri, Locale::English).await;
    assert_eq!(of_holder(fetched), Some(ProblemType::RelyingPartyInactive));
    let answered = citizen
        .holder
        .answer_verification(&under_way.reviewed, None)
        .await;
    assert_eq!(of_holder(answered), Some(ProblemType::RelyingPartyInactive));
    let gone: Result<PublishedCertificates, ClientError> = platform.client.get(&certificates).await;
    assert_eq!(gone.unwrap_err().problem(), Some(ProblemType::NotFound));

    pays_what_it_owes(&platform, &under_way).await;

    let reinstated = renew(&platform, &party).await;
    assert_eq!(reinstated.status, RegistrationStatus::Approved);
    assert_ne!(
        reinstated.registration_certificates,
        published.registration_certificates
    );
    assert_eq!(
        verified_sub(&party, &citizen).await,
        under_way.sub,
        "one account still"
    );
}

/// With the token that it has, on every call by which it asks or receives.
async fn is_refused(since: Instant, party: &RelyingParty, under_way: &UnderWay) {
    soon_inactive(since, "ask", async || {
        problem(party.request_verification(&question()).await)
    })
    .await;
    let view = format!("/v1/verifications/{}", under_way.verification.id);
    soon_inactive(since, "view", async || {
        let seen: Result<Value, ClientError> = party.session().get(&view).await;
        seen.err().and_then(|error| error.problem())
    })
    .await;
    soon_inactive(since, "direct", async || {
        let (_, expected) = party.direct_request(&question()).await.unwrap();
        problem(party.submit_direct("a.b.c.d.e".into(), expected).await)
    })
    .await;
    soon_inactive(since, "release", async || {
        let fields = [Field::Name];
        problem(party.request_release(&under_way.sub, "deliver", &fields).await)
    })
    .await;
    soon_inactive(since, "redeem", async || {
        problem(party.redeem(&under_way.granted.pending).await)
    })
    .await;
}

/// With a token that it gets now: what it was told to erase, and that it has.
async fn pays_what_it_owes(platform: &TestPlatform, under_way: &UnderWay) {
    let again = platform.relying_party().await;
    let events = again.events(0).await.unwrap();
    let release = &under_way.erase.pending.id;
    assert!(events.withdrawn.iter().any(|event| event.release == *release));
    again.release_status(release).await.unwrap();
    again.confirm_erasure(release, SystemClock.now()).await.unwrap();
    let asked = again.request_verification(&question()).await;
    assert_eq!(problem(asked), Some(ProblemType::RelyingPartyInactive));
}

/// The provider in front of the same platform with these keys.
async fn with_keys(platform: &TestPlatform, party: &RelyingParty, keys: &RpKeys) -> RelyingParty {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let id = party.client_id().clone();
    let party = RelyingParty::contact(platform.client.clone(), id, keys, clock, rng)
        .await
        .unwrap();
    let path = format!("/v1/registration-certificates/{}", party.client_id());
    let published: PublishedCertificates = platform.client.get(&path).await.unwrap();
    party.with_certificates(published.registration_certificates)
}

/// Announces these keys by the sandbox's relying party's own.
async fn announce(platform: &TestPlatform, party: &RelyingParty, keys: &RpKeys) -> Registered {
    let signer = platform
        .private_key("/relying_party/signing_jwk")
        .to_signing_key()
        .unwrap();
    let mut jwks = keys.public_set();
    jwks.keys.push(
        signer
            .public_key()
            .to_published_jwk("sig", platform.suite().signing_alg()),
    );
    let now = SystemClock.now();
    let change = KeyChange {
        aud: platform.url().into(),
        iss: party.client_id().clone(),
        jwks,
        iat: now,
        exp: now.plus(60),
    };
    let body = KeyChangeBody {
        key_change: change.sign(&signer).unwrap(),
    };
    let path = format!("{}/keys", path(party));
    platform.client.post(&path, &body).await.unwrap()
}

#[tokio::test]
async fn keys_wait_a_day_and_an_operator_can_stop_them() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let keys = platform.rp_keys();
    let waiting = announce(&platform, &party, &keys).await;
    let in_force_at = waiting.waiting_keys.unwrap().in_force_at;
    assert!(in_force_at.since(SystemClock.now()) > 86_000);
    let early = with_keys(&platform, &party, &keys).await;
    let refused = early.request_verification(&question()).await;
    assert!(
        matches!(
            refused,
            Err(RelyingPartyError::Client(ClientError::TokenRefused { .. }))
        ),
        "{refused:?}"
    );
    verified_sub(&party, &citizen).await;

    let path = format!("{}/keys", path(&party));
    platform.operator(0).delete(&path).await.unwrap();
    let path = path.trim_end_matches("/keys");
    let after: Registered = platform.operator(1).get(path).await.unwrap();
    assert_eq!(after.waiting_keys, None);
    verified_sub(&party, &citizen).await;
}

async fn keys_that_do_not_wait_are_in_force_beside_the_old_ones(suite: Suite) {
    let config = "[verification]\nkey_cooling_off_hours = 0\n";
    let platform = TestPlatform::start_in_with(suite, config).await;
    let (citizen, old) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&old, &citizen).await;
    let keys = platform.rp_keys();
    announce(&platform, &old, &keys).await;
    // Both sign, and what is released is for the new one.
    let new = with_keys(&platform, &old, &keys).await;
    assert_eq!(verified_sub(&new, &citizen).await, sub);
    assert_eq!(verified_sub(&old, &citizen).await, sub);
    let granted = Granted::to(&sub, &citizen, &new, &[Field::Name]).await;
    let released = new.redeem(&granted.pending).await.unwrap();
    assert!(released.field(Field::Name).is_some());
    let page: CertificatesPage = platform
        .client
        .get("/v1/registration-certificates")
        .await
        .unwrap();
    let ids: Vec<_> = page.relying_parties.iter().map(|one| &one.client_id).collect();
    assert_eq!(ids, [old.client_id()]);
}
