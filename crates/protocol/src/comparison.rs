//! The comparison code: four digits that the relying party's screen and the holder's device both show, so that people
//! notice when the question on the device is not the one on the screen.
//!
//! In any language:
//!
//! ```text
//! digest = SHA-256(UTF-8("cyberid/v1/comparison-code\n" + client_id + "\n" + id + "\n" + nonce))
//! number = the first 4 bytes of digest, big-endian, modulo 10000
//! code   = number as 4 decimal digits, with leading zeros
//! ```
//!
//! `id` is that of the request, and empty for a direct request, which has none. The code is no secret and proves nothing
//! by itself: whoever relays a question relays its code too.

use cyberid_crypto::digest;
use cyberid_domain::id::{ClientId, Nonce};

const LABEL: &str = "cyberid/v1/comparison-code";

/// The comparison code of the request `id`; `id` is empty for a direct request.
pub fn code(client_id: &ClientId, id: &str, nonce: &Nonce) -> String {
    let text = [LABEL, client_id.as_str(), id, nonce.as_str()].join("\n");
    let [a, b, c, d, ..] = digest::sha256(text.as_bytes());
    format!("{:04}", u32::from_be_bytes([a, b, c, d]) % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `docs/cycles/verification.md`, made by another implementation (Python's hashlib).
    #[test]
    fn the_published_vectors_hold() {
        let client: ClientId = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let nonce: Nonce = "BBBBBBBBBBBBBBBBBBBBBA".parse().unwrap();
        for (id, expected) in VECTORS {
            assert_eq!(code(&client, id, &nonce), expected, "{id}");
        }
    }

    const VECTORS: [(&str, &str); 3] = [
        ("ver_AAAAAAAAAAAAAAAAAAAAAA", "3368"),
        ("ver_AAAAAAAAAAAAAAAAAAAADQ", "0018"),
        ("", "5334"),
    ];
}
