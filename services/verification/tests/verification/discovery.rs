//! What anybody can read.

use cyberid_keystore::role::{Attestation, Message, RoleName};
use cyberid_protocol::discovery::{Discovery, PlatformKeys};

use crate::platform::{ISSUER, Platform};

#[tokio::test]
async fn discovery_names_todays_key_and_may_be_kept() {
    let platform = Platform::start().await;
    let answer = platform.get_publicly("/.well-known/cyberid").await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let discovery: Discovery = answer.expect(200);
    assert_eq!(discovery.token_endpoint, format!("{ISSUER}/oauth/token"));
    platform.keys.rotate(RoleName::Message).unwrap();
    let next: Discovery = platform.get_publicly("/.well-known/cyberid").await.expect(200);
    let opener = platform.keys.opener::<Message>().unwrap();
    assert_ne!(next.encryption_jwk, discovery.encryption_jwk);
    assert_eq!(next.encryption_jwk.kid.as_deref(), Some(opener.current().kid()));
}

#[tokio::test]
async fn a_next_key_is_published_before_it_signs() {
    let platform = Platform::start().await;
    platform.keys.prepare(RoleName::Attestation).unwrap();
    let published = platform
        .get_publicly("/.well-known/jwks.json")
        .await
        .expect::<PlatformKeys>(200);
    platform.keys.rotate(RoleName::Attestation).unwrap();
    let signer = platform.keys.signer::<Attestation>().unwrap();
    let next = published.keys.iter().find(|key| key.state == "next").unwrap();
    assert_eq!(next.jwk.kid.as_deref(), Some(signer.current().kid()));
    assert!(published.keys.iter().all(|key| key.role != "enrolment"));
}
