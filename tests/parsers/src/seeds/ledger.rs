//! A log of twenty leaves, its checkpoint and its witness.

use std::sync::OnceLock;

use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature::cosign;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, MlDsa44Signer, NoteSignature, NoteSigner as _, VerifierKey};
use cyberid_tlog::proof::{ConsistencyPlan, ConsistencyProof, InclusionPlan, InclusionProof};
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tree::{Frontier, root_from_leaves};
use cyberid_tlog::witness::AddCheckpoint;

use super::{NOW, bytes};

/// How many leaves the log has.
pub(crate) const LEAVES: u64 = 20;

fn log() -> Ed25519Signer {
    Ed25519Signer::from_seed("log.example", &[1; 32]).unwrap()
}

fn witness() -> Ed25519Signer {
    Ed25519Signer::cosigner_from_seed("witness.example", &[2; 32]).unwrap()
}

pub(crate) fn log_key() -> VerifierKey {
    log().verifier_key().clone()
}

pub(crate) fn witness_key() -> VerifierKey {
    witness().verifier_key().clone()
}

/// The witness whose signatures a quantum computer does not forge.
fn ml_dsa_witness() -> &'static MlDsa44Signer {
    static WITNESS: OnceLock<MlDsa44Signer> = OnceLock::new();
    WITNESS.get_or_init(|| MlDsa44Signer::cosigner_from_seed("ml-dsa.example", &[3; 32]).unwrap())
}

pub(crate) fn ml_dsa_witness_key() -> VerifierKey {
    ml_dsa_witness().verifier_key().clone()
}

/// An entry of the seeds' log.
pub(crate) fn entry(index: u64) -> String {
    format!("entry {index}")
}

/// The tree of the seeds' log.
pub(crate) fn tree() -> Frontier {
    let mut tree = Frontier::new();
    for index in 0..LEAVES {
        tree.append(leaf_hash(entry(index).as_bytes())).unwrap();
    }
    tree
}

/// The root of the seeds' log when it had this many leaves; no more than it has now.
pub(crate) fn root(size: u64) -> Hash {
    root_from_leaves((0..size.min(LEAVES)).map(|index| leaf_hash(entry(index).as_bytes()))).unwrap()
}

/// The checkpoint of the seeds' log, with a cosignature of each kind.
pub(crate) fn checkpoint_of_the_log() -> VerifiedCheckpoint {
    static CHECKPOINT: OnceLock<VerifiedCheckpoint> = OnceLock::new();
    let made = CHECKPOINT.get_or_init(|| {
        let checkpoint = Checkpoint::new("log.example", LEAVES, tree().root()).unwrap();
        let mut checkpoint = checkpoint.sign(&log()).unwrap();
        for line in answer_lines(&checkpoint) {
            checkpoint.add_cosignature(line).unwrap();
        }
        checkpoint
    });
    made.clone()
}

fn answer_lines(checkpoint: &VerifiedCheckpoint) -> [NoteSignature; 2] {
    [
        cosign(checkpoint, NOW, &witness()).unwrap(),
        cosign(checkpoint, NOW, ml_dsa_witness()).unwrap(),
    ]
}

/// The checkpoint of the seeds' log with the log's signature alone, as a witness is asked about it.
pub(crate) fn asked_checkpoint() -> VerifiedCheckpoint {
    let checkpoint = Checkpoint::new("log.example", LEAVES, tree().root()).unwrap();
    checkpoint.sign(&log()).unwrap()
}

pub(crate) fn witness_answer() -> Vec<Vec<u8>> {
    let both = answer_lines(&asked_checkpoint());
    let [one, other] = both.clone().map(|line| NoteSignature::format_lines(&[line]));
    bytes([NoteSignature::format_lines(&both), one, other])
}

pub(crate) fn note() -> Vec<Vec<u8>> {
    let note = checkpoint_of_the_log().note().to_string();
    let lines = note.split_once("\n\n").unwrap().1.to_owned();
    bytes([note, lines])
}

pub(crate) fn verifier_key() -> Vec<Vec<u8>> {
    bytes([log_key(), witness_key(), ml_dsa_witness_key()].map(|key| key.to_string()))
}

pub(crate) fn checkpoint() -> Vec<Vec<u8>> {
    let note = checkpoint_of_the_log();
    bytes([note.note().text().to_owned(), note.note().to_string()])
}

pub(crate) fn cosignature() -> Vec<Vec<u8>> {
    note()
}

pub(crate) fn policy() -> Vec<Vec<u8>> {
    let (log, witness) = (log_key(), witness_key());
    bytes([
        format!("log {log}\nwitness outsider {witness}\nquorum outsider\n"),
        format!("log {log} https://log.example/\nwitness a {witness}\ngroup g 1 a\nquorum g\n"),
        format!("log {log}\nquorum none\n"),
    ])
}

/// The hash of a node of the seeds' tree.
fn node(node: Node) -> Option<Hash> {
    let leaves = (node.first_leaf()..node.end().min(LEAVES)).map(|index| leaf_hash(entry(index).as_bytes()));
    root_from_leaves(leaves).ok()
}

pub(crate) fn consistency_proof(old: u64) -> ConsistencyProof {
    ConsistencyPlan::new(old, LEAVES).unwrap().prove(node).unwrap()
}

pub(crate) fn inclusion_proof(index: u64) -> InclusionProof {
    InclusionPlan::new(index, LEAVES).unwrap().prove(node).unwrap()
}

pub(crate) fn witness_request() -> Vec<Vec<u8>> {
    let request = |old| AddCheckpoint {
        old_size: old,
        proof: consistency_proof(old),
        checkpoint: checkpoint_of_the_log().note().clone(),
    };
    bytes([request(0).to_string(), request(7).to_string(), "20\n".into()])
}

pub(crate) fn tile_path() -> Vec<Vec<u8>> {
    bytes([
        "tile/0/x001/x234/067",
        "tile/1/000.p/8",
        "tile/entries/x001/067.p/255",
        "tile/5/000",
    ])
}

pub(crate) fn tile() -> Vec<Vec<u8>> {
    let hashes: Vec<u8> = (0..8)
        .flat_map(|index| leaf_hash(entry(index).as_bytes()).0)
        .collect();
    vec![hashes.get(..32).unwrap().to_vec(), hashes]
}

pub(crate) fn bundle() -> Vec<Vec<u8>> {
    vec![b"\0\x02\0\x05hello\0\0".to_vec(), b"\0\x01\0\x01x".to_vec()]
}

fn numbers_and_hashes(first: u64, second: u64, hashes: &[Hash]) -> Vec<u8> {
    let hashes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
    [first.to_be_bytes().as_slice(), &second.to_be_bytes(), &hashes].concat()
}

pub(crate) fn inclusion() -> Vec<Vec<u8>> {
    let seed = |index| numbers_and_hashes(index, LEAVES, &inclusion_proof(index).hashes);
    vec![seed(0), seed(3), seed(19)]
}

pub(crate) fn consistency() -> Vec<Vec<u8>> {
    let seed = |old| numbers_and_hashes(old, LEAVES, &consistency_proof(old).hashes);
    vec![seed(1), seed(7), seed(16)]
}

pub(crate) fn receipt_text() -> String {
    let receipt = TlogProof {
        extra: None,
        index: 3,
        proof: inclusion_proof(3),
        checkpoint: checkpoint_of_the_log().note().clone(),
    };
    receipt.to_string()
}

pub(crate) fn receipt() -> Vec<Vec<u8>> {
    bytes([receipt_text()])
}
