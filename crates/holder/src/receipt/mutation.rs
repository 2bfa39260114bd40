//! Every byte of a receipt's file is changed: it is noticed, or the file says the same.

use cyberid_crypto::json;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::receipt::Receipt;
use cyberid_protocol::warrant::Anchors;

use super::tests::made;
use super::verify_receipt;
use crate::platform_double::NOW;
use crate::testing::granted;

/// What a byte becomes: its neighbour, its other case, and a letter that is at home in every part of the file.
fn others(byte: u8) -> impl Iterator<Item = u8> {
    let others = [byte ^ 1, byte ^ 0x20, b'A'];
    others.into_iter().filter(move |other| *other != byte)
}

/// Whether the file is good and says what the good one says.
fn is_the_same(bytes: &[u8], good: &Receipt, anchors: &Anchors) -> bool {
    let read: Result<Receipt, _> = json::from_slice(bytes);
    let verified = read
        .ok()
        .and_then(|receipt| verify_receipt(receipt, anchors).ok());
    verified.is_some_and(|verified| {
        let signed = verified.unknown_signatures() == 0 && verified.names_policy(anchors) == Some(true);
        signed && verified.receipt() == good
    })
}

fn is_noticed(bytes: &[u8], good: &Receipt, anchors: &Anchors) -> bool {
    let read: Result<Receipt, _> = json::from_slice(bytes);
    match read.map(|receipt| verify_receipt(receipt, anchors)) {
        Ok(Ok(verified)) => {
            let reported = verified.unknown_signatures() > 0 || verified.names_policy(anchors) == Some(false);
            reported || verified.receipt() == good
        }
        _ => true,
    }
}

#[tokio::test]
async fn every_changed_byte_is_noticed_or_means_nothing() {
    let life = [
        granted(),
        (LeafKind::ReleaseIntended, NOW),
        (LeafKind::ReleaseDelivered, NOW),
    ];
    let (receipt, anchors, _) = made(|_| {}, |_| {}, &life).await;
    let good = verify_receipt(receipt, &anchors).unwrap().to_file(&anchors);
    let file = serde_json::to_vec_pretty(&good).unwrap();
    assert!(is_the_same(&file, &good, &anchors));
    let mut changes = 0;
    for at in 0..file.len() {
        for other in others(file[at]) {
            let mut bent = file.clone();
            bent[at] = other;
            assert!(is_noticed(&bent, &good, &anchors), "byte {at} became {other}");
            changes += 1;
        }
    }
    assert!(changes > 2 * file.len());
}

#[tokio::test]
async fn a_file_that_was_cut_doubled_or_added_to_is_no_receipt() {
    let (receipt, anchors, _) = made(|_| {}, |_| {}, &[granted()]).await;
    let file = serde_json::to_string(&receipt).unwrap();
    let doubled = file.replacen('{', r#"{"leaf":"","#, 1);
    let added = file.replacen('{', r#"{"note":"","#, 1);
    let absent = file.replacen('{', r#"{"ledger":null,"#, 1);
    let cut = &file[..file.len() - 1];
    let twice = format!("{file}{file}");
    for other in [doubled.as_str(), &added, &absent, cut, &twice, ""] {
        assert!(json::from_slice::<Receipt>(other.as_bytes()).is_err(), "{other}");
    }
    let read = json::from_slice(file.as_bytes()).unwrap();
    assert!(verify_receipt(read, &anchors).is_ok());
}
