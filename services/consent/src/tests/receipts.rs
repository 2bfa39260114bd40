use cyberid_crypto::digest;
use cyberid_domain::id::{ConsentId, ReleaseId};
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::problem::ProblemType;
use cyberid_protocol::receipt::{ConsentRecord, Receipt};
use cyberid_protocol::release::LeafProof;
use cyberid_tlog::receipt::TlogProof;
use http::Method;

use super::people::Person;
use super::{Answer, LeafKind, Platform};
use crate::MyConsents;

/// A release from its grant to the confirmed erasure.
const LIFE: [LeafKind; 5] = [
    LeafKind::ConsentGranted,
    LeafKind::ReleaseIntended,
    LeafKind::ReleaseDelivered,
    LeafKind::ConsentWithdrawn,
    LeafKind::ErasureConfirmed,
];

impl Platform {
    async fn lived(&self) -> (ReleaseId, ConsentId) {
        let (id, consent_id) = self.granted().await;
        self.redeem(&id, Some("key")).await;
        self.withdraw(&consent_id).await;
        let body = serde_json::json!({"erased_at": cyberid_domain::Clock::now(&*self.clock)});
        let path = format!("/v1/releases/{id}/erasure");
        self.call(Method::POST, &path, &self.as_rp(), Some(body)).await;
        assert_eq!(self.logged(&id).await, LIFE);
        (id, consent_id)
    }

    async fn receipt(&self, person: &Person, id: &ConsentId, kind: LeafKind) -> Answer {
        let path = format!("/v1/consents/{id}/receipt?kind={}", kind.as_str());
        let caller = format!("holder {}", person.jkt());
        self.call(Method::GET, &path, &caller, None).await
    }

    async fn leaf_proof(&self, caller: &str, id: &ReleaseId, kind: LeafKind) -> Answer {
        let path = format!("/v1/releases/{id}/proof?kind={}", kind.as_str());
        self.call(Method::GET, &path, caller, None).await
    }

    fn prove(&self, leaf: &str, proof: &str) -> u64 {
        let proof = TlogProof::parse(proof.as_bytes()).unwrap();
        let proved = proof.verify(leaf.as_bytes(), &self.anchors.ledger, &self.anchors.policy);
        proved.unwrap().index()
    }
}

#[tokio::test]
async fn every_event_of_a_consent_has_its_receipt_and_the_last_proves_all() {
    let platform = Platform::start().await;
    let (_, consent_id) = platform.lived().await;
    let mut before: Option<(String, u64)> = None;
    for (at, kind) in LIFE.into_iter().enumerate() {
        let receipt: Receipt = platform.receipt(&platform.alice, &consent_id, kind).await.json();
        let Receipt {
            record, leaf, proof, ..
        } = receipt;
        assert!(
            record
                .life()
                .map(|(kind, _)| kind)
                .eq(LIFE[..=at].iter().copied())
        );
        assert_eq!(
            ConsentRecord::of(record.evidence.clone(), record.life()),
            Ok(record.clone())
        );
        let read = record.evidence.read().unwrap();
        let made = read.leaf(&record.evidence.consent, record.life()).unwrap();
        assert_eq!(made.to_text().unwrap(), leaf, "{kind:?}");
        let index = platform.prove(&leaf, &proof);
        if let Some((sha256, place)) = before {
            assert_eq!(Leaf::from_text(&leaf).unwrap().previous, Some(sha256));
            assert!(index > place);
        }
        before = Some((digest::sha256_base64url(leaf.as_bytes()), index));
    }
    let caller = format!("holder {}", platform.alice.jkt());
    let listed: MyConsents = platform
        .call(Method::GET, "/v1/me/consents", &caller, None)
        .await
        .json();
    let kinds = listed.consents[0].events.iter().map(|event| event.kind);
    assert!(kinds.eq(LIFE));
}

#[tokio::test]
async fn without_a_kind_it_is_the_grant() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.lived().await;
    let path = format!("/v1/consents/{consent_id}/receipt");
    let caller = format!("holder {}", platform.alice.jkt());
    let receipt: Receipt = platform.call(Method::GET, &path, &caller, None).await.json();
    assert_eq!(
        Leaf::from_text(&receipt.leaf).unwrap().kind,
        LeafKind::ConsentGranted
    );
    let path = format!("/v1/releases/{id}/proof");
    let proof: LeafProof = platform
        .call(Method::GET, &path, &platform.as_rp(), None)
        .await
        .json();
    assert_eq!(proof.leaf, receipt.leaf);
}

#[tokio::test]
async fn what_is_anothers_or_has_not_happened_is_not_there() {
    let platform = Platform::start().await;
    let (id, consent_id) = platform.granted().await;
    let granted = LeafKind::ConsentGranted;
    let by_bob = platform.receipt(&platform.bob, &consent_id, granted).await;
    assert_eq!(by_bob.problem(), ProblemType::NotFound);
    let by_other = platform.leaf_proof(&platform.as_other_rp(), &id, granted).await;
    assert_eq!(by_other.problem(), ProblemType::NotFound);
    for kind in LeafKind::ALL.iter().filter(|kind| **kind != granted) {
        let receipt = platform.receipt(&platform.alice, &consent_id, *kind).await;
        assert_eq!(receipt.problem(), ProblemType::NotFound, "{kind:?}");
        let proof = platform.leaf_proof(&platform.as_rp(), &id, *kind).await;
        assert_eq!(proof.problem(), ProblemType::NotFound, "{kind:?}");
    }
    let open = platform.ask().await;
    let proof = platform.leaf_proof(&platform.as_rp(), &open, granted).await;
    assert_eq!(proof.problem(), ProblemType::NotFound);
    let unknown = format!("/v1/releases/{id}/proof?kind=consent.sold");
    let answer = platform
        .call(Method::GET, &unknown, &platform.as_rp(), None)
        .await;
    assert_eq!(answer.problem(), ProblemType::MalformedRequest);
}

#[tokio::test]
async fn a_relying_party_proves_the_leaves_of_its_releases() {
    let platform = Platform::start().await;
    let (id, _) = platform.lived().await;
    let mut places = Vec::new();
    for kind in LIFE {
        let proof: LeafProof = platform.leaf_proof(&platform.as_rp(), &id, kind).await.json();
        let leaf = Leaf::from_text(&proof.leaf).unwrap();
        assert_eq!((leaf.kind, leaf.request.as_ref()), (kind, Some(&id)));
        places.push(platform.prove(&proof.leaf, &proof.proof));
    }
    assert!(places.is_sorted());
}
