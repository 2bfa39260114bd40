use std::sync::Arc;

use cyberid_client::MessageRefused;
use cyberid_client::ledger::LedgerRefused;
use cyberid_crypto::jwe::{self, InvalidJwe};
use cyberid_crypto::{Agree as _, AgreementKey, PublicKey};
use cyberid_domain::personal::Personal;
use cyberid_protocol::identity::Identity;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use serde_json::json;

use super::*;
use crate::IdentityRefused;
use crate::platform_double::{NOW, PlatformDouble};
use crate::testing::{client_id, met, other_client, sub};

const REDEEM: &str = "POST /v1/releases/rel_AAAAAAAAAAAAAAAAAAAAAA/redeem";

struct Scene {
    double: Arc<PlatformDouble>,
    party: RelyingParty,
    pending: PendingRelease,
    leaf: Leaf,
    identity: Identity,
    role: &'static str,
    recipient: PublicKey,
}

/// A release of two fields of which the name was granted; everything about it is good until it is altered.
async fn scene() -> Scene {
    let (double, party) = met().await;
    let answer = json!({"id": "rel_AAAAAAAAAAAAAAAAAAAAAA", "request_uri": "u", "expires_at": NOW.plus(900)});
    double.script("POST /v1/releases", 201, answer.to_string());
    let fields = [Field::Name, Field::DocumentNumber];
    let pending = party.request_release(&sub(1), "register", &fields).await.unwrap();
    Scene {
        leaf: Leaf {
            request: Some(pending.id.clone()),
            rp: Some(client_id()),
            fields: Some(vec![Field::Name]),
            purpose: Some("register".into()),
            enc_jkt: Some(party.opener.kid().into()),
            previous: Some("the grant".into()),
            ..Leaf::new(LeafKind::ReleaseIntended, NOW)
        },
        identity: Identity {
            iss: double.issuer.clone(),
            aud: client_id(),
            iat: NOW,
            request: pending.id.clone(),
            fields: vec![(Field::Name, Personal::new("王小明".into()))],
        },
        role: "identity",
        recipient: party.opener.public_key(),
        double,
        party,
        pending,
    }
}

impl Scene {
    fn redeemed(&self) -> Redeemed {
        let leaf = self.leaf.to_text().unwrap();
        let identity = self.identity.sign(&self.double.key(self.role)).unwrap();
        Redeemed {
            identity: jwe::seal(&self.recipient, "JWT", identity.as_bytes()).unwrap(),
            proof: self.double.append(&leaf),
            leaf,
        }
    }

    async fn redeem(&self, redeemed: &Redeemed) -> Result<ReleasedIdentity, RelyingPartyError> {
        self.double.script_json(REDEEM, redeemed);
        self.party.redeem(&self.pending).await
    }

    async fn refused(&self) -> RelyingPartyError {
        self.redeem(&self.redeemed()).await.unwrap_err()
    }
}

#[tokio::test]
async fn a_released_identity_is_accepted_with_its_leaf() {
    let scene = scene().await;
    let released = scene.redeem(&scene.redeemed()).await.unwrap();
    assert_eq!(released.field(Field::Name).unwrap().expose(), "王小明");
    assert!(released.field(Field::DocumentNumber).is_none());
    assert_eq!((released.leaf(), released.index()), (&scene.leaf, 0));
    assert_eq!(scene.party.ledger().last().await.size, 1);
    assert!(!format!("{released:?}").contains("王小明"));
}

#[tokio::test]
async fn redeeming_again_asks_for_the_same_answer() {
    let scene = scene().await;
    let redeemed = scene.redeemed();
    scene.redeem(&redeemed).await.unwrap();
    let text = serde_json::to_string(&scene.pending).unwrap();
    let kept: PendingRelease = serde_json::from_str(&text).unwrap();
    scene.party.redeem(&kept).await.unwrap();
    let received = scene.double.received(REDEEM);
    assert_eq!(
        received[0].headers["idempotency-key"],
        received[1].headers["idempotency-key"]
    );
}

#[tokio::test]
async fn a_leaf_of_anything_else_accepts_nothing() {
    let alterations: [fn(&mut Leaf); 11] = [
        |it| it.kind = LeafKind::ConsentGranted,
        |it| it.request = Some("rel_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap()),
        |it| it.rp = Some(other_client()),
        |it| it.rp = None,
        |it| it.purpose = Some("marketing".into()),
        |it| it.enc_jkt = Some("another key".into()),
        |it| it.fields = None,
        |it| it.fields = Some(Vec::new()),
        |it| it.fields = Some(vec![Field::Name, Field::BirthDate]),
        |it| it.previous = None,
        |it| it.time = NOW.plus(61),
    ];
    for (at, alter) in alterations.into_iter().enumerate() {
        let mut scene = scene().await;
        alter(&mut scene.leaf);
        assert_eq!(
            scene.refused().await,
            IdentityRefused::AnotherLeaf.into(),
            "at {at}"
        );
    }
}

#[tokio::test]
async fn without_the_witnessed_ledger_nothing_is_accepted() {
    let scene = scene().await;
    let good = scene.redeemed();
    let mut other = good.clone();
    other.proof = scene.double.append("another leaf");
    assert_eq!(
        scene.redeem(&other).await.err(),
        Some(IdentityRefused::NotInWitnessedLedger.into())
    );
    scene.double.log.lock().unwrap().witnessed = false;
    let mut unwitnessed = good.clone();
    unwitnessed.proof = scene.double.log.lock().unwrap().proof(0);
    let refused = scene.redeem(&unwitnessed).await.err();
    assert_eq!(refused, Some(IdentityRefused::NotInWitnessedLedger.into()));
    let mut respaced = good.clone();
    respaced.leaf.insert(1, ' ');
    assert_eq!(
        scene.redeem(&respaced).await.err(),
        Some(IdentityRefused::MalformedLeaf.into())
    );
    assert!(scene.redeem(&good).await.is_ok());
}

#[tokio::test]
async fn a_forked_ledger_is_noticed() {
    let scene = scene().await;
    scene.double.append("seen by others");
    let seen = scene.party.ledger().advance().await.unwrap();
    scene.double.log.lock().unwrap().leaves.clear();
    let refused = scene.refused().await;
    assert!(
        matches!(refused, RelyingPartyError::Ledger(LedgerRefused::Forked { older, .. }) if older == seen)
    );
}

#[tokio::test]
async fn an_identity_of_anything_else_is_refused() {
    let alterations: [fn(&mut Identity); 4] = [
        |it| it.iss = "https://id.example".into(),
        |it| it.aud = other_client(),
        |it| it.request = "rel_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        |it| it.iat = NOW.plus(61),
    ];
    for (at, alter) in alterations.into_iter().enumerate() {
        let mut scene = scene().await;
        alter(&mut scene.identity);
        assert_eq!(
            scene.refused().await,
            IdentityRefused::AnotherIdentity.into(),
            "at {at}"
        );
    }
}

#[tokio::test]
async fn an_identity_holds_exactly_the_fields_of_its_leaf() {
    let mut more = scene().await;
    more.identity
        .fields
        .push((Field::DocumentNumber, Personal::new("x".into())));
    assert_eq!(more.refused().await, IdentityRefused::FieldsDiffer.into());
    let mut fewer = scene().await;
    fewer.identity.fields.clear();
    assert_eq!(fewer.refused().await, IdentityRefused::FieldsDiffer.into());
}

#[tokio::test]
async fn an_identity_is_signed_by_the_identity_key_and_sealed_to_this_party() {
    let mut attested = scene().await;
    attested.role = "attestation";
    let role = IdentityRefused::Message(MessageRefused::WrongRole);
    assert_eq!(attested.refused().await, role.into());
    let mut elsewhere = scene().await;
    elsewhere.recipient = AgreementKey::ephemeral().unwrap().public_key();
    assert_eq!(
        elsewhere.refused().await,
        IdentityRefused::Sealed(InvalidJwe::Key).into()
    );
}

#[tokio::test]
async fn erasure_is_confirmed_with_its_time() {
    let scene = scene().await;
    let line = "POST /v1/releases/rel_AAAAAAAAAAAAAAAAAAAAAA/erasure";
    scene.double.script(line, 204, "");
    scene.party.confirm_erasure(&scene.pending.id, NOW).await.unwrap();
    let sent: ErasureBody = serde_json::from_slice(&scene.double.received(line)[0].body).unwrap();
    assert_eq!(sent.erased_at, NOW);
}

#[tokio::test]
async fn what_the_ledger_showed_is_kept_before_the_plaintext_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::CheckpointFile::new(folder.path().join("ledger.json"));
    let mut scene = scene().await;
    scene.party = scene.party.remembering(Arc::new(file.clone())).unwrap();
    scene.redeem(&scene.redeemed()).await.unwrap();
    let kept = crate::Checkpoints::load(&file).unwrap();
    assert_eq!(kept, Some(scene.party.ledger().last().await));
    let lost = crate::CheckpointFile::new(folder.path().join("nowhere").join("ledger.json"));
    scene.party = scene.party.remembering(Arc::new(lost)).unwrap();
    assert_eq!(
        scene.refused().await,
        RelyingPartyError::Checkpoint(std::io::ErrorKind::NotFound)
    );
}
