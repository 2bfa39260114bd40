//! The ledger on files, as the executable runs it.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use cyberid_domain::id::LeafId;
    use cyberid_domain::rng::SystemRng;
    use cyberid_ledger::{Ledger, LedgerError, Parts, Under};
    use cyberid_storage::ledger::NewLeaf;
    use cyberid_storage_journal::{FileHead, HeadOptions};
    use cyberid_storage_sqlite::LedgerDb;
    use cyberid_tlog::hash::leaf_hash;
    use cyberid_tlog::note::{Ed25519Signer, NoteSigner, VerifierKey};
    use cyberid_tlog::policy::Policy;
    use cyberid_tlog::receipt::TlogProof;
    use cyberid_tlog::tree::root_from_leaves;

    fn key() -> Ed25519Signer {
        Ed25519Signer::from_seed("ledger.example", &[1; 32]).ok().unwrap()
    }

    fn vkey() -> VerifierKey {
        key().verifier_key().clone()
    }

    fn policy() -> Policy {
        Policy::without_witnesses(vkey()).unwrap()
    }

    fn body(number: u64) -> String {
        format!(r#"{{"kind":"service.halted","time":{number},"v":1}}"#)
    }

    fn leaf(number: u64) -> NewLeaf {
        NewLeaf {
            id: LeafId::random(&SystemRng),
            body: body(number),
        }
    }

    async fn open(folder: &Path) -> Result<Arc<Ledger>, LedgerError> {
        let log = LedgerDb::open(folder.join("ledger.db")).await.unwrap();
        open_on(log, folder).await
    }

    /// Segments of a few groups, so that what is settled goes soon.
    fn head(folder: &Path) -> Arc<FileHead> {
        let options = HeadOptions {
            first_segment: 1 << 14,
            largest_segment: 1 << 14,
            ..HeadOptions::default()
        };
        let (folder, rng) = (folder.join("head"), Arc::new(SystemRng));
        let head = if FileHead::is_there(&folder) {
            FileHead::open(folder, rng, options)
        } else {
            FileHead::create(folder, rng, options)
        };
        Arc::new(head.unwrap())
    }

    async fn open_on(log: LedgerDb, folder: &Path) -> Result<Arc<Ledger>, LedgerError> {
        Ledger::open(Parts {
            store: Arc::new(log),
            head: head(folder),
            key: Arc::new(key()),
            witnesses: Vec::new(),
            policy: policy(),
            allow_unwitnessed: true,
        })
        .await
    }

    /// Ends a ledger, and its hold on the head.
    async fn close(ledger: Arc<Ledger>) {
        ledger.close().await;
        drop(ledger);
    }

    async fn assert_proves(ledger: &Ledger, index: u64, body: &str) {
        let receipt = ledger.reader().receipt(index, Under::Latest).await.unwrap();
        let receipt = TlogProof::parse(receipt.as_bytes()).unwrap();
        receipt.verify(body.as_bytes(), &vkey(), &policy()).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_on_files_is_that_of_the_plain_list_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..3 {
            let ledger = open(folder.path()).await.unwrap();
            let leaves = (round * 150..(round + 1) * 150).map(leaf).collect();
            let places = ledger.append_all(leaves).await.unwrap();
            assert!(places.into_iter().eq(round * 150..(round + 1) * 150));
            close(ledger).await;
        }
        let ledger = open(folder.path()).await.unwrap();
        let root = root_from_leaves((0..450).map(|number| leaf_hash(body(number).as_bytes())));
        assert_eq!(ledger.latest().root(), root.unwrap());
        ledger.published(449).await.unwrap();
        for index in (0..450).step_by(37) {
            assert_proves(&ledger, index, &body(index)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_share_commits() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(folder.path()).await.unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|number| {
                let ledger = Arc::clone(&ledger);
                let NewLeaf { id, body } = leaf(number);
                tokio::spawn(async move { (ledger.append(id, body.clone()).await.unwrap(), body) })
            })
            .collect();
        let mut places = std::collections::BTreeMap::new();
        for task in tasks {
            let (place, body) = task.await.unwrap();
            assert_eq!(places.insert(place, body), None);
        }
        assert!(places.keys().copied().eq(0..64));
        ledger.published(63).await.unwrap();
        for (place, body) in places {
            assert_proves(&ledger, place, &body).await;
        }
    }

    /// What crashed without closing left its last leaves in the head alone.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_crash_left_in_the_head_is_brought_to_the_store() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ledger = open(folder.path()).await.unwrap();
        ledger.append_all((0..5).map(leaf).collect()).await.unwrap();
        ledger.published(4).await.unwrap();
        let store = fs::read(folder.path().join("ledger.db")).unwrap();
        let log = fs::read(folder.path().join("ledger.db-wal")).unwrap();
        ledger.append_all((5..8).map(leaf).collect()).await.unwrap();
        fs::write(copy.path().join("ledger.db"), store).unwrap();
        fs::write(copy.path().join("ledger.db-wal"), log).unwrap();
        fs::create_dir(copy.path().join("head")).unwrap();
        for file in fs::read_dir(folder.path().join("head")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.path().join("head").join(file.file_name())).unwrap();
        }
        let ledger = open(copy.path()).await.unwrap();
        assert_eq!(ledger.latest().size(), 8);
        for index in 0..8 {
            assert_proves(&ledger, index, &body(index)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_backup_put_back_signs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (file, backup) = (folder.path().join("ledger.db"), folder.path().join("backup.db"));
        for number in 0..2 {
            let log = LedgerDb::open(&file).await.unwrap();
            let ledger = open_on(log.clone(), folder.path()).await.unwrap();
            for leaf in (number * 30..(number + 1) * 30).map(leaf) {
                let place = ledger.append(leaf.id, leaf.body).await.unwrap();
                ledger.published(place).await.unwrap();
            }
            close(ledger).await;
            // Closed, the file is whole without its log.
            log.close().await;
            if number == 0 {
                fs::copy(&file, &backup).unwrap();
            }
        }
        fs::copy(&backup, &file).unwrap();
        let refused = open(folder.path()).await.err();
        assert!(
            matches!(refused, Some(LedgerError::Behind { head: 60, store: 30 })),
            "{refused:?}"
        );
    }
}
