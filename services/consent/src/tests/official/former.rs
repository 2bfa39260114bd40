//! Officers who signed and are none any more.

use cyberid_crypto::{SigningKey, digest};
use cyberid_domain::id::{LeafId, OfficialAccessId};
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::leaf::Leaf;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::problem::ProblemType;
use cyberid_storage::official::{OfficialAccess, OfficialAccesses as _, OfficialStep, Turn};
use cyberid_storage::promise::PromisedLeaf;
use cyberid_storage::release::Stepped;
use cyberid_storage::single_use::SingleUse;

use super::bureau::{BUREAU, order};
use super::{Platform, REFUSED};
use crate::tests::platform::Answer;

impl Platform {
    /// An order as it stands when the officer who signed it, with this key, is none any more.
    async fn ordered_by_former(&self, former: &SigningKey) -> OfficialAccessId {
        let usual = self.ordered(&order()).await;
        let row = self.official_row(&usual).await;
        let id = OfficialAccessId::random(&SystemRng);
        let signed = order().sign(former).unwrap();
        let mut leaf = Leaf::from_text(&row.leaves[0].body).unwrap();
        leaf.official = Some(id.clone());
        let leaf = PromisedLeaf {
            id: LeafId::random(&SystemRng),
            body: leaf.to_text().unwrap(),
        };
        let uses = SingleUse {
            digest: digest::sha256(id.as_str().as_bytes()),
            forget_at: row.expires_at,
        };
        let access = OfficialAccess {
            id,
            order: signed,
            leaves: Vec::new(),
            ..row
        };
        let kept = self.registry.order(&access, &leaf, &uses).await;
        assert_eq!(kept.unwrap(), Stepped::Now);
        access.id
    }
}

#[tokio::test]
async fn what_a_former_officer_signed_ends_with_a_leaf() {
    let platform = Platform::with_carol().await;
    let former = SigningKey::from_scalar(&[99; 32]).unwrap();
    let reason = |answer: &Answer| {
        assert_eq!(answer.problem(), ProblemType::OfficialRefused);
        answer.json_problem()["reason"].as_str().unwrap().to_owned()
    };
    // The first signature, seen by the second officer.
    let id = platform.ordered_by_former(&former).await;
    let answer = platform.countersign(&id, &BUREAU.officers[1]).await;
    assert_eq!(reason(&answer), "former_officer");
    assert_eq!(platform.official_kinds(&id).await, REFUSED);
    // The second one, seen when it is carried out.
    let id = platform.ordered(&order()).await;
    let access = platform.official_row(&id).await;
    let second = platform.second_by(&access.order, &former);
    let step = OfficialStep {
        id: &id,
        from: access.status,
        to: Turn::Countersigned(&second),
        leaf: None,
        uses: None,
    };
    platform.registry.official_step(&step).await.unwrap();
    assert_eq!(reason(&platform.carry_out(&id, None).await), "former_officer");
    assert_eq!(platform.official_kinds(&id).await, REFUSED);
    assert_eq!(platform.key_holders.opened(), 0);
}
