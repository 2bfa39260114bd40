//! Checking one `DPoP` proof: RFC 9449, section 4.3, but for the nonce and the memory of what was seen.

use cyberid_crypto::json::Text;
use cyberid_crypto::jws::{InvalidJws, KnownHeader, Unverified};
use cyberid_crypto::{PublicKey, Suite};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use http::{HeaderMap, Method};
use serde::Deserialize;

/// The message type, RFC 9449 section 4.2.
const TYP: &str = "dpop+jwt";

/// Why a proof is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// There is none.
    #[error("there is no proof")]
    Missing,
    /// There is more than one.
    #[error("there is more than one proof")]
    Repeated,
    /// Not a signed message of this type.
    #[error("the proof is not a signed message of its type")]
    Message(#[source] InvalidJws),
    /// Made for another method.
    #[error("the proof is for another method")]
    Method,
    /// Made for another address.
    #[error("the proof is for another address")]
    Address,
    /// Made too long ago, or in the future.
    #[error("the proof is not of this moment")]
    Time,
    /// Made for another access token, or for none.
    #[error("the proof is for another token")]
    Token,
    /// Signed by another key than the token is bound to.
    #[error("the proof is signed by another key")]
    Key,
    /// Seen before.
    #[error("the proof was seen before")]
    Replayed,
}

/// What a proof has to be about.
pub(super) struct Expected<'a> {
    /// The suite that the platform runs.
    pub(super) suite: Suite,
    /// The request's method.
    pub(super) method: &'a Method,
    /// The platform's issuer, which every address begins with.
    pub(super) issuer: &'a str,
    /// The request's path.
    pub(super) path: &'a str,
    /// The present moment.
    pub(super) now: UnixTime,
    /// The digest of the access token that the request carries, as `ath` has it.
    pub(super) ath: Option<&'a str>,
}

/// A proof that is about this request; whether it is fresh and new is still open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proof<'a> {
    /// The key that made it.
    pub(super) key: PublicKey,
    /// Its unique name.
    pub(super) jti: Text<'a>,
    /// The server's nonce in it.
    pub(super) nonce: Option<Text<'a>>,
}

/// The required claims; others are not looked at.
#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    jti: Text<'a>,
    #[serde(borrow)]
    htm: Text<'a>,
    #[serde(borrow)]
    htu: Text<'a>,
    iat: u64,
    #[serde(borrow)]
    ath: Option<Text<'a>>,
    #[serde(borrow)]
    nonce: Option<Text<'a>>,
}

/// The one proof in the headers; check 1.
pub(super) fn only_proof(headers: &HeaderMap) -> Result<&str, InvalidProof> {
    let mut proofs = headers.get_all("dpop").iter();
    let proof = proofs.next().ok_or(InvalidProof::Missing)?;
    if proofs.next().is_some() {
        return Err(InvalidProof::Repeated);
    }
    proof
        .to_str()
        .map_err(|_| InvalidProof::Message(InvalidJws::Malformed))
}

/// A proof that nobody has checked; its header is not read anew if it is `known`.
pub(super) fn parse<'a>(
    compact: &'a str,
    known: Option<&KnownHeader>,
) -> Result<Unverified<'a>, InvalidProof> {
    Unverified::parse_after(compact, TYP, known).map_err(InvalidProof::Message)
}

/// Checks 2 to 9, 11 and 12a: a well-formed, signed message about this request and this token.
pub(super) fn verify<'a>(
    message: &'a Unverified<'_>,
    expected: &Expected<'_>,
) -> Result<Proof<'a>, InvalidProof> {
    let key = message.embedded_key().map_err(InvalidProof::Message)?;
    if key.suite() != expected.suite {
        return Err(InvalidProof::Message(InvalidJws::Algorithm));
    }
    let claims: Claims<'a> = message.verified(&key).map_err(InvalidProof::Message)?;
    if *claims.htm != *expected.method.as_str() {
        return Err(InvalidProof::Method);
    }
    if without_query(&claims.htu).strip_prefix(expected.issuer) != Some(expected.path) {
        return Err(InvalidProof::Address);
    }
    if claims.iat.abs_diff(expected.now.0) > SKEW {
        return Err(InvalidProof::Time);
    }
    if claims.ath.as_deref() != expected.ath {
        return Err(InvalidProof::Token);
    }
    Ok(Proof {
        key,
        jti: claims.jti,
        nonce: claims.nonce,
    })
}

fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::known::TokenDigest;

    const AT_TOKEN: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0V\
        jNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1\
        JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmV\
        yLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLX\
        iOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    const AT_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMz\
        R0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R\
        2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNv\
        dXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV\
        0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd\
        -jfxSYoMxhAJpLjA";
    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    const ATH: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";

    /// The thumbprint of the key, the unique name and the nonce of a proof that is accepted.
    type Read = (String, String, Option<String>);

    fn read(compact: &str, expected: &Expected<'_>) -> Result<Read, InvalidProof> {
        let message = parse(compact, None)?;
        let Proof { key, jti, nonce } = verify(&message, expected)?;
        Ok((
            key.thumbprint(),
            jti.to_string(),
            nonce.map(|nonce| nonce.to_string()),
        ))
    }

    fn expected_at_resource(ath: &str) -> Expected<'_> {
        Expected {
            suite: Suite::Nist,
            method: &Method::GET,
            issuer: "https://resource.example.org",
            path: "/protectedresource",
            now: UnixTime(1_562_262_618),
            ath: Some(ath),
        }
    }

    fn at_resource(change: impl FnOnce(&mut Expected<'_>)) -> Result<Read, InvalidProof> {
        let mut expected = expected_at_resource(ATH);
        change(&mut expected);
        read(AT_RESOURCE, &expected)
    }

    /// RFC 9449, section 4.1, and the thumbprint of section 6.1.
    #[test]
    fn the_example_at_the_token_endpoint_is_accepted() {
        let expected = Expected {
            suite: Suite::Nist,
            method: &Method::POST,
            issuer: "https://server.example.com",
            path: "/token",
            now: UnixTime(1_562_262_616),
            ath: None,
        };
        let (jkt, jti, _) = read(AT_TOKEN, &expected).unwrap();
        assert_eq!(jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(jti, "-BwC3ESc6acc2lTc");
    }

    /// RFC 9449, section 7.1.
    #[test]
    fn the_example_at_a_resource_is_accepted() {
        assert_eq!(TokenDigest::of(TOKEN).ath(), ATH);
        let (jkt, _, nonce) = at_resource(|_| {}).unwrap();
        assert_eq!(jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(nonce, None);
    }

    #[test]
    fn a_proof_is_good_for_its_own_request_only() {
        let now = UnixTime(1_562_262_618);
        assert_eq!(
            at_resource(|it| it.method = &Method::POST),
            Err(InvalidProof::Method)
        );
        assert_eq!(at_resource(|it| it.path = "/"), Err(InvalidProof::Address));
        assert_eq!(at_resource(|it| it.ath = Some("other")), Err(InvalidProof::Token));
        assert_eq!(at_resource(|it| it.ath = None), Err(InvalidProof::Token));
        assert_eq!(
            at_resource(|it| it.now = now.plus(SKEW + 1)),
            Err(InvalidProof::Time)
        );
        assert_eq!(
            at_resource(|it| it.now = now.minus(SKEW + 1)),
            Err(InvalidProof::Time)
        );
        assert!(at_resource(|it| it.now = now.plus(SKEW)).is_ok());
        assert!(at_resource(|it| it.now = now.minus(SKEW)).is_ok());
    }

    #[test]
    fn an_altered_proof_is_refused() {
        let altered = AT_RESOURCE.replace("LjA", "LjQ");
        assert_eq!(
            read(&altered, &expected_at_resource(ATH)),
            Err(InvalidProof::Message(InvalidJws::Signature))
        );
    }

    #[test]
    fn there_is_exactly_one_proof() {
        let mut headers = HeaderMap::new();
        assert_eq!(only_proof(&headers), Err(InvalidProof::Missing));
        headers.append("dpop", http::HeaderValue::from_static("a"));
        assert_eq!(only_proof(&headers), Ok("a"));
        headers.append("dpop", http::HeaderValue::from_static("b"));
        assert_eq!(only_proof(&headers), Err(InvalidProof::Repeated));
    }

    /// A proof that is whole in itself, at a platform of either suite.
    #[test]
    fn a_proof_of_another_suite_proves_nothing() {
        for (of, at) in [
            (Suite::Nist, Suite::Nist),
            (Suite::Sm, Suite::Sm),
            (Suite::Sm, Suite::Nist),
            (Suite::Nist, Suite::Sm),
        ] {
            let key = cyberid_crypto::SigningKey::of(of, &[7; 32]).unwrap();
            let claims =
                serde_json::json!({"jti": "j", "htm": "GET", "htu": "https://id.example/v1/me", "iat": 9});
            let compact = cyberid_crypto::jws::sign_embedding_key(&key, TYP, &claims).unwrap();
            let expected = Expected {
                suite: at,
                method: &Method::GET,
                issuer: "https://id.example",
                path: "/v1/me",
                now: UnixTime(9),
                ath: None,
            };
            let refused = (of != at).then_some(InvalidProof::Message(InvalidJws::Algorithm));
            assert_eq!(read(&compact, &expected).err(), refused);
        }
    }
}
