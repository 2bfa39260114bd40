//! The regulator reads, over real sockets: entries one by one and as a stream, who owes what, one release to its ground,
//! and the report that is everybody's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::time::Duration;

use cyberid_client::{CallProof, ClientError};
use cyberid_domain::field::Field;
use cyberid_protocol::audit::{
    AuditEntries, AuditEntry, AuditSummary, OverseenParties, OverseenParty, TracedRelease, TransparencyReport,
};
use cyberid_protocol::discovery::Discovery;
use cyberid_protocol::problem::ProblemType;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::receipt::TlogProof;
use journeys::{Granted, TestPlatform, verified_sub};
use reqwest::{Method, Response, StatusCode};

/// Waits until the published log has a leaf of this kind: witnesses see it first.
async fn published(platform: &TestPlatform, kind: &str) -> AuditSummary {
    for _ in 0..100 {
        let summary: AuditSummary = platform.regulator().get("/v1/audit/summary").await.unwrap();
        if summary.kinds.contains_key(kind) {
            return summary;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ledger never had {kind}")
}

async fn called(platform: &TestPlatform, method: Method, path: &str) -> Response {
    let CallProof { token, proof } = authorised(platform, &method, path).await;
    reqwest::Client::new()
        .request(method, format!("{}{path}", platform.url()))
        .header("authorization", format!("DPoP {token}"))
        .header("dpop", proof)
        .header("accept", "application/x-ndjson")
        .send()
        .await
        .unwrap()
}

/// The second proof carries the server's nonce.
async fn authorised(platform: &TestPlatform, method: &Method, path: &str) -> CallProof {
    let session = platform.regulator();
    let _: AuditSummary = session.get("/v1/audit/summary").await.unwrap();
    session.authorise(method.as_str(), path).await.unwrap()
}

async fn streamed(platform: &TestPlatform, path: &str) -> Vec<AuditEntry> {
    let answer = called(platform, Method::GET, path).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    assert_eq!(answer.headers()["vary"], "accept-encoding");
    let body = answer.text().await.unwrap();
    body.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Each entry is proved by itself, under a checkpoint of this log.
async fn are_proved(platform: &TestPlatform, entries: &[AuditEntry]) {
    let discovery: Discovery = platform.client.get("/.well-known/cyberid").await.unwrap();
    let log: VerifierKey = discovery.ledger.vkey.parse().unwrap();
    let nobody = Policy::parse(b"quorum none\n").unwrap();
    for entry in entries {
        let proof = TlogProof::parse(entry.proof.as_bytes()).unwrap();
        assert_eq!(proof.index, entry.index);
        proof.verify(entry.leaf.as_bytes(), &log, &nobody).unwrap();
        assert!(proof.verify(b"another leaf", &log, &nobody).is_err());
    }
}

#[tokio::test]
async fn entries_are_filtered_paged_and_streamed_each_with_its_proof() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
    let summary = published(&platform, "release.delivered").await;

    let all = streamed(&platform, "/v1/audit/entries").await;
    assert!(all.len() as u64 >= summary.size);
    let places = all.iter().map(|entry| entry.index);
    assert!(places.eq(0..all.len() as u64), "all of them, in their order");
    are_proved(&platform, &all).await;

    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/audit/entries?limit=2{after}");
        let page: AuditEntries = platform.regulator().get(&path).await.unwrap();
        paged.extend(page.entries.into_iter().map(|entry| entry.leaf));
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    let leaves: Vec<String> = all.into_iter().map(|entry| entry.leaf).collect();
    assert_eq!(paged[..leaves.len()], leaves[..]);

    let path = format!(
        "/v1/audit/entries?kind=consent.granted&rp={}&limit=1",
        party.client_id()
    );
    let grants = streamed(&platform, &path).await;
    assert_eq!(grants.len(), 1);
    assert!(grants[0].leaf.contains(granted.pending.id.as_str()));
    let later = format!("/v1/audit/entries?after={}", leaves.len() + 1_000);
    assert!(streamed(&platform, &later).await.is_empty());
    let future = "/v1/audit/entries?from=4000000000";
    assert!(streamed(&platform, future).await.is_empty());
}

#[tokio::test]
async fn a_relying_party_is_seen_with_what_it_asked_too_much_and_what_it_owes() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
    citizen
        .holder
        .withdraw(&granted.consented.consent_id)
        .await
        .unwrap();
    let asked = party
        .request_release("someone", "deliver", &[Field::DocumentNumber])
        .await;
    assert!(asked.is_err(), "it is not registered for that");
    published(&platform, "consent.withdrawn").await;

    let regulator = platform.regulator();
    let list: OverseenParties = regulator.get("/v1/audit/relying-parties").await.unwrap();
    assert_eq!(list.next, None);
    let path = format!("/v1/audit/relying-parties/{}", party.client_id());
    let seen: OverseenParty = regulator.get(&path).await.unwrap();
    assert_eq!(list.relying_parties, std::slice::from_ref(&seen));
    assert_eq!(seen.over_asking, 1);
    assert_eq!(seen.kinds.get("consent.withdrawn"), Some(&1));
    assert!(seen.intended_uses.iter().any(|used| used.purpose == "deliver"));
    let [owed] = &seen.outstanding_erasures[..] else {
        panic!("{:?}", seen.outstanding_erasures)
    };
    assert_eq!(owed.release_id, granted.pending.id);
    assert!(!owed.overdue);
    let overdue: OverseenParties = regulator
        .get("/v1/audit/relying-parties?overdue=true")
        .await
        .unwrap();
    assert!(overdue.relying_parties.is_empty());
    let unknown = regulator
        .get::<OverseenParty>("/v1/audit/relying-parties/AAAAAAAAAAAAAAAAAAAAAA")
        .await;
    assert_eq!(unknown.unwrap_err().problem(), Some(ProblemType::NotFound));
}

#[tokio::test]
async fn a_release_is_traced_to_its_ground_and_only_for_a_reason() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
    published(&platform, "release.delivered").await;
    let regulator = platform.regulator();
    let path = format!("/v1/audit/releases/{}", granted.pending.id);
    for reasonless in [
        path.clone(),
        format!("{path}?reason="),
        format!("{path}?reason=a%0Ab"),
    ] {
        let refused = regulator.get::<TracedRelease>(&reasonless).await;
        assert_eq!(
            refused.unwrap_err().problem(),
            Some(ProblemType::MalformedRequest)
        );
    }
    let traced: TracedRelease = regulator
        .get(&format!("{path}?reason=random%20sample"))
        .await
        .unwrap();
    are_proved(&platform, &traced.leaves).await;
    let receipt = citizen
        .holder
        .receipt(&granted.consented.consent_id)
        .await
        .unwrap();
    assert_eq!(traced.leaves[0].leaf, receipt.receipt().leaf);
    assert_eq!(traced.device_jwk, Some(citizen.holder.public_key().to_jwk()));
    assert!(traced.consent.is_some() && traced.request_object.is_some() && traced.salt.is_some());

    let ungranted = party
        .request_release(&verified_sub(&party, &citizen).await, "deliver", &[Field::Name])
        .await
        .unwrap();
    let path = format!("/v1/audit/releases/{}?reason=sample", ungranted.id);
    let nothing = regulator.get::<TracedRelease>(&path).await;
    assert_eq!(nothing.unwrap_err().problem(), Some(ProblemType::NotFound));
}

#[tokio::test]
async fn the_report_is_everybodys_and_counts_what_the_log_holds() {
    let platform = TestPlatform::start().await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    Granted::by(&citizen, &party, &[Field::Name]).await;
    published(&platform, "consent.granted").await;
    let report: TransparencyReport = platform
        .client
        .get("/v1/audit/transparency-report")
        .await
        .unwrap();
    let counted: u64 = report.kinds.values().sum();
    let size = report.checkpoint.lines().nth(1).unwrap();
    assert_eq!(counted.to_string(), size, "every leaf under the checkpoint, once");
    assert_eq!(report.months.len(), 1);
    assert_eq!(report.months.values().next(), Some(&report.kinds));
    assert_eq!(report.relying_parties.get("approved"), Some(&1));
}

#[tokio::test]
async fn nobody_else_reads_and_nobody_writes() {
    let platform = TestPlatform::start().await;
    let party = platform.relying_party().await;
    let paths = [
        "/v1/audit/entries".to_owned(),
        "/v1/audit/summary".to_owned(),
        "/v1/audit/relying-parties".to_owned(),
        format!("/v1/audit/relying-parties/{}", party.client_id()),
        "/v1/audit/releases/rel_AAAAAAAAAAAAAAAAAAAAAA?reason=x".to_owned(),
    ];
    for path in &paths {
        for other in [party.session(), &platform.operator(0)] {
            let refused: Result<serde_json::Value, ClientError> = other.get(path).await;
            assert_eq!(
                refused.unwrap_err().problem(),
                Some(ProblemType::Forbidden),
                "{path}"
            );
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = called(&platform, method.clone(), path).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}
