//! How things end, and what the ledger says of it: an identifier, a process, a key.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use cyberid_auditor::{HttpSource, audit};
use cyberid_crypto::base64url;
use cyberid_domain::field::Field;
use cyberid_domain::subject::SubjectStatus;
use cyberid_holder::check_receipt;
use cyberid_protocol::audit::AuditEntries;
use cyberid_protocol::leaf::{Leaf, LeafKind, NoHalt};
use cyberid_protocol::warrant::Anchors;
use cyberid_storage::ledger::LedgerRead as _;
use cyberid_storage_sqlite::LedgerDb;
use journeys::{Citizen, Granted, Suite, TestPlatform, passes, verified_sub};
use serde_json::Value;

journeys::in_each_suite!(an_identifier_that_ends_leaves_receipts_and_leaves_and_nothing_else);

/// Every leaf, once the published log has this many of this kind: witnesses see it first.
async fn leaves(platform: &TestPlatform, kind: LeafKind, many: usize) -> Vec<String> {
    for _ in 0..100 {
        let entries = platform.regulator().get("/v1/audit/entries?limit=1000").await;
        let AuditEntries { entries, .. } = entries.unwrap();
        let bodies: Vec<String> = entries.into_iter().map(|entry| entry.leaf).collect();
        let of_kind = bodies.iter().filter(|body| read(body).kind == kind).count();
        if of_kind >= many {
            return bodies;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ledger never had {many} of {kind:?}")
}

/// Audits the ledger until its published checkpoint, which follows the leaves, covers one leaf of a kind.
async fn audited_with(platform: &TestPlatform, anchors: &Anchors, kind: LeafKind) {
    let source = HttpSource::new(platform.client.clone(), platform.regulator());
    for _ in 0..100 {
        let audited = audit(&source, &anchors.ledger, &anchors.policy, None, &mut |_, _| {}).await;
        if audited.unwrap().kinds.get(&kind) == Some(&1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no published checkpoint ever covered one {kind:?}")
}

fn read(body: &str) -> Leaf {
    Leaf::from_text(body).unwrap()
}

/// What stands in the files of a store.
fn bytes(data: &Path, store: &str) -> Vec<u8> {
    let files = [format!("{store}.db"), format!("{store}.db-wal")];
    let read = files
        .iter()
        .map(|name| std::fs::read(data.join(name)).unwrap_or_default());
    read.collect::<Vec<_>>().concat()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The salt of a receipt.
fn salt_in(value: &Value) -> Option<[u8; 32]> {
    let members = value.as_object()?;
    let here = members
        .get("salt")
        .and_then(|salt| base64url::decode_array(salt.as_str()?));
    here.or_else(|| members.values().find_map(salt_in))
}

async fn an_identifier_that_ends_leaves_receipts_and_leaves_and_nothing_else(suite: Suite) {
    let platform = TestPlatform::start_in_with(suite, "[index]\ncooling_off_days = 0\n").await;
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let sub = verified_sub(&party, &citizen).await;
    let granted = Granted::to(&sub, &citizen, &party, &[Field::Name]).await;
    party.redeem(&granted.pending).await.unwrap();
    let consent = &granted.consented.consent_id;
    let receipt = citizen.holder.receipt(consent).await.unwrap().receipt().clone();
    let salt = salt_in(&serde_json::to_value(&receipt).unwrap()).unwrap();
    let device = citizen.holder.public_key().thumbprint();
    let kept = |store: &str, what: &[u8]| contains(&bytes(&platform.data(), store), what);
    assert!(kept("registry", &salt[..16]) || kept("registry", &salt[16..]));
    assert!(kept("vault", device.as_bytes()) && kept("custodian", device.as_bytes()));
    let before = leaves(&platform, LeafKind::ReleaseDelivered, 1).await;
    assert!(passes(&party, &citizen).await);

    citizen.holder.cancel().await.unwrap();

    assert!(!kept("registry", &salt[..16]) && !kept("registry", &salt[16..]));
    assert!(!kept("vault", device.as_bytes()) && !kept("custodian", device.as_bytes()));
    let after = leaves(&platform, LeafKind::ConsentWithdrawn, 1).await;
    let earlier = after.get(..before.len());
    assert_eq!(earlier, Some(before.as_slice()), "every leaf keeps its bytes");
    let anchors = citizen.holder.platform().anchors();
    audited_with(&platform, anchors, LeafKind::ConsentWithdrawn).await;
    check_receipt(receipt, anchors, &citizen.holder.public_key()).unwrap();

    assert!(!passes(&party, &citizen).await);
    let me = citizen.holder.me().await.unwrap();
    assert_eq!(me.status, SubjectStatus::Cancelled);
    let told = party.events(0).await.unwrap();
    assert_eq!(told.withdrawn.len(), 1);
    let subs: Vec<_> = told.cancelled.iter().map(|it| it.sub.as_str()).collect();
    assert_eq!(subs, [sub.as_str()]);

    let again = Citizen::enrol(platform.client.clone(), citizen.person.clone()).await;
    assert_ne!(again.enrolled.network_number, citizen.enrolled.network_number);
    assert_ne!(
        verified_sub(&party, &again).await,
        sub,
        "nothing leads from one to the other"
    );
}

#[tokio::test]
async fn every_start_every_end_and_every_key_is_in_the_ledger() {
    let platform = TestPlatform::start().await;
    let first = leaves(&platform, LeafKind::KeyRotated, 1).await;
    let begun = read(&first[0]);
    assert_eq!(
        (begun.kind, begun.reason),
        (LeafKind::ServiceResumed, Some(NoHalt::First))
    );
    let keys = |bodies: &[String]| {
        let leaves = bodies.iter().map(|body| read(body));
        let keys = leaves.filter(|leaf| leaf.kind == LeafKind::KeyRotated);
        keys.map(|leaf| (leaf.role.unwrap(), leaf.kid.unwrap()))
            .collect::<Vec<_>>()
    };
    let roles: BTreeSet<String> = keys(&first).into_iter().map(|(role, _)| role).collect();
    for role in [
        "attestation",
        "message",
        "event",
        "ledger",
        "vault",
        "custodian",
        "identity",
    ] {
        assert!(roles.contains(role), "{role} of {roles:?}");
    }
    assert!(
        !roles.contains("pin"),
        "what has no public half is nobody's to know"
    );

    let platform = platform.killed_and_restarted().await;
    let second = leaves(&platform, LeafKind::ServiceResumed, 2).await;
    let resumed = read(second.last().unwrap());
    assert_eq!(
        (resumed.kind, resumed.reason),
        (LeafKind::ServiceResumed, Some(NoHalt::Unclean))
    );
    assert_eq!(keys(&second), keys(&first), "each once");

    let folder = platform.stopped().await;
    let store = LedgerDb::open(folder.path().join("ledger.db")).await.unwrap();
    let size = store.size().await.unwrap();
    let last = store.leaves(size - 1, 1).await.unwrap();
    assert_eq!(read(&last[0].body).kind, LeafKind::ServiceHalted);
}

#[test]
fn the_same_with_the_keys_in_a_token() {
    journeys::on_a_token(&["nist::an_identifier_that_ends_leaves_receipts_and_leaves_and_nothing_else"]);
}
