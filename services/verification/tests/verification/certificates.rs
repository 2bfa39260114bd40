//! Certificates are published for everybody: of those who may ask now, and with nothing beside them.

use std::collections::BTreeSet;

use cyberid_domain::id::ClientId;
use cyberid_domain::rng::SystemRng;
use cyberid_keystore::role::Registration as RegistrationRole;
use cyberid_protocol::message::open;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::registration::{
    CertificatesPage, MAX_LIFE, PublishedCertificates, Registered, RegistrationCertificate,
};
use serde_json::Value;

use crate::platform::Platform;

const ALL: &str = "/v1/registration-certificates";

#[tokio::test]
async fn anybody_finds_who_may_ask_and_checks_it_by_the_platform_s_key_alone() {
    let platform = Platform::start().await;
    let rp = platform.relying_party().await;
    let path = format!("{ALL}/{}", rp.id);
    let answer = platform.get_publicly(&path).await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=60");
    let published: PublishedCertificates = answer.expect(200);
    let registered = platform.registered(&rp.id).await;
    assert_eq!(
        published.registration_certificates,
        registered.registration_certificates
    );
    let key = platform.keys.signer::<RegistrationRole>().unwrap().public_key();
    for compact in &published.registration_certificates {
        let certificate: RegistrationCertificate = open(compact, &key).unwrap();
        assert_eq!(certificate.sub, rp.id);
    }
    let all = platform.get_publicly(ALL).await;
    assert_eq!(all.headers["cache-control"], "public, max-age=60");
    let text = String::from_utf8(all.body.clone()).unwrap();
    assert!(!text.contains("identity@bank.example"), "no contact");
    let members: BTreeSet<_> = all.read::<Value>()["relying_parties"][0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        members,
        BTreeSet::from(["client_id".into(), "registration_certificates".into()])
    );
    assert_eq!(all.expect::<CertificatesPage>(200).relying_parties, [published]);
}

#[tokio::test]
async fn who_may_not_ask_is_not_published() {
    let platform = Platform::start().await;
    let (applicant, suspended) = (platform.applicant().await, platform.relying_party().await);
    platform
        .act(&platform.operators[0], &suspended.id, "suspend")
        .await
        .expect::<Registered>(200);
    let active = platform.relying_party().await;
    let unknown = ClientId::random(&SystemRng);
    for id in [&applicant.id, &suspended.id, &unknown] {
        let answer = platform.get_publicly(&format!("{ALL}/{id}")).await;
        assert_eq!(answer.problem(), ProblemType::NotFound);
    }
    let page: CertificatesPage = platform.get_publicly(ALL).await.expect(200);
    let ids: Vec<_> = page.relying_parties.iter().map(|one| &one.client_id).collect();
    assert_eq!(ids, [&active.id]);
    platform.clock.advance(MAX_LIFE);
    let page: CertificatesPage = platform.get_publicly(ALL).await.expect(200);
    assert_eq!(page.relying_parties, []);
    let answer = platform.get_publicly(&format!("{ALL}/{}", active.id)).await;
    assert_eq!(answer.problem(), ProblemType::NotFound);
}

#[tokio::test]
async fn pages_follow_each_other_by_id_and_the_last_says_so() {
    let platform = Platform::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(platform.relying_party().await.id);
    }
    ids.sort();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("{ALL}?limit=2{after}");
        let page: CertificatesPage = platform.get_publicly(&path).await.expect(200);
        assert!(page.relying_parties.len() <= 2);
        seen.extend(page.relying_parties.into_iter().map(|one| one.client_id));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, ids);
    for wrong in ["limit=0", "limit=101", "after=x", "page=1"] {
        let answer = platform.get_publicly(&format!("{ALL}?{wrong}")).await;
        assert_eq!(answer.problem(), ProblemType::MalformedRequest, "{wrong}");
    }
}
