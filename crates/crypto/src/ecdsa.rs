//! ECDSA on P-256 with SHA-256 in the form that X.509 and `WebAuthn` write it: DER (SEC 1, section C.8). Our own messages
//! carry `r || s` instead ([`crate::jws`]).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use crate::jwk::PublicKey;
use crate::suite::Suite;

/// Whether `signature`, DER, is `key`'s of `message`; no key of another curve signs so.
pub fn is_der_signature(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let verifier = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.as_sec1());
    key.suite() == Suite::Nist && verifier.verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W3C Web Authentication Level 3, section 16, `none.ES256`: the assertion.
    #[test]
    fn the_assertion_of_the_standard_verifies_and_nothing_near_it() {
        let unhex = |text: &str| hex::decode(text).unwrap();
        let key = "04afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61\
                   930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
        let key = PublicKey::from_sec1(&unhex(key)).unwrap();
        let client = br#"{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag","origin":"https://example.org","crossOrigin":false}"#;
        let mut message = unhex("bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000");
        message.extend(crate::digest::sha256(client));
        let signature = unhex(
            "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd38\
             0221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
        );
        assert!(is_der_signature(&key, &message, &signature));
        for at in 0..signature.len() {
            let mut altered = signature.clone();
            altered[at] ^= 1;
            assert!(!is_der_signature(&key, &message, &altered), "at {at}");
        }
        let mut longer = signature;
        longer.push(0);
        assert!(!is_der_signature(&key, &message, &longer));
        assert!(!is_der_signature(&key, &message, &[0; 64]));
    }
}
