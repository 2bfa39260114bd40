//! What is particular to SQLite: files, and tables that refuse what no port can ask.

use cyberid_storage_sqlite::{CustodianDb, HeadDb, LedgerDb, OpenError, RegistryDb, VaultDb};

#[tokio::test]
async fn a_head_is_never_made_by_opening_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("head.db");
    assert!(matches!(HeadDb::open(&path).await, Err(OpenError::Missing(missing)) if missing == path));
    assert!(!path.exists());
    HeadDb::create(&path).await.unwrap().close().await;
    assert!(matches!(HeadDb::create(&path).await, Err(OpenError::Exists(_))));
    HeadDb::open(&path).await.unwrap().close().await;
    VaultDb::open(dir.path().join("vault.db")).await.unwrap();
    CustodianDb::open(dir.path().join("custodian.db")).await.unwrap();
    RegistryDb::open(dir.path().join("registry.db")).await.unwrap();
    LedgerDb::open(dir.path().join("ledger.db")).await.unwrap();
}
