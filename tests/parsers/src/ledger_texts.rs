//! The texts and tiles of a ledger: each has one form, and nothing is verified but what was signed.

use cyberid_tlog::checkpoint::{Checkpoint, VerifiedCheckpoint};
use cyberid_tlog::cosignature as cosigned;
use cyberid_tlog::note::{NoteSignature, SignedNote, VerifierKey};
use cyberid_tlog::policy::Policy;
use cyberid_tlog::tile::{Tile, TilePath, decode_bundle, encode_bundle};
use cyberid_tlog::witness::{AddCheckpoint, Latest, format_size, parse_size};

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
    assert!(!key.verify("text\n", &[0; 64]));
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
    let Ok(Some(cosigned)) = cosigned::verify(&note, &seeds::witness_key()) else {
        return false;
    };
    assert_eq!(cosigned.timestamp, seeds::NOW);
    assert_eq!(note.text(), seeds::checkpoint_of_the_log().note().text());
    true
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
    let Ok(checkpoint) = request.check(&seeds::log_key(), Latest::default()) else {
        return false;
    };
    assert_eq!(
        checkpoint.checkpoint(),
        seeds::checkpoint_of_the_log().checkpoint()
    );
    true
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
            assert_eq!(Tile::from_hashes(tile.hashes().to_vec()), Some(tile));
            return true;
        }
    }
    false
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
