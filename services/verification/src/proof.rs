//! The holder's proof, from the seal to a proof whose words fit what was asked.
//!
//! What the words say is judged before anybody looks whether the device is known, so that a problem never depends
//! on whether there is such a person. Whether the signature fits is no problem at all: it is a check that fails.

use cyberid_crypto::jws::{self, Unverified};
use cyberid_crypto::{PublicKey, Suite, base64url, jwe};
use cyberid_domain::UnixTime;
use cyberid_domain::check::Factor;
use cyberid_domain::pin::Pin;
use cyberid_keystore::Opener;
use cyberid_keystore::role::Message;
use cyberid_protocol::message::{Message as _, check_life};
use cyberid_protocol::passkey::challenge_of;
use cyberid_protocol::proof::{MAX_LIFE, Proof};
use cyberid_protocol::sealed::{Evidence, SealedProof};

use crate::asked::Asked;
use crate::refusal::Refusal;

/// An opened seal. Nothing in it has been checked but its form.
pub(crate) struct UncheckedProof(FittingProof);

/// A proof whose words fit what was asked, now; who signed it is still open.
pub(crate) struct FittingProof {
    /// The device key's thumbprint, as the header says.
    pub(crate) kid: String,
    /// The claims, as the payload says.
    pub(crate) claims: Proof,
    /// The PIN that came with it.
    pub(crate) pin: Option<Pin>,
    /// The evidence that came with it.
    pub(crate) evidence: Evidence,
    empty_evidence: bool,
    compact: String,
}

impl UncheckedProof {
    /// Opens the seal with the key it names, or else with today's, and takes the proof apart.
    pub(crate) fn open(keys: &Opener<Message>, sealed: &str) -> Result<Self, Refusal> {
        const SEAL: Refusal = Refusal::Message("not sealed to a key of this platform that is in use");
        let sealed = jwe::Sealed::parse(sealed).map_err(|_| Refusal::Message("not a compact JWE of ours"))?;
        let key = match sealed.kid() {
            Some(kid) => keys.find(kid).ok_or(SEAL)?,
            None => keys.current(),
        };
        let opened = sealed.open(&*key).map_err(|_| SEAL)?;
        let SealedProof { proof, pin, evidence } = SealedProof::read(&opened).map_err(|_| {
            Refusal::Message("the seal does not hold `proof` and, where asked for, `pin` and `evidence`")
        })?;
        let form = Refusal::Message("`proof` is not a compact JWS of its type");
        let (kid, claims) = parts(&proof, keys.public_key().suite()).ok_or(form)?;
        Ok(Self(FittingProof {
            kid,
            claims,
            pin,
            empty_evidence: evidence.as_ref().is_some_and(Evidence::is_empty),
            evidence: evidence.unwrap_or_default(),
            compact: proof,
        }))
    }

    /// What the proof claims, for finding out what it claims to answer.
    pub(crate) fn claims(&self) -> &Proof {
        &self.0.claims
    }

    /// Checks that the holder agreed to exactly what was asked, with this platform, of late.
    pub(crate) fn answering(
        self,
        asked: &Asked,
        issuer: &str,
        now: UnixTime,
    ) -> Result<FittingProof, Refusal> {
        let Self(proof) = self;
        let claims = &proof.claims;
        if claims.aud != issuer {
            return Err(Refusal::Message("`aud` is not this platform"));
        }
        if !asked.is_answered_by(claims) {
            return Err(Refusal::Message("the proof is not for what was asked"));
        }
        check_life(claims.iat, claims.exp, MAX_LIFE, now)?;
        if proof.pin.is_some() && !asked.factors.contains(&Factor::Pin) {
            return Err(Refusal::Message("a PIN came that was not asked for"));
        }
        if proof.has_unasked_evidence(&asked.factors) {
            return Err(Refusal::Message("evidence came that was not asked for"));
        }
        Ok(proof)
    }
}

impl FittingProof {
    /// The challenge that a passkey answers with this proof.
    pub(crate) fn challenge(&self) -> [u8; 32] {
        challenge_of(&self.compact)
    }

    fn has_unasked_evidence(&self, asked: &[Factor]) -> bool {
        let Evidence { face, passkey } = &self.evidence;
        self.empty_evidence
            || (face.is_some() && !asked.contains(&Factor::Face))
            || (passkey.is_some() && !asked.contains(&Factor::Passkey))
    }

    /// Whether `key` signed the proof.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let Some((signed, signature)) = self.compact.rsplit_once('.') else {
            return false;
        };
        base64url::decode(signature)
            .is_some_and(|signature| jws::verify_signature(key, signed.as_bytes(), &signature).is_ok())
    }
}

/// The key's name and the claims of a message of the right type and the platform's suite whose signature nobody has
/// checked.
fn parts(compact: &str, suite: Suite) -> Option<(String, Proof)> {
    let message = Unverified::parse(compact, Proof::TYP).ok()?;
    if message.suite() != suite {
        return None;
    }
    let kid = message.kid().ok()?.to_owned();
    Some((kid, message.unchecked_claims().ok()?))
}
