//! The form of a backup: a header in clear, then the store in pieces, each encrypted in its place.
//!
//! The pieces are under a key of this backup alone, which is sealed by HPKE to the offline key. A piece's nonce is its
//! number and whether it is the last, so that none is left out, moved or put after the end (the STREAM construction of
//! Hoang, Reyhanitabar, Rogaway and Vizár, 2015). Header and pieces are bound to store, time and key.

use std::io::{self, BufRead, Read, Write};

use cyberid_crypto::{Agree, KeyFailure, PublicKey, aead, base64url, hpke};
use cyberid_domain::rng::random;
use cyberid_domain::{Rng, UnixTime};
use zeroize::Zeroizing;

use super::{Header, StoreName};

const VERSION: u32 = 1;
const INFO: &[u8] = b"cyberid/v1/share-backup";
/// How much of the store a piece has.
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
/// The longest header.
const HEADER: u64 = 4 * 1024;

/// Writes a backup of `from`.
pub(super) fn seal(
    (store, taken_at): (StoreName, UnixTime),
    recipient: &PublicKey,
    rng: &dyn Rng,
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> io::Result<()> {
    let key = Zeroizing::new(random::<32>(rng));
    let kid = recipient.thumbprint();
    let context = context(store, taken_at, &kid);
    let sealed =
        hpke::seal(recipient, INFO, &context, &*key).map_err(|KeyFailure| io::Error::other("key"))?;
    let header = Header {
        version: VERSION,
        store,
        taken_at,
        kid,
        key: base64url::encode(&sealed),
    };
    writeln!(to, "{}", serde_json::to_string(&header)?)?;
    let mut number = 0;
    loop {
        let piece = piece(from, PIECE)?;
        let last = from.fill_buf()?.is_empty();
        to.write_all(&aead::encrypt(&key, nonce(number, last), &context, &piece))?;
        if last {
            return Ok(());
        }
        number += 1;
    }
}

/// Reads the header of a backup; nothing if it is none.
pub(super) fn header(from: &mut impl BufRead) -> io::Result<Option<Header>> {
    let mut line = Vec::new();
    from.take(HEADER).read_until(b'\n', &mut line)?;
    let header: Option<Header> = serde_json::from_slice(&line).ok();
    Ok(header.filter(|header| header.version == VERSION && line.ends_with(b"\n")))
}

/// Writes what a backup holds, after its header; `false` if it does not open, and then what was written means nothing.
pub(super) fn open(
    header: &Header,
    key: &dyn Agree,
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> io::Result<bool> {
    let context = context(header.store, header.taken_at, &header.kid);
    let Some(key) = content_key(header, key, &context) else {
        return Ok(false);
    };
    let mut number = 0;
    loop {
        let piece = piece(from, PIECE + TAG)?;
        let last = from.fill_buf()?.is_empty();
        let Ok(opened) = aead::decrypt(&key, nonce(number, last), &context, &piece) else {
            return Ok(false);
        };
        to.write_all(&opened)?;
        if last {
            return Ok(true);
        }
        number += 1;
    }
}

fn content_key(header: &Header, key: &dyn Agree, context: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    if key.kid() != header.kid {
        return None;
    }
    let sealed = base64url::decode(&header.key)?;
    let opened = hpke::open(key, INFO, context, &sealed).ok()?;
    opened.as_slice().try_into().ok().map(Zeroizing::new)
}

fn context(store: StoreName, taken_at: UnixTime, kid: &str) -> Vec<u8> {
    format!(
        "cyberid/v1/share-backup\n{}\n{}\n{kid}",
        store.as_str(),
        taken_at.0
    )
    .into_bytes()
}

/// The key is this backup's alone, so that a number is unique under it.
fn nonce(number: u64, last: bool) -> [u8; aead::NONCE] {
    let mut nonce = [0; aead::NONCE];
    let bytes = number.to_be_bytes().into_iter().chain([u8::from(last)]);
    nonce.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    nonce
}

fn piece(from: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(length);
    from.take(u64::try_from(length).unwrap_or(u64::MAX))
        .read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::AgreementKey;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn sealed(key: &AgreementKey, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        seal(
            (StoreName::Vault, NOW),
            &key.public_key(),
            &SystemRng,
            &mut &*content,
            &mut out,
        )
        .unwrap();
        out
    }

    fn opened(key: &AgreementKey, backup: &[u8]) -> Option<Vec<u8>> {
        let (mut from, mut out) = (backup, Vec::new());
        let header = header(&mut from).unwrap()?;
        open(&header, key, &mut from, &mut out).unwrap().then_some(out)
    }

    #[test]
    fn what_was_sealed_opens_whole_whatever_its_length() {
        let key = AgreementKey::ephemeral().unwrap();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7] {
            let content: Vec<u8> = (0..length).map(|index| index.to_le_bytes()[0]).collect();
            let backup = sealed(&key, &content);
            assert_eq!(opened(&key, &backup).unwrap(), content, "{length}");
            let other = AgreementKey::ephemeral().unwrap();
            assert_eq!(opened(&other, &backup), None);
        }
    }

    #[test]
    fn a_piece_that_is_missing_moved_or_added_is_noticed() {
        let key = AgreementKey::ephemeral().unwrap();
        let backup = sealed(&key, &vec![7; 3 * PIECE]);
        let begin = backup.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let (head, pieces) = backup.split_at(begin);
        let pieces: Vec<&[u8]> = pieces.chunks(PIECE + TAG).collect();
        let [one, two, three] = pieces[..] else {
            panic!("three pieces")
        };
        let made_of = |pieces: &[&[u8]]| opened(&key, &[head, &pieces.concat()].concat());
        assert!(made_of(&[one, two, three]).is_some());
        for wrong in [
            &[one, two][..],
            &[one, three],
            &[two, one, three],
            &[one, two, three, three],
            &[],
        ] {
            assert_eq!(made_of(wrong), None);
        }
    }

    #[test]
    fn a_header_that_was_altered_is_noticed() {
        let key = AgreementKey::ephemeral().unwrap();
        let backup = sealed(&key, b"content");
        let begin = backup.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let (head, content) = backup.split_at(begin);
        let head = str::from_utf8(head).unwrap();
        for (said, instead) in [("1800000000", "1800000001"), ("\"vault\"", "\"custodian\"")] {
            let altered = head.replace(said, instead);
            assert_ne!(head, altered);
            assert_eq!(
                opened(&key, &[altered.as_bytes(), content].concat()),
                None,
                "{said}"
            );
        }
    }
}
