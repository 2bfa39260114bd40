use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::message::Message as _;
use cyberid_protocol::request::ReleaseRequest;
use cyberid_protocol::statement::Locale;

use super::*;
use crate::Holder;
use crate::platform_double::{NOW, PlatformDouble};
use crate::testing::{certificate, granted, key, met, receipt, release};

fn consent(double: &PlatformDouble, request: &ReleaseRequest) -> Consent {
    Consent {
        aud: double.issuer.clone(),
        rp: request.rp.client_id.clone(),
        request: request.id.clone(),
        purpose: request.purpose.clone(),
        fields: vec![Field::Name, Field::DocumentNumber],
        legal_basis: request.legal_basis.clone(),
        retention_days: request.retention_days,
        enc_jkt: request.enc_jkt.clone(),
        notice_sha256: request.notice_sha256.clone(),
        request_sha256: "r".into(),
        statement_sha256: digest::sha256_base64url(request.statement.text.as_bytes()),
        locale: Locale::English,
        iat: NOW,
        exp: NOW.plus(600),
        jti: Nonce::random(&SystemRng),
    }
}

/// A good receipt whose consent and whose leaf were altered before they were signed and logged.
async fn made(
    alter_consent: impl FnOnce(&mut Consent),
    alter_leaf: impl FnOnce(&mut Leaf),
) -> (Receipt, Anchors, Holder) {
    let (double, holder) = met().await;
    double.append("something before");
    let request = release(&double, &certificate(&double));
    let mut consent = consent(&double, &request);
    alter_consent(&mut consent);
    let compact = consent.sign(&key(7)).unwrap();
    let mut leaf = granted(&consent, &compact, &key(7));
    alter_leaf(&mut leaf);
    let receipt = receipt(&double, &request, &consent, &compact, &leaf);
    let anchors = holder.platform.anchors().clone();
    (receipt, anchors, holder)
}

async fn altered(alter: impl FnOnce(&mut Receipt)) -> Result<VerifiedReceipt, ReceiptRefused> {
    let (mut receipt, anchors, holder) = made(|_| {}, |_| {}).await;
    alter(&mut receipt);
    check_receipt(receipt, &anchors, &holder.public_key())
}

async fn with_leaf(alter: impl FnOnce(&mut Leaf)) -> Option<ReceiptRefused> {
    let (receipt, anchors, holder) = made(|_| {}, alter).await;
    check_receipt(receipt, &anchors, &holder.public_key()).err()
}

#[tokio::test]
async fn a_good_receipt_proves_what_it_says() {
    let verified = altered(|_| {}).await.unwrap();
    assert_eq!((verified.index(), verified.tree().size), (1, 2));
    assert_eq!(verified.leaf().kind, LeafKind::ConsentGranted);
    assert_eq!(verified.consent().fields, [Field::Name, Field::DocumentNumber]);
}

#[tokio::test]
async fn every_part_of_the_record_is_held_to_the_consent() {
    let parts: [fn(&mut ConsentRecord); 8] = [
        |it| it.release_id = "rel_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        |it| it.controller = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        |it| it.controller_name = "Bank".into(),
        |it| it.purpose = "marketing".into(),
        |it| it.legal_basis = "interest".into(),
        |it| it.fields = vec![Field::Name],
        |it| it.retention_days = 3650,
        |it| it.notice_uri = "https://isp.example/other".into(),
    ];
    for (at, alter) in parts.into_iter().enumerate() {
        let refused = altered(|it| alter(&mut it.record)).await.err();
        assert_eq!(refused, Some(ReceiptRefused::RecordDiffers), "at {at}");
    }
    let refused = altered(|it| it.record.schema_version.push('x')).await.err();
    assert_eq!(refused, Some(ReceiptRefused::Schema));
    let refused = altered(|it| it.record.statement.push('.')).await.err();
    assert_eq!(refused, Some(ReceiptRefused::StatementDiffers));
    let refused = altered(|it| it.record.events.clear()).await.err();
    assert_eq!(refused, Some(ReceiptRefused::LeafDiffers));
    let refused = altered(|it| it.record.events[0].time = NOW.plus(1)).await.err();
    assert_eq!(refused, Some(ReceiptRefused::LeafDiffers));
}

#[tokio::test]
async fn the_consent_is_the_devices_own_and_for_this_platform() {
    let (receipt, anchors, _) = made(|_| {}, |_| {}).await;
    let refused = check_receipt(receipt, &anchors, &cyberid_crypto::Sign::public_key(&key(8))).err();
    assert_eq!(refused, Some(ReceiptRefused::Consent));
    let (receipt, anchors, holder) = made(|it| it.aud = "https://id.example".into(), |_| {}).await;
    let refused = check_receipt(receipt, &anchors, &holder.public_key()).err();
    assert_eq!(refused, Some(ReceiptRefused::Consent));
}

#[tokio::test]
async fn every_part_of_the_leaf_is_held_to_the_consent() {
    let parts: [fn(&mut Leaf); 12] = [
        |it| it.kind = LeafKind::ReleaseIntended,
        |it| it.request = None,
        |it| it.rp = Some("BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap()),
        |it| it.subject_commitment = Some("somebody".into()),
        |it| it.fields = Some(vec![Field::Name]),
        |it| it.purpose = Some("marketing".into()),
        |it| it.legal_basis = None,
        |it| it.retention_days = Some(3650),
        |it| it.enc_jkt = Some("attacker".into()),
        |it| it.consent_sha256 = Some("another".into()),
        |it| it.registration_sha256 = Some("any".into()),
        |it| it.previous = Some("any".into()),
    ];
    for (at, alter) in parts.into_iter().enumerate() {
        assert_eq!(
            with_leaf(alter).await,
            Some(ReceiptRefused::LeafDiffers),
            "at {at}"
        );
    }
}

#[tokio::test]
async fn a_withdrawal_follows_something() {
    let withdrawn = |it: &mut Leaf| {
        *it = it.followed_by(LeafKind::ConsentWithdrawn, it.time).unwrap();
    };
    assert_eq!(with_leaf(withdrawn).await, None);
    let alone = |it: &mut Leaf| it.kind = LeafKind::ConsentWithdrawn;
    assert_eq!(with_leaf(alone).await, Some(ReceiptRefused::LeafDiffers));
}

#[tokio::test]
async fn leaf_salt_and_proof_are_exact() {
    let refused = altered(|it| it.leaf.insert(1, ' ')).await.err();
    assert_eq!(refused, Some(ReceiptRefused::Malformed));
    let refused = altered(|it| it.record.salt = base64url::encode(&[41; 32]))
        .await
        .err();
    assert_eq!(refused, Some(ReceiptRefused::LeafDiffers));
    let refused = altered(|it| it.record.salt.push('A')).await.err();
    assert_eq!(refused, Some(ReceiptRefused::Malformed));
    let refused = altered(|it| it.proof = it.proof.replace("index 1", "index 0"))
        .await
        .err();
    assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
    let refused = altered(|it| it.proof.clear()).await.err();
    assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
}

#[tokio::test]
async fn an_unwitnessed_checkpoint_and_another_log_prove_nothing() {
    let (mut receipt, mut anchors, holder) = made(|_| {}, |_| {}).await;
    let witnessed = receipt.proof.clone();
    let lines: Vec<&str> = witnessed
        .lines()
        .filter(|line| !line.contains("witness.example"))
        .collect();
    receipt.proof = lines.join("\n") + "\n";
    let refused = check_receipt(receipt.clone(), &anchors, &holder.public_key()).err();
    assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
    receipt.proof = witnessed;
    assert!(check_receipt(receipt.clone(), &anchors, &holder.public_key()).is_ok());
    let other = cyberid_tlog::note::Ed25519Signer::from_seed("log.example", &[3; 32]).unwrap();
    anchors.ledger = cyberid_tlog::note::NoteSigner::verifier_key(&other).clone();
    let refused = check_receipt(receipt, &anchors, &holder.public_key()).err();
    assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
}
