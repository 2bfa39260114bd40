//! A registration is renewed by two operators, and nothing changes for anybody until the second has acted.

use std::sync::atomic::Ordering;

use cyberid_crypto::Sign as _;
use cyberid_domain::check::Check;
use cyberid_domain::clock::DAY;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{MAX_LIFE, Registered};
use cyberid_protocol::verification::Attested;
use serde_json::{Value, json};

use crate::platform::{Answer, Citizen, Client, PURPOSE, Platform, START, registration};

/// The first operator applies for a renewal.
async fn apply(platform: &Platform, rp: &Client, body: Value) -> Answer {
    let path = format!("/v1/relying-parties/{}/renewal", rp.id);
    platform.post(&path, &platform.operators[0], body).await
}

/// An operator approves what waits, by its digest.
async fn approve_as(platform: &Platform, rp: &Client, operator: usize) -> Answer {
    let waiting = platform.registered(&rp.id).await.waiting_renewal;
    let seen = waiting.map(|renewal| format!("approve?renewal_sha256={}", renewal.renewal_sha256));
    let what = seen.as_deref().unwrap_or("approve");
    platform.act(&platform.operators[operator], &rp.id, what).await
}

/// The second one approves.
async fn approve(platform: &Platform, rp: &Client) -> Answer {
    approve_as(platform, rp, 1).await
}

/// The pseudonym of a citizen here, by a direct verification.
async fn sub(platform: &Platform, rp: &Client, citizen: &Citizen) -> Option<String> {
    let sealed = platform.seal(&citizen.device, &platform.proof(rp, &[Check::RealPerson]), None);
    let attested: Attested = platform.direct(rp, &sealed).await.expect(200);
    platform.attestation(rp, &attested.attestation).sub
}

/// A registration's particulars, with another name and one purpose less.
fn narrower(rp: &Client) -> Value {
    let mut particulars = registration(&rp.key);
    particulars.as_object_mut().unwrap().remove("jwks");
    particulars["name"] = "Renewed Bank".into();
    particulars["intended_uses"].as_array_mut().unwrap().truncate(1);
    particulars
}

#[tokio::test]
async fn a_renewal_waits_beside_what_is_in_force_until_a_second_operator_approves() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let before = platform.registered(&rp.id).await;
    let pseudonym = sub(&platform, &rp, &citizen).await;
    assert!(pseudonym.is_some());
    platform.clock.advance(100 * DAY);

    let waiting: Registered = apply(&platform, &rp, json!({})).await.expect(200);
    let renewal = waiting.waiting_renewal.clone().unwrap();
    assert_eq!(
        (
            &renewal.applied_by,
            renewal.expires_in_days,
            &renewal.registration
        ),
        (&platform.operators[0].id, 365, &None)
    );
    let unchanged = Registered {
        waiting_renewal: None,
        ..waiting
    };
    assert_eq!(unchanged, before);
    let alone = approve_as(&platform, &rp, 0).await;
    assert_eq!(alone.problem(), ProblemType::TwoPersonsRequired);

    let renewed: Registered = approve(&platform, &rp).await.expect(200);
    assert_eq!(renewed.expires_at, Some(START.plus(100 * DAY + MAX_LIFE)));
    assert_eq!(renewed.waiting_renewal, None);
    assert_ne!(
        renewed.registration_certificates,
        before.registration_certificates
    );
    assert_eq!(sub(&platform, &rp, &citizen).await, pseudonym);
}

#[tokio::test]
async fn what_a_second_operator_approves_is_what_they_saw() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let before = platform.registered(&rp.id).await;
    let seen: Registered = apply(&platform, &rp, json!({})).await.expect(200);
    let seen = seen.waiting_renewal.unwrap().renewal_sha256;
    let body = json!({"registration": narrower(&rp)});
    apply(&platform, &rp, body).await.expect::<Registered>(200);
    let second = &platform.operators[1];
    let unseen = platform.act(second, &rp.id, "approve").await;
    assert_eq!(unseen.problem(), ProblemType::MalformedRequest);
    let what = format!("approve?renewal_sha256={seen}");
    let replaced = platform.act(second, &rp.id, &what).await;
    assert_eq!(replaced.problem(), ProblemType::RelyingPartyInactive);
    let unchanged = Registered {
        waiting_renewal: None,
        ..platform.registered(&rp.id).await
    };
    assert_eq!(unchanged, before);
}

#[tokio::test]
async fn each_renewal_is_one_leaf_and_is_answered_with_it() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    for _ in 0..2 {
        apply(&platform, &rp, json!({})).await.expect::<Registered>(200);
        platform.logging.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            let unplaced = approve(&platform, &rp).await;
            assert_eq!(unplaced.problem(), ProblemType::Unavailable);
        }
        let leaves = platform.unlogged().await;
        let kinds: Vec<_> = leaves.iter().map(|leaf| (leaf.kind, leaf.rp.as_ref())).collect();
        assert_eq!(kinds, [(LeafKind::RpRegistered, Some(&rp.id))]);
        platform.logging.store(true, Ordering::SeqCst);
        let approved: Registered = approve(&platform, &rp).await.expect(200);
        assert_eq!(approved, platform.registered(&rp.id).await);
    }
}

#[tokio::test]
async fn a_renewal_changes_what_it_says_and_never_a_key() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let before = platform.registered(&rp.id).await.registration.unwrap();
    let body = json!({"registration": narrower(&rp), "expires_in_days": 30});
    let waiting: Registered = apply(&platform, &rp, body).await.expect(200);
    assert_eq!(waiting.registration.unwrap(), before, "until it is approved");
    let renewed: Registered = approve(&platform, &rp).await.expect(200);
    let after = renewed.registration.unwrap();
    assert_eq!(
        (after.name.as_str(), after.intended_uses.len()),
        ("Renewed Bank", 1)
    );
    assert_eq!(after.jwks, before.jwks);
    assert_eq!(renewed.registration_certificates.len(), 1);
    assert_eq!(renewed.expires_at, Some(START.plus(30 * DAY)));

    let body = json!({"registration": registration(&rp.key)});
    let with_keys = apply(&platform, &rp, body).await;
    assert_eq!(with_keys.problem(), ProblemType::MalformedRequest);
}

#[tokio::test]
async fn a_renewal_keeps_the_rules_of_a_registration_and_of_its_life() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let mut nameless = narrower(&rp);
    nameless["name"] = "".into();
    let answer = apply(&platform, &rp, json!({"registration": nameless})).await;
    assert_eq!(answer.problem(), ProblemType::InvalidRegistration);
    for days in [0, 366] {
        let answer = apply(&platform, &rp, json!({"expires_in_days": days})).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest, "{days}");
    }
    assert_eq!(platform.registered(&rp.id).await.waiting_renewal, None);
    let path = format!("/v1/relying-parties/{}/renewal", rp.id);
    for stranger in [&rp, &platform.regulator] {
        let answer = platform.post(&path, stranger, json!({})).await;
        assert_eq!(answer.problem(), ProblemType::Forbidden);
    }
    let applicant = platform.applicant().await;
    let early = apply(&platform, &applicant, json!({})).await;
    assert_eq!(early.problem(), ProblemType::RelyingPartyInactive);
}

#[tokio::test]
async fn a_registration_ends_by_the_clock_and_a_renewal_revives_it() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let body = json!({"purpose": PURPOSE, "checks": ["real_person"], "nonce": "AAAAAAAAAAAAAAAAAAAAAA"});
    platform.clock.advance(MAX_LIFE - 1);
    platform.ask(&rp, body.clone()).await;
    platform.clock.advance(1);
    let answer = platform.post("/v1/verifications", &rp, body.clone()).await;
    assert_eq!(answer.problem(), ProblemType::RelyingPartyInactive);
    let over = platform.registered(&rp.id).await;
    assert_eq!(over.status, RegistrationStatus::Expired);
    let nothing = approve(&platform, &rp).await;
    assert_eq!(nothing.problem(), ProblemType::RelyingPartyInactive);

    apply(&platform, &rp, json!({})).await.expect::<Registered>(200);
    let waiting = platform.post("/v1/verifications", &rp, body.clone()).await;
    assert_eq!(waiting.problem(), ProblemType::RelyingPartyInactive);
    let revived: Registered = approve(&platform, &rp).await.expect(200);
    assert_eq!(revived.status, RegistrationStatus::Approved);
    platform.ask(&rp, body).await;
    drop(citizen);
}

#[tokio::test]
async fn a_suspension_ends_by_a_renewal_that_was_applied_for_after_it() {
    let platform = Platform::start().await;
    let (rp, citizen) = (platform.relying_party().await, platform.adult().await);
    let pseudonym = sub(&platform, &rp, &citizen).await;
    apply(&platform, &rp, json!({})).await.expect::<Registered>(200);
    let suspended: Registered = platform
        .act(&platform.operators[0], &rp.id, "suspend")
        .await
        .expect(200);
    assert_eq!(suspended.waiting_renewal, None, "dropped");
    let stale = approve(&platform, &rp).await;
    assert_eq!(stale.problem(), ProblemType::RelyingPartyInactive);

    apply(&platform, &rp, json!({})).await.expect::<Registered>(200);
    let still = platform.registered(&rp.id).await;
    assert_eq!(still.status, RegistrationStatus::Suspended);
    let alone = approve_as(&platform, &rp, 0).await;
    assert_eq!(alone.problem(), ProblemType::TwoPersonsRequired);
    let reinstated: Registered = approve(&platform, &rp).await.expect(200);
    assert_eq!(reinstated.status, RegistrationStatus::Approved);
    assert_eq!(sub(&platform, &rp, &citizen).await, pseudonym);
    // A second suspension is another one, with a leaf of its own.
    let again = platform.act(&platform.operators[1], &rp.id, "suspend").await;
    let again: Registered = again.expect(200);
    assert_eq!(again.status, RegistrationStatus::Suspended);
}

#[tokio::test]
async fn keys_that_cool_off_outlast_a_renewal_and_say_what_it_says() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let next = crate::platform::new_key();
    crate::keys::announce(&platform, &rp, &[&next]).await;
    let body = json!({"registration": narrower(&rp)});
    apply(&platform, &rp, body).await.expect::<Registered>(200);
    let renewed: Registered = approve(&platform, &rp).await.expect(200);
    assert_eq!(crate::keys::certified(&platform, &renewed), [key_id(&rp.key)]);
    platform.clock.advance(crate::platform::COOLING_OFF);
    let after = platform.registered(&rp.id).await;
    assert_eq!(crate::keys::certified(&platform, &after), [key_id(&next)]);
    assert_eq!(after.registration_certificates.len(), 1);
    assert_eq!(after.registration.unwrap().name, "Renewed Bank");
    assert_eq!(after.expires_at, renewed.expires_at);
}

fn key_id(key: &cyberid_crypto::SigningKey) -> String {
    key.public_key().thumbprint()
}
