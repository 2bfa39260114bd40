use cyberid_crypto::{Sign as _, base64url};
use cyberid_domain::UnixTime;
use cyberid_domain::field::Field;
use cyberid_domain::id::Nonce;
use cyberid_domain::rng::SystemRng;
use cyberid_protocol::leaf::{LeafKind, subject_commitment};
use cyberid_protocol::message::Message as _;
use cyberid_protocol::receipt::{Evidence, RecordEvent};
use cyberid_protocol::request::RequestObject;
use cyberid_protocol::statement::Locale;

use super::*;
use crate::Holder;
use crate::platform_double::{NOW, PlatformDouble};
use crate::testing::{SALT, certificate, granted, key, met, receipt, release};

fn consent(double: &PlatformDouble, request: &ReleaseRequest, compact: &str) -> Consent {
    Consent {
        aud: double.issuer.clone(),
        rp: request.rp.client_id.clone(),
        request: request.id.clone(),
        purpose: request.purpose.clone(),
        fields: vec![Field::DocumentNumber],
        legal_basis: request.legal_basis.clone(),
        retention_days: request.retention_days,
        enc_jkt: request.enc_jkt.clone(),
        notice_sha256: request.notice_sha256.clone(),
        request_sha256: digest::sha256_base64url(compact.as_bytes()),
        statement_sha256: digest::sha256_base64url(request.statement.text.as_bytes()),
        locale: Locale::English,
        iat: NOW,
        exp: NOW.plus(600),
        jti: Nonce::random(&SystemRng),
    }
}

/// A receipt whose request and consent were altered before they were signed and logged.
pub(super) async fn made(
    alter_request: impl FnOnce(&mut ReleaseRequest),
    alter_consent: impl FnOnce(&mut Consent),
    life: &[(LeafKind, UnixTime)],
) -> (Receipt, Anchors, Holder) {
    let (double, holder) = met().await;
    double.append("something before");
    let mut request = release(&double, &certificate(&double));
    alter_request(&mut request);
    let compact = double.sign("request", &RequestObject::Release(request.clone()));
    let mut consent = consent(&double, &request, &compact);
    alter_consent(&mut consent);
    let consent = consent.sign(&key(7)).unwrap();
    let receipt = receipt(&double, &compact, &consent, life);
    let anchors = holder.platform.anchors().clone();
    (receipt, anchors, holder)
}

async fn good() -> (Receipt, Anchors, Holder) {
    made(|_| {}, |_| {}, &[granted()]).await
}

async fn altered(alter: impl FnOnce(&mut Receipt)) -> Option<ReceiptRefused> {
    let (mut receipt, anchors, holder) = good().await;
    alter(&mut receipt);
    check_receipt(receipt, &anchors, &holder.public_key()).err()
}

#[tokio::test]
async fn a_good_receipt_proves_what_it_says() {
    let (receipt, anchors, holder) = good().await;
    let verified = check_receipt(receipt.clone(), &anchors, &holder.public_key()).unwrap();
    assert_eq!((verified.index(), verified.tree().size), (1, 2));
    assert_eq!(verified.leaf().kind, LeafKind::ConsentGranted);
    assert_eq!(verified.consent().fields, [Field::DocumentNumber]);
    assert_eq!(verified.statement_version(), Version::CURRENT);
    assert_eq!(
        (verified.cosignatures().len(), verified.unknown_signatures()),
        (1, 0)
    );
    assert_eq!(verified.names_policy(&anchors), None);
    let file = verified.to_file(&anchors);
    let read = serde_json::to_vec(&file).unwrap();
    let read: Receipt = cyberid_crypto::json::from_slice(&read).unwrap();
    let by_stranger = verify_receipt(read, &anchors).unwrap();
    assert_eq!(by_stranger.names_policy(&anchors), Some(true));
    assert_eq!(by_stranger.device(), &holder.public_key());
}

#[tokio::test]
async fn a_life_is_proved_by_its_last_leaf() {
    let at = |seconds| NOW.plus(seconds);
    let life = [
        granted(),
        (LeafKind::ReleaseIntended, at(1)),
        (LeafKind::ReleaseDelivered, at(1)),
        (LeafKind::ConsentWithdrawn, at(2)),
        (LeafKind::ErasureOverdue, at(3)),
    ];
    for kinds in 1..=life.len() {
        let (receipt, anchors, _) = made(|_| {}, |_| {}, &life[..kinds]).await;
        let verified = verify_receipt(receipt, &anchors).unwrap();
        assert_eq!(verified.leaf().kind, life[kinds - 1].0);
    }
    let (receipt, anchors, _) = made(|_| {}, |_| {}, &life).await;
    let changes: [fn(&mut Vec<RecordEvent>); 5] = [
        |it| it[1].event_time = NOW,
        |it| it[2].event_state = LeafKind::ReleasePresumed,
        |it| drop(it.remove(2)),
        |it| it.swap(1, 2),
        |it| it.push(it[4].clone()),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut receipt = receipt.clone();
        change(&mut receipt.record.events);
        let refused = verify_receipt(receipt, &anchors).err();
        assert_eq!(refused, Some(ReceiptRefused::LeafDiffers), "at {at}");
    }
}

#[tokio::test]
async fn every_part_of_the_record_is_held_to_its_evidence() {
    let parts: [fn(&mut ConsentRecord); 20] = [
        |it| it.record_header.record_id = "con_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
        |it| it.record_header.pii_principal_id.push('x'),
        |it| it.pii_processing.privacy_notice = "https://isp.example/other".into(),
        |it| it.pii_processing.language = Locale::Chinese,
        |it| it.pii_processing.purposes.clear(),
        |it| it.pii_processing.purposes[0].purpose = "marketing".into(),
        |it| it.pii_processing.purposes[0].lawful_basis = "interest".into(),
        |it| it.pii_processing.purposes[0].pii_information[0].granted = true,
        |it| it.pii_processing.purposes[0].pii_information[1].granted = false,
        |it| it.pii_processing.purposes[0].pii_information[0].pii_type = Field::BirthDate,
        |it| it.pii_processing.purposes[0].pii_controllers.clear(),
        |it| it.pii_processing.purposes[0].retention_period = "P3650D".into(),
        |it| {
            it.pii_processing.purposes[0]
                .recipient_third_parties
                .push("x".into());
        },
        |it| it.pii_processing.purposes[0].withdrawal_method.push('x'),
        |it| it.party_identification[0].party_name = "Bank".into(),
        |it| it.party_identification[0].party_url = "bank.example".into(),
        |it| it.party_identification[0].party_role.push('x'),
        |it| it.events[0].entity_id.push('x'),
        |it| it.events[0].event_type.push('x'),
        |it| it.events[0].validity_duration = None,
    ];
    for (at, alter) in parts.into_iter().enumerate() {
        let refused = altered(|it| alter(&mut it.record)).await;
        assert_eq!(refused, Some(ReceiptRefused::RecordDiffers), "at {at}");
    }
    let refused = altered(|it| it.record.record_header.schema_version.push('x')).await;
    assert_eq!(refused, Some(ReceiptRefused::Schema));
}

#[tokio::test]
async fn the_consent_is_the_devices_own_and_for_this_platform() {
    let (receipt, anchors, _) = good().await;
    let stranger = key(8).public_key();
    let refused = check_receipt(receipt.clone(), &anchors, &stranger).err();
    assert_eq!(refused, Some(ReceiptRefused::Consent));
    let with = |jwk| altered(|it| it.record.evidence.device_jwk = jwk);
    assert_eq!(with(stranger.to_jwk()).await, Some(ReceiptRefused::Consent));
    let other = |it: &mut Consent| it.aud = "https://id.example".into();
    let (receipt, anchors, holder) = made(|_| {}, other, &[granted()]).await;
    let refused = check_receipt(receipt, &anchors, &holder.public_key()).err();
    assert_eq!(refused, Some(ReceiptRefused::Consent));
}

/// The device signed, and the ledger recorded, something else than what was asked: whichever claim it is.
#[tokio::test]
async fn a_consent_that_differs_from_its_request_is_refused_in_every_claim() {
    use ReceiptRefused::{ConsentDiffers, StatementDiffers};
    type Part = (fn(&mut Consent), ReceiptRefused);

    let parts: [Part; 12] = [
        (
            |it| it.rp = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
            ConsentDiffers,
        ),
        (
            |it| it.request = "rel_BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap(),
            ConsentDiffers,
        ),
        (|it| it.purpose.push('x'), ConsentDiffers),
        (|it| it.fields = vec![Field::BirthDate], ConsentDiffers),
        (|it| it.fields.clear(), ConsentDiffers),
        (|it| it.legal_basis.push('x'), ConsentDiffers),
        (|it| it.retention_days += 1, ConsentDiffers),
        (|it| it.enc_jkt.push('x'), ConsentDiffers),
        (|it| it.notice_sha256.push('x'), ConsentDiffers),
        (|it| it.request_sha256.push('x'), ConsentDiffers),
        (|it| it.statement_sha256.push('x'), StatementDiffers),
        (|it| it.locale = Locale::Chinese, ConsentDiffers),
    ];
    for (at, (alter, expected)) in parts.into_iter().enumerate() {
        let (receipt, anchors, _) = made(|_| {}, alter, &[granted()]).await;
        assert_eq!(verify_receipt(receipt, &anchors).err(), Some(expected), "at {at}");
    }
}

/// Nobody has rendered what the request says into its text.
#[tokio::test]
async fn a_statement_that_no_template_makes_is_refused() {
    let parts: [fn(&mut ReleaseRequest); 3] = [
        |it| it.statement.text.push('.'),
        |it| it.rp.name = "Bank".into(),
        |it| it.notice_uri.push('x'),
    ];
    for alter in parts {
        let (receipt, anchors, _) = made(alter, |_| {}, &[granted()]).await;
        let refused = verify_receipt(receipt, &anchors).err();
        assert_eq!(refused, Some(ReceiptRefused::StatementDiffers));
    }
    let kept = altered(|it| it.record.evidence.statement.push('.')).await;
    assert_eq!(kept, Some(ReceiptRefused::StatementDiffers));
}

#[tokio::test]
async fn the_first_version_of_the_statement_is_still_read() {
    let first = |it: &mut ReleaseRequest| {
        it.statement = statement::render_as(Version::V1, Locale::English, &Terms::from(&*it));
    };
    let (receipt, anchors, _) = made(first, |_| {}, &[granted()]).await;
    let verified = verify_receipt(receipt, &anchors).unwrap();
    assert_eq!(verified.statement_version(), Version::V1);
}

#[tokio::test]
async fn leaf_salt_and_proof_are_exact() {
    let refused = altered(|it| it.leaf.insert(1, ' ')).await;
    assert_eq!(refused, Some(ReceiptRefused::LeafDiffers));
    let other = base64url::encode(&[41; 32]);
    let refused = altered(|it| it.record.evidence.salt = other).await;
    assert_eq!(refused, Some(ReceiptRefused::LeafDiffers));
    let refused = altered(|it| it.record.evidence.salt.push('A')).await;
    assert_eq!(refused, Some(ReceiptRefused::Evidence(InvalidEvidence::Salt)));
    let bent: [fn(&mut String); 3] = [
        |it| *it = it.replace("index 1", "index 0"),
        |it| it.clear(),
        |it| *it = it.replace("@v1\n", "@v1\nextra AAAA\n"),
    ];
    for alter in bent {
        let refused = altered(|it| alter(&mut it.proof)).await;
        assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
    }
}

/// A leaf about somebody else is recognised although everything in it is the platform's own work.
#[tokio::test]
async fn a_leaf_about_another_device_is_refused() {
    let (receipt, anchors, _) = good().await;
    let Evidence { consent, .. } = &receipt.record.evidence;
    let read = receipt.record.evidence.read().unwrap();
    let commitment = subject_commitment(&SALT, &key(8).public_key().thumbprint());
    let leaf = read.consent.leaf(consent, commitment, NOW).to_text().unwrap();
    let refused = verify_receipt(Receipt { leaf, ..receipt }, &anchors).err();
    assert_eq!(refused, Some(ReceiptRefused::LeafDiffers));
}

#[tokio::test]
async fn an_unwitnessed_checkpoint_and_another_log_prove_nothing() {
    let (mut receipt, mut anchors, _) = good().await;
    let witnessed = receipt.proof.clone();
    let lines: Vec<&str> = witnessed
        .lines()
        .filter(|line| !line.contains("witness.example"))
        .collect();
    receipt.proof = lines.join("\n") + "\n";
    let refused = verify_receipt(receipt.clone(), &anchors).err();
    assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
    receipt.proof = witnessed;
    let file = verify_receipt(receipt.clone(), &anchors)
        .unwrap()
        .to_file(&anchors);
    let other = cyberid_tlog::note::Ed25519Signer::from_seed("log.example", &[3; 32]).unwrap();
    anchors.ledger = cyberid_tlog::note::NoteSigner::verifier_key(&other).clone();
    let refused = verify_receipt(receipt, &anchors).err();
    assert_eq!(refused, Some(ReceiptRefused::NotInWitnessedLedger));
    let refused = verify_receipt(file, &anchors).err();
    assert_eq!(refused, Some(ReceiptRefused::AnotherLedger));
}
