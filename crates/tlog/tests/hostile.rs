//! Parsers against arbitrary and mangled input: no panic, and whatever is read is written back byte for byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_tlog::checkpoint::Checkpoint;
use cyberid_tlog::hash::{Hash, leaf_hash};
use cyberid_tlog::node::Node;
use cyberid_tlog::note::{Ed25519Signer, NoteSignature, NoteSigner, SignedNote, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::{ConsistencyPlan, ConsistencyProof, InclusionPlan, InclusionProof};
use cyberid_tlog::receipt::TlogProof;
use cyberid_tlog::tile::{
    Tile, TileCoord, TilePath, decode_bundle, encode_bundle, new_tiles, tile_node_hash,
};
use cyberid_tlog::tree::RootPlan;
use cyberid_tlog::witness::{AddCheckpoint, parse_size};
use proptest::prelude::*;

/// Holds every text format to its one form.
fn read_back(bytes: &[u8]) {
    if let Ok(note) = SignedNote::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
    }
    if let Ok(receipt) = TlogProof::parse(bytes) {
        assert_eq!(receipt.to_string().as_bytes(), bytes);
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_string().as_bytes(), bytes);
    }
    if let Ok(policy) = Policy::parse(bytes) {
        assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy));
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
    }
    if let Ok(lines) = NoteSignature::parse_lines(text) {
        assert_eq!(NoteSignature::format_lines(&lines), text);
    }
    let _ = parse_size(text);
}

/// One good example of each format, to be mangled.
fn examples() -> Vec<Vec<u8>> {
    let log = Ed25519Signer::from_seed("log", &[1; 32]).ok().unwrap();
    let witness = Ed25519Signer::cosigner_from_seed("w", &[2; 32]).ok().unwrap();
    let checkpoint = Checkpoint::new("log", 1, leaf_hash(b""))
        .unwrap()
        .sign(&log)
        .unwrap();
    let hashes = vec![leaf_hash(b""); 2];
    let note = checkpoint.note().clone();
    let receipt = TlogProof {
        extra: Some(vec![1, 2]),
        index: 1,
        proof: InclusionProof {
            hashes: hashes.clone(),
        },
        checkpoint: note.clone(),
    };
    let request = AddCheckpoint {
        old_size: 1,
        proof: ConsistencyProof { hashes },
        checkpoint: note.clone(),
    };
    let witnesses = [witness.verifier_key().clone()];
    vec![
        note.to_string().into_bytes(),
        note.text().as_bytes().to_vec(),
        NoteSignature::format_lines(note.signatures()).into_bytes(),
        receipt.to_string().into_bytes(),
        request.to_string().into_bytes(),
        Policy::k_of_n(Some(log.verifier_key().clone()), &witnesses, 1)
            .unwrap()
            .to_bytes(),
        log.verifier_key().to_string().into_bytes(),
        b"tile/3/x001/x234/067.p/9".to_vec(),
    ]
}

#[test]
fn the_examples_are_good() {
    for example in examples() {
        read_back(&example);
    }
    assert!(TlogProof::parse(examples().get(3).unwrap()).is_ok());
    assert!(AddCheckpoint::parse(examples().get(4).unwrap()).is_ok());
    assert!(Policy::parse(examples().get(5).unwrap()).is_ok());
}

fn any_hashes() -> impl Strategy<Value = Vec<Hash>> {
    prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70)
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), width in 0..300_u16) {
        read_back(&bytes);
        let _ = Tile::parse(&bytes, width);
        if let Ok(entries) = decode_bundle(&bytes, width) {
            prop_assert_eq!(encode_bundle(&entries).unwrap(), bytes);
        }
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in "[ -~\n—+/=.p0-9x]{0,300}") {
        read_back(text.as_bytes());
    }

    #[test]
    fn mangled_examples_are_read_or_refused(
        which in 0..8_usize,
        at in any::<prop::sample::Index>(),
        len in 0..3_usize,
        insert in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = examples().swap_remove(which);
        let start = at.index(bytes.len());
        let end = (start + len).min(bytes.len());
        bytes.splice(start..end, insert);
        read_back(&bytes);
    }

    #[test]
    fn arbitrary_claims_are_refused(a: u64, b: u64, hashes in any_hashes(), x: [u8; 32], y: [u8; 32]) {
        let (x, y) = (Hash(x), Hash(y));
        let included = InclusionProof { hashes: hashes.clone() }.verify(x, a, b, y);
        prop_assert!(included.is_err());
        let consistent = ConsistencyProof { hashes }.verify(a, x, b, y);
        prop_assert!(consistent.is_err());
    }

    #[test]
    fn arbitrary_plans_are_made_or_refused(a: u64, b: u64, level: u8) {
        let lookup = |_| Some(Hash([0; 32]));
        let _ = InclusionPlan::new(a, b).map(|plan| plan.prove(lookup).unwrap());
        let _ = ConsistencyPlan::new(a, b).map(|plan| plan.prove(lookup).unwrap());
        let _ = RootPlan::new(a).map(|plan| plan.root(lookup).unwrap());
        let _ = TileCoord { level, index: a }.path(b);
        let _ = new_tiles(a, b).take(100).count();
        if let Some(node) = Node::new(level, a) {
            let _ = (node.first_leaf(), node.end(), node.parent(), node.tile());
            let _ = tile_node_hash(&[0; 320], node);
        }
    }
}
