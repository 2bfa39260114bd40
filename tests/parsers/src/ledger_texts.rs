//! The texts and tiles of a ledger: each has one form, and nothing is verified but what was signed.

use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature as cosigned;
use cyberid_tlog::note::{NoteSignature, SignedNote, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{Subtree, Tile, TilePath, decode_bundle, encode_bundle};
use cyberid_tlog::tree::root_from_leaves;
use cyberid_tlog::witness::{AddCheckpoint, Latest, accept_response, format_size, parse_size};

use crate::{seeds, text};

pub(crate) fn note(bytes: &[u8]) -> bool {
    if let Some(text) = text(bytes)
        && let Ok(signatures) = NoteSignature::parse_lines(text)
    {
        assert_eq!(NoteSignature::format_lines(&signatures), text);
    }
    let Ok(note) = SignedNote::parse(bytes) else {
        return false;
    };
    assert_eq!(note.to_string().as_bytes(), bytes);
    let verified = note.verify(&[seeds::log_key()]).is_ok();
    assert!(!verified || note.text() == seeds::checkpoint_of_the_log().note().text());
    verified
}

pub(crate) fn verifier_key(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(key) = text.parse::<VerifierKey>() else {
        return false;
    };
    assert_eq!(key.to_string(), text);
    for len in [64, 72, 2420, 2428] {
        assert!(!key.verify("text\n", &vec![0; len]));
    }
    true
}

pub(crate) fn checkpoint(bytes: &[u8]) -> bool {
    if let Some(text) = text(bytes)
        && let Ok(checkpoint) = text.parse::<Checkpoint>()
    {
        assert_eq!(checkpoint.to_string(), text);
    }
    let Ok(checkpoint) = VerifiedCheckpoint::open(bytes, &seeds::log_key()) else {
        return false;
    };
    assert_eq!(
        checkpoint.checkpoint(),
        seeds::checkpoint_of_the_log().checkpoint()
    );
    true
}

pub(crate) fn cosignature(bytes: &[u8]) -> bool {
    let Ok(note) = SignedNote::parse(bytes) else {
        return false;
    };
    let ours = seeds::checkpoint_of_the_log();
    let ed25519 = cosigned::verify(&note, &seeds::witness_key()).ok().flatten();
    let ml_dsa = cosigned::verify(&note, &seeds::ml_dsa_witness_key())
        .ok()
        .flatten();
    if let Some(cosigned) = &ed25519 {
        assert_eq!(cosigned.timestamp, seeds::NOW);
        assert_eq!(note.text(), ours.note().text());
    }
    if let Some(cosigned) = &ml_dsa {
        assert_eq!(cosigned.timestamp, seeds::NOW);
        // This kind says nothing of further lines.
        let tree: Checkpoint = note.text().parse().unwrap();
        assert_eq!(
            (tree.origin(), tree.size(), tree.root()),
            (ours.checkpoint().origin(), ours.size(), ours.root())
        );
    }
    ed25519.is_some() || ml_dsa.is_some()
}

/// Whatever a witness answers, the checkpoint takes over what that witness signed of it, and nothing else.
pub(crate) fn witness_answer(bytes: &[u8]) -> bool {
    let Some(answer) = text(bytes) else { return false };
    let mut taken = false;
    for witness in [seeds::witness_key(), seeds::ml_dsa_witness_key()] {
        let asked = seeds::asked_checkpoint();
        let mut held = asked.clone();
        if accept_response(&mut held, answer, &witness) == Ok(true) {
            let found = cosigned::verify(held.note(), &witness).unwrap().unwrap();
            assert_eq!((found.timestamp, found.witness), (seeds::NOW, witness));
            assert_eq!(held.note().signatures().len(), 2);
            taken = true;
        } else {
            assert_eq!(held, asked);
        }
    }
    taken
}

pub(crate) fn policy(bytes: &[u8]) -> bool {
    let Ok(policy) = Policy::parse(bytes) else {
        return false;
    };
    assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy.clone()));
    let _ = policy.satisfied_by(&seeds::checkpoint_of_the_log());
    true
}

pub(crate) fn witness_request(bytes: &[u8]) -> bool {
    if let Some(text) = text(bytes)
        && let Some(size) = parse_size(text)
    {
        assert_eq!(format_size(size), text);
    }
    let Ok(request) = AddCheckpoint::parse(bytes) else {
        return false;
    };
    assert_eq!(request.to_string().as_bytes(), bytes);
    let _ = request.claimed_origin();
    let checked = [0, 7].map(|size| {
        let root = seeds::root(size);
        let checked = request.check(&seeds::log_key(), Latest { size, root });
        checked.is_ok_and(|checkpoint| {
            let ours = seeds::checkpoint_of_the_log();
            assert_eq!(checkpoint.checkpoint(), ours.checkpoint());
            // Only the proof itself proves it, and only from where the witness stands.
            assert_eq!(
                (request.old_size, &request.proof),
                (size, &seeds::consistency_proof(size))
            );
            true
        })
    });
    checked.contains(&true)
}

pub(crate) fn tile_path(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(path) = text.parse::<TilePath>() else {
        return false;
    };
    assert_eq!(path.to_string(), text);
    assert_eq!(TilePath::new(path.kind(), path.index(), path.width()), Some(path));
    assert!(!path.full().is_partial());
    true
}

pub(crate) fn tile(bytes: &[u8]) -> bool {
    let width = u16::try_from(bytes.len() / 32).unwrap_or(u16::MAX);
    for width in [width, width.saturating_add(1), 1, 256] {
        if let Ok(tile) = Tile::parse(bytes, width) {
            assert_eq!(tile.to_bytes(), bytes);
            subtrees_are_trees(&tile);
            assert_eq!(Tile::from_hashes(tile.hashes().to_vec()), Some(tile));
            return true;
        }
    }
    false
}

/// The hash of each leftmost complete subtree is the root of the tree of its hashes.
fn subtrees_are_trees(tile: &Tile) {
    for height in 0..8 {
        let hashes = tile.hashes().get(..1 << height);
        let root = hashes.map(|hashes| root_from_leaves(hashes.iter().copied()).unwrap());
        assert_eq!(tile.subtree_hash(Subtree { height, first: 0 }), root);
    }
}

pub(crate) fn bundle(bytes: &[u8]) -> bool {
    let Some((width, bundle)) = bytes.split_first_chunk::<2>() else {
        return false;
    };
    let width = u16::from_be_bytes(*width);
    let Ok(entries) = decode_bundle(bundle, width) else {
        return false;
    };
    assert_eq!(entries.len(), usize::from(width));
    assert_eq!(encode_bundle(&entries).unwrap(), bundle);
    true
}
