//! A witness that works, asked by a log which is not ours.

use std::fs;

use cyberid_crypto::base64url;
use cyberid_tlog::note::{Ed25519Signer, NoteSigner as _};
use journeys::Process;

use crate::{path, refused, verified};

const NAME: &str = "own.example/log";

#[tokio::test]
async fn a_witness_answers_what_the_text_says() {
    let folder = tempfile::tempdir().unwrap();
    let log = Ed25519Signer::from_seed(NAME, &[5; 32]).unwrap();
    let key = log.verifier_key();
    let data = folder.path().join("witness");
    let arguments = ["--data", path(&data), "--listen", "127.0.0.1:0", "--sandbox"];
    let known = key.to_string();
    let arguments = [&["witness", "--log", &known], &arguments[..]].concat();
    let witness = Process::start(&arguments).await;
    let vkey = witness.said("vkey").as_str().unwrap();
    let skey = folder.path().join("own.key");
    fs::write(&skey, private_key(&key.key_id().to_string())).unwrap();

    // The first time it knows nothing of the log; the second time, what it cosigned then.
    for size in [8, 13] {
        let found = verified(&["witness", witness.url(), vkey, path(&skey)]).await;
        assert_eq!(found["size"], size, "{found}");
    }
    let name = vkey.split('+').next().unwrap();
    let other = Ed25519Signer::cosigner_from_seed(name, &[6; 32]).unwrap();
    let other = other.verifier_key().to_string();
    let why = refused(&["witness", witness.url(), &other, path(&skey)]).await;
    assert!(why.contains("has not cosigned"), "{why}");
}

/// The log's key in the form of the Go checksum database.
fn private_key(id: &str) -> String {
    let seed = [&[1], [5; 32].as_slice()].concat();
    let base64 = base64url::encode(&seed).replace('-', "+").replace('_', "/");
    format!("PRIVATE+KEY+{NAME}+{id}+{base64}\n")
}
