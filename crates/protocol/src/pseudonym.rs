//! The pairwise pseudonym `sub`: two relying parties cannot relate theirs (T2).

use cyberid_crypto::{Mac, base64url};
use cyberid_domain::id::{ClientId, SubjectId};
use zeroize::Zeroizing;

/// The pseudonym of a subject at a relying party:
/// `HMAC(HMAC(K_pairwise, "rp" || client_id), subject_handle || epoch)`, base64url. The handle is random, so that no
/// pseudonym is derived from a document.
pub fn derive(pairwise: &dyn Mac, client_id: &ClientId, subject: &SubjectId, epoch: u32) -> String {
    let own = Zeroizing::new(pairwise.mac(&[b"rp", client_id.as_str().as_bytes()]));
    let parts: [&[u8]; 2] = [subject.as_bytes(), &epoch.to_be_bytes()];
    base64url::encode(&pairwise.suite().hmac_parts(&*own, &parts))
}

/// Whether `text` has the form of a pseudonym.
pub fn is_well_formed(text: &str) -> bool {
    base64url::decode_array::<32>(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyberid_crypto::MacKey;

    #[test]
    fn another_party_person_or_epoch_has_another_pseudonym() {
        let key = MacKey::new(Zeroizing::new([7; 32]));
        let one: ClientId = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let two: ClientId = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        let (person, other) = (SubjectId::from_bytes([1; 32]), SubjectId::from_bytes([2; 32]));
        let sub = derive(&key, &one, &person, 0);
        assert!(is_well_formed(&sub));
        assert_eq!(sub, derive(&key, &one, &person, 0));
        for different in [
            derive(&key, &two, &person, 0),
            derive(&key, &one, &other, 0),
            derive(&key, &one, &person, 1),
        ] {
            assert_ne!(sub, different);
        }
    }
}
