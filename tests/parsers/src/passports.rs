//! The files of a passport's chip, and what they are trusted by.

use cyberid_domain::UnixTime;
use cyberid_passport::{Chip, Mrz, TrustAnchors, authenticate};

use crate::{seeds, text};

/// Whatever stands in a security object, what is believed is the data group that the state signed.
pub(crate) fn security_object(bytes: &[u8]) -> bool {
    let passport = seeds::passport();
    let tried = |dg1: &[u8]| {
        let chip = Chip {
            sod: bytes.to_vec(),
            dg1: dg1.to_vec(),
            dg2: None,
        };
        authenticate(&chip, &passport.anchors, UnixTime(seeds::NOW))
    };
    assert!(tried(&passport.other_dg1).is_err(), "another's passport");
    tried(&passport.dg1).is_ok()
}

/// A zone that is taken has a number with its check digit, and dates.
pub(crate) fn machine_zone(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    let Ok(mrz) = Mrz::parse(text) else { return false };
    let number = mrz.number().expose();
    assert!(number.len() >= 10 && number.ends_with(|last: char| last.is_ascii_digit()));
    assert!(text.contains(number.get(..9).unwrap_or_default()));
    assert!((2000..2100).contains(&mrz.valid_until().year()));
    true
}

/// Certificates, master lists and revocation lists are read or refused; what nobody pinned vouches for nothing.
pub(crate) fn trust_anchors(bytes: &[u8]) -> bool {
    let authority = || ("utopia.cer".to_owned(), seeds::passport().authority.clone());
    ["x.cer", "x.ml", "x.crl"].into_iter().any(|name| {
        let files = [authority(), (name.to_owned(), bytes.to_vec())];
        TrustAnchors::read(&files, UnixTime(seeds::NOW)).is_ok()
    })
}
