//! The honest way through a platform in four processes, and what happens while one of them is away.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use cyberid_auditor::{HttpSource, Report, audit};
use cyberid_client::ClientError;
use cyberid_domain::field::Field;
use cyberid_domain::release::ReleaseStatus;
use cyberid_protocol::leaf::LeafKind;
use cyberid_protocol::problem::ProblemType;
use cyberid_relying_party::{PendingRelease, RelyingParty, RelyingPartyError};
use cyberid_tlog::policy::Policy;
use journeys::{Granted, Part, SplitPlatform, Suite};

journeys::in_each_suite!(the_honest_journey_goes_through_four_processes);

/// An audit of the ledger once it is published up to a leaf of this kind: witnesses see it first.
async fn audited(split: &SplitPlatform, last: LeafKind) -> Report {
    for _ in 0..100 {
        let report = audited_now(split).await;
        if report.kinds.contains_key(&last) {
            return report;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no {last:?} in the ledger")
}

async fn audited_now(split: &SplitPlatform) -> Report {
    let platform = split.platform();
    let source = HttpSource::new(platform.client.clone(), platform.regulator());
    let policy = Policy::parse(split.policy().as_bytes()).unwrap();
    let log = split.ledger_vkey().parse().unwrap();
    audit(&source, &log, &policy, None, &mut |_, _| {}).await.unwrap()
}

async fn refused(party: &RelyingParty, pending: &PendingRelease) -> Option<ProblemType> {
    match party.redeem(pending).await {
        Err(RelyingPartyError::Client(error @ ClientError::Problem(_))) => error.problem(),
        other => panic!("neither opened nor refused as documented: {other:?}"),
    }
}

async fn status(party: &RelyingParty, pending: &PendingRelease) -> ReleaseStatus {
    party.release_status(&pending.id).await.unwrap().status
}

async fn the_honest_journey_goes_through_four_processes(suite: Suite) {
    let split = SplitPlatform::start_in(suite).await;
    let platform = split.platform();
    let (citizen, party) = (platform.citizen(0).await, platform.relying_party().await);
    let granted = Granted::by(&citizen, &party, &[Field::Name, Field::BirthDate]).await;

    let released = party.redeem(&granted.pending).await.unwrap();
    let value = |field| released.field(field).map(|value| value.expose().to_owned());
    assert_eq!(value(Field::Name), Some(citizen.person.document.name.clone()));
    assert_eq!(value(Field::BirthDate), Some(citizen.person.birth_date.clone()));
    assert_eq!(released.fields().len(), 2);

    let withdrawn = citizen
        .holder
        .withdraw(&granted.consented.consent_id)
        .await
        .unwrap();
    assert_eq!(withdrawn.leaf().kind, LeafKind::ConsentWithdrawn);
    let report = audited(&split, LeafKind::ConsentWithdrawn).await;
    for kind in [
        LeafKind::ConsentGranted,
        LeafKind::ReleaseIntended,
        LeafKind::ReleaseDelivered,
        LeafKind::ConsentWithdrawn,
    ] {
        assert_eq!(report.kinds.get(&kind), Some(&1), "{kind:?}");
    }
}

#[tokio::test]
async fn each_process_has_its_own_keys_and_store_and_nobody_elses() {
    let split = SplitPlatform::start().await;
    split.platform().citizen(0).await;
    let roles = |part| -> BTreeSet<String> {
        let keys = split.keys(part).into_iter();
        keys.map(|key| key["role"].as_str().unwrap().to_owned()).collect()
    };
    let held = Part::ALL.map(roles);
    let [witness, custodian, vault, platform] = &held;
    assert_eq!(witness, &BTreeSet::from(["witness".into()]));
    assert_eq!(custodian, &BTreeSet::from(["custodian".into()]));
    assert_eq!(vault, &["vault", "index", "identity"].map(String::from).into());
    assert!(platform.contains("ledger") && platform.contains("enrolment"));
    assert!(platform.is_disjoint(vault) && platform.is_disjoint(custodian) && platform.is_disjoint(witness));

    let stores = |part| databases(&split.data(part));
    assert_eq!(stores(Part::Custodian), ["custodian.db"].map(String::from).into());
    assert_eq!(stores(Part::Vault), ["vault.db"].map(String::from).into());
    let operators = ["registry.db", "ledger.db"];
    assert_eq!(stores(Part::Platform), operators.map(String::from).into());
    assert_eq!(stores(Part::Witness), BTreeSet::new());
}

/// The databases below a directory.
fn databases(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(databases(&path));
        } else if path.extension().is_some_and(|extension| extension == "db") {
            found.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

/// Without `part` nothing opens; with it back, the same release goes on to its end.
async fn opens_only_with(part: Part) {
    let mut split = SplitPlatform::start().await;
    let (citizen, party) = {
        let platform = split.platform();
        (platform.citizen(0).await, platform.relying_party().await)
    };
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    split.stop(part).await;
    assert_eq!(
        refused(&party, &granted.pending).await,
        Some(ProblemType::Unavailable)
    );
    assert_eq!(status(&party, &granted.pending).await, ReleaseStatus::Intended);

    split.restart(part).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    assert_eq!(
        released.field(Field::Name).unwrap().expose(),
        citizen.person.document.name
    );
    assert_eq!(status(&party, &granted.pending).await, ReleaseStatus::Delivered);
    let report = audited(&split, LeafKind::ReleaseDelivered).await;
    assert_eq!(
        report.kinds.get(&LeafKind::ReleaseIntended),
        Some(&1),
        "one intent"
    );
    assert_eq!(report.kinds.get(&LeafKind::ReleaseDelivered), Some(&1));
}

#[tokio::test]
async fn nothing_opens_without_the_custodian() {
    opens_only_with(Part::Custodian).await;
}

#[tokio::test]
async fn nothing_opens_without_the_vault() {
    opens_only_with(Part::Vault).await;
}

#[tokio::test]
async fn nothing_opens_before_the_witness_has_seen_the_leaf() {
    let mut split = SplitPlatform::start().await;
    let (citizen, party) = {
        let platform = split.platform();
        (platform.citizen(0).await, platform.relying_party().await)
    };
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    split.stop(Part::Witness).await;
    assert_eq!(
        refused(&party, &granted.pending).await,
        Some(ProblemType::WitnessUnavailable)
    );
    assert!(!asked(&split, Part::Vault, "/v1/openings").await);
    assert!(!asked(&split, Part::Custodian, "/v1/shares").await);

    split.restart(Part::Witness).await;
    let released = party.redeem(&granted.pending).await.unwrap();
    assert!(asked(&split, Part::Vault, "/v1/openings").await);
    assert!(asked(&split, Part::Custodian, "/v1/shares").await);
    assert_eq!(
        released.field(Field::Name).unwrap().expose(),
        citizen.person.document.name
    );
    audited(&split, LeafKind::ReleaseDelivered).await;
}

/// Whether a key holder was ever asked this, by its own count.
async fn asked(split: &SplitPlatform, part: Part, path: &str) -> bool {
    let metrics = split.client(part).get_bytes("/metrics").await.unwrap();
    String::from_utf8(metrics).unwrap().contains(path)
}

/// A power cut while plaintext may have been on its way: the ledger says so, and nobody can redeem again.
#[tokio::test]
async fn a_release_that_a_crash_cut_short_is_presumed() {
    let mut split = SplitPlatform::start().await;
    let (citizen, party) = {
        let platform = split.platform();
        (platform.citizen(0).await, platform.relying_party().await)
    };
    let granted = Granted::by(&citizen, &party, &[Field::Name]).await;
    split.stop(Part::Vault).await;
    assert_eq!(
        refused(&party, &granted.pending).await,
        Some(ProblemType::Unavailable)
    );
    split.kill(Part::Platform).await;
    split.restart(Part::Vault).await;
    split.restart(Part::Platform).await;

    let party = split.platform().relying_party().await;
    assert_eq!(status(&party, &granted.pending).await, ReleaseStatus::Presumed);
    assert_eq!(
        refused(&party, &granted.pending).await,
        Some(ProblemType::AlreadyRedeemed)
    );
    let report = audited(&split, LeafKind::ReleasePresumed).await;
    assert_eq!(report.kinds.get(&LeafKind::ReleasePresumed), Some(&1));
    assert_eq!(report.kinds.get(&LeafKind::ReleaseDelivered), None);
    assert_eq!(report.releases, 1);
}
