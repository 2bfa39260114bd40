//! A log that takes another's place, and every moment at which that can be cut short.

use cyberid_domain::UnixTime;
use cyberid_domain::secret::SecretBytes;
use cyberid_storage::ledger::{LedgerRead as _, LedgerWrite as _};
use tempfile::TempDir;

use super::super::stores::PlatformStores;
use super::*;

const OLD: &str = "old.example/ledger";
const NEW: &str = "new.example/ledger";
const LEAVES: u64 = 300;

const NAMES: Names<'static> = Names {
    ending: OLD,
    successor: NEW,
};

/// A log of some leaves that its service has closed in good order.
struct Place {
    folder: TempDir,
    unlock: Unlock,
    vkey: String,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(folder.path()).unwrap();
        let unlock = Unlock::Passphrase(SecretBytes::from("correct horse battery".to_owned()));
        let keystore = data.keystore(&unlock, &[RoleName::Ledger]).unwrap();
        let key = log_key(&keystore, OLD).unwrap();
        let vkey = key.verifier_key().to_string();
        let stores = LogStores::open(&data).await.unwrap();
        let ledger = open(&stores, key).await.unwrap();
        ledger.append_all((0..LEAVES).map(leaf).collect()).await.unwrap();
        ledger.close().await;
        stores.close().await;
        Self { folder, unlock, vkey }
    }

    fn data(&self) -> DataDirectory {
        DataDirectory::open(self.folder.path()).unwrap()
    }

    fn keystore(&self) -> Keystore {
        self.data().keystore(&self.unlock, &[RoleName::Ledger]).unwrap()
    }

    async fn succeed(&self, uncosigned: bool) -> Result<Succeeded, StartError> {
        succeed(&self.data(), &self.unlock, &NAMES, uncosigned).await
    }

    /// The plan, as it is before anything is done.
    async fn plan(&self) -> Plan {
        end(&self.data(), &self.keystore(), &NAMES, true).await.unwrap()
    }

    /// Everything is in the successor, each leaf once, in its place and under its name.
    async fn assert_succeeded(&self, succeeded: &Succeeded, what: &str) {
        assert_eq!(
            (succeeded.ended.size, succeeded.size),
            (LEAVES, LEAVES + 2),
            "{what}"
        );
        assert_eq!(succeeded.ended.vkey, self.vkey);
        let stores = LogStores::open(&self.data()).await.unwrap();
        for number in [0, 1, 255, 256, LEAVES - 1] {
            let leaf = leaf(number);
            assert_eq!(
                stores
                    .ledger
                    .places(std::slice::from_ref(&leaf.id))
                    .await
                    .unwrap(),
                [(leaf.id, number)],
                "{what}"
            );
        }
        let own = stores.ledger.named_leaves(LEAVES, 2).await.unwrap();
        let own: Vec<Leaf> = own
            .iter()
            .map(|leaf| Leaf::from_text(&leaf.body).unwrap())
            .collect();
        assert_eq!(own[0].ended.as_ref(), Some(&succeeded.ended), "{what}");
        assert_eq!(own[1].kind, LeafKind::ServiceHalted, "{what}");
        stores.close().await;
        let kept = DataDirectory::open(&succeeded.kept).unwrap();
        let old = LogStores::open(&kept).await.unwrap();
        assert_eq!(
            old.ledger.size().await.unwrap(),
            LEAVES,
            "{what}: what ended is kept"
        );
        old.close().await;
        for left in [PLAN, SUCCESSOR] {
            assert!(!self.data().file(left).exists(), "{what}: {left}");
        }
    }
}

fn leaf(number: u64) -> NewLeaf {
    let kind = if number == LEAVES - 1 {
        LeafKind::ServiceHalted
    } else {
        LeafKind::ServiceResumed
    };
    new_leaf(
        &format!("leaf {number}"),
        &Leaf::new(kind, UnixTime(1_795_000_000 + number)),
    )
    .unwrap()
}

#[tokio::test]
async fn what_no_witness_has_seen_is_not_left_behind_by_oversight() {
    let place = Place::new().await;
    let refused = place.succeed(false).await.unwrap_err();
    let cause = std::error::Error::source(&refused).unwrap();
    let expected = SuccessionError::Uncosigned {
        size: LEAVES,
        cosigned: 0,
    };
    assert_eq!(cause.downcast_ref(), Some(&expected));
    let vkey = log_key(&place.keystore(), OLD)
        .unwrap()
        .verifier_key()
        .to_string();
    assert_eq!(vkey, place.vkey, "nothing has changed");
}

#[tokio::test]
async fn the_same_command_goes_on_wherever_it_was_cut_short() {
    for stage in 0..6 {
        let place = Place::new().await;
        cut_short(&place, stage).await;
        let succeeded = place.succeed(true).await.unwrap();
        place
            .assert_succeeded(&succeeded, &format!("stage {stage}"))
            .await;
        assert!(place.succeed(true).await.is_err(), "it is done once");
    }
}

#[tokio::test]
async fn no_platform_works_on_a_log_while_its_succession_is_not_done() {
    for stage in 1..6 {
        let place = Place::new().await;
        assert!(require_none_begun(&place.data()).is_ok());
        cut_short(&place, stage).await;
        let keystore = place.keystore();
        let refused = PlatformStores::open(&place.data(), &keystore).await.err();
        drop(keystore);
        let refused = refused.unwrap();
        let cause = std::error::Error::source(&refused).unwrap();
        assert_eq!(
            cause.downcast_ref(),
            Some(&SuccessionError::Begun),
            "stage {stage}"
        );
        place.succeed(true).await.unwrap();
        assert!(require_none_begun(&place.data()).is_ok());
    }
}

#[tokio::test]
async fn a_log_that_ended_is_not_written_over_by_another_of_its_name() {
    let place = Place::new().await;
    place.succeed(true).await.unwrap();
    let back = Names {
        ending: NEW,
        successor: OLD,
    };
    let refused = succeed(&place.data(), &place.unlock, &back, true).await;
    let refused = refused.unwrap_err();
    let cause = std::error::Error::source(&refused).unwrap();
    assert_eq!(
        cause.downcast_ref(),
        Some(&SuccessionError::Ended(OLD.to_owned()))
    );
    assert!(!place.data().file(PLAN).exists());
}

/// Does the steps before this one, and a part of it.
async fn cut_short(place: &Place, stage: usize) {
    if stage == 0 {
        return;
    }
    let (data, mut plan) = (place.data(), place.plan().await);
    save(&data, &plan).unwrap();
    if stage == 1 {
        return;
    }
    let keystore = place.keystore();
    keystore.rotate(RoleName::Ledger).unwrap();
    if stage == 2 {
        return;
    }
    build(&data, &keystore, &plan).await.unwrap();
    if stage == 3 {
        return;
    }
    plan.built = true;
    save(&data, &plan).unwrap();
    let kept = data.folder(ENDED).unwrap().folder(&short_name(OLD)).unwrap();
    let name = LogStores::FILES[0];
    if stage == 4 {
        fs::rename(data.file(name), kept.file(name)).unwrap();
        return;
    }
    put_in_place(&data, &kept).unwrap();
}

#[tokio::test]
async fn what_was_begun_is_not_ended_under_another_name() {
    let place = Place::new().await;
    save(&place.data(), &place.plan().await).unwrap();
    let other = Names {
        ending: OLD,
        successor: "third.example/ledger",
    };
    let refused = succeed(&place.data(), &place.unlock, &other, true).await;
    assert!(refused.is_err());
    place.succeed(true).await.unwrap();
}

#[tokio::test]
async fn a_log_has_another_name_than_the_one_it_succeeds() {
    let place = Place::new().await;
    let same = Names {
        ending: OLD,
        successor: OLD,
    };
    assert!(succeed(&place.data(), &place.unlock, &same, true).await.is_err());
}
