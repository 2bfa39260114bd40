//! One release, end to end: from the signature of the person's device to the last leaf.
//!
//! Leaves reveal nothing, and so do not show whose consent they record. In a sample the regulator is shown the consent
//! itself, and holds it against the leaf that has been public all along.

use cyberid_crypto::{PublicKey, base64url};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_protocol::audit::{AuditEntry, TracedRelease};
use cyberid_protocol::consent::{Consent, MAX_LIFE};
use cyberid_protocol::leaf::{Leaf, LeafKind, subject_commitment};
use cyberid_protocol::message;
use cyberid_protocol::request::{ReleaseRequest, RequestObject};
use cyberid_protocol::statement::{Terms, Version, render_as};
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::receipt::TlogProof;
use serde::Serialize;

use crate::chain::{ChainBreak, Chains};
use crate::sample::SampledRelease;

/// A release that was traced, and is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The release.
    pub release_id: cyberid_domain::id::ReleaseId,
    /// The places of its leaves.
    pub leaves: Vec<u64>,
    /// The kind of its last leaf.
    pub last: LeafKind,
    /// Whether the consent was shown. It is gone once the person was erased.
    pub consent: bool,
}

/// Why a release is not what its leaves say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceBreak {
    /// Another release was shown, or other leaves than the log has of it.
    #[error("the platform shows other leaves of it than the log has")]
    Leaves,
    /// A leaf is not proved to be in the witnessed log at its place.
    #[error("leaf {index} is not proved to be in the witnessed log")]
    Proof {
        /// Its place.
        index: u64,
    },
    /// The leaves are not in order.
    #[error("leaf {index} breaks the chain: {broken}")]
    Chain {
        /// Its place.
        index: u64,
        /// How.
        broken: ChainBreak,
    },
    /// Some of consent, request object, salt and key are shown, and not all of them.
    #[error("it is shown in part")]
    Partly,
    /// The consent was not signed by the key that is shown, or is not a consent.
    #[error("the consent is not signed by the device key that is shown")]
    Consent,
    /// The consent is for another platform.
    #[error("the consent is for another platform")]
    Audience,
    /// The request object is none of a release.
    #[error("the request object is not one of a release")]
    Request,
    /// The consent does not answer the request object that is shown.
    #[error("the consent does not say what the request object says: {member}")]
    Differs {
        /// The first member that differs.
        member: &'static str,
    },
    /// The statement is not what any published version says of the request.
    #[error("the statement is not one that was published")]
    Statement,
    /// The leaf does not say what the consent says, or commits to somebody else.
    #[error("the leaf does not say what the consent says")]
    Leaf,
    /// The leaf was made, or plaintext was to leave, when the consent was not in force.
    #[error("leaf {index} was made when the consent was not in force")]
    Moment {
        /// Its place.
        index: u64,
    },
}

/// Checks what the platform shows of a release that was picked from the log.
pub fn trace(
    picked: &SampledRelease,
    shown: &TracedRelease,
    issuer: &str,
    log: &VerifierKey,
    policy: &Policy,
) -> Result<Trace, TraceBreak> {
    let same = shown.release_id == picked.release_id
        && picked.leaves.len() <= shown.leaves.len()
        && picked
            .leaves
            .iter()
            .zip(&shown.leaves)
            .all(|((index, text), entry)| *index == entry.index && *text == entry.leaf);
    if !same {
        return Err(TraceBreak::Leaves);
    }
    let leaves = in_order(shown, log, policy)?;
    let consent = match (
        &shown.consent,
        &shown.request_object,
        &shown.salt,
        &shown.device_jwk,
    ) {
        (None, None, None, None) => false,
        (Some(consent), Some(request), Some(salt), Some(jwk)) => {
            let device = PublicKey::try_from(jwk).map_err(|_| TraceBreak::Consent)?;
            let claims = consented(consent, request, &device, issuer)?;
            let salt = base64url::decode_array(salt).ok_or(TraceBreak::Leaf)?;
            let commitment = subject_commitment(&salt, &device.thumbprint());
            recorded(&leaves, &claims, consent, &commitment)?;
            true
        }
        _ => return Err(TraceBreak::Partly),
    };
    let last = leaves.last().ok_or(TraceBreak::Leaves)?.1.kind;
    Ok(Trace {
        release_id: shown.release_id.clone(),
        leaves: leaves.iter().map(|(index, _)| *index).collect(),
        last,
        consent,
    })
}

/// The leaves, each proved to be in the witnessed log, linked in the order of their kinds.
fn in_order(
    shown: &TracedRelease,
    log: &VerifierKey,
    policy: &Policy,
) -> Result<Vec<(u64, Leaf)>, TraceBreak> {
    let mut chains = Chains::default();
    let mut leaves = Vec::new();
    for AuditEntry {
        index,
        leaf: text,
        proof,
    } in &shown.leaves
    {
        let index = *index;
        let proof = TlogProof::parse(proof.as_bytes())
            .ok()
            .filter(|proof| proof.index == index);
        let proved = proof.and_then(|proof| proof.verify(text.as_bytes(), log, policy).ok());
        proved.ok_or(TraceBreak::Proof { index })?;
        let leaf = Leaf::from_text(text).map_err(|_| TraceBreak::Leaves)?;
        if leaf.request.as_ref() != Some(&shown.release_id) {
            return Err(TraceBreak::Leaves);
        }
        let linked = chains.next(index, &leaf, text);
        linked.map_err(|broken| TraceBreak::Chain { index, broken })?;
        leaves.push((index, leaf));
    }
    Ok(leaves)
}

/// The claims of a consent that this device signed for exactly this request, after being shown a published statement.
fn consented(compact: &str, request: &str, device: &PublicKey, issuer: &str) -> Result<Consent, TraceBreak> {
    let consent: Consent = message::open(compact, device).map_err(|_| TraceBreak::Consent)?;
    if consent.aud != issuer {
        return Err(TraceBreak::Audience);
    }
    let asked = read_request(request)?;
    if let Some(member) = consent.differs_from(&asked, request) {
        return Err(TraceBreak::Differs { member });
    }
    let terms = Terms::from(&asked);
    let is_published = |version: &Version| render_as(*version, consent.locale, &terms) == asked.statement;
    if Version::ALL.iter().any(is_published) {
        Ok(consent)
    } else {
        Err(TraceBreak::Statement)
    }
}

/// The claims of a request object. Its key may be long gone: the consent holds its hash.
fn read_request(compact: &str) -> Result<ReleaseRequest, TraceBreak> {
    let claims = message::unverified::<RequestObject>(compact).and_then(|request| request.unchecked_claims());
    match claims {
        Ok(RequestObject::Release(request)) => Ok(request),
        _ => Err(TraceBreak::Request),
    }
}

/// The first leaf says what the consent says, of the person who signed; the others repeat it. It was made, and plaintext
/// was announced, while the consent was in force.
fn recorded(
    leaves: &[(u64, Leaf)],
    consent: &Consent,
    compact: &str,
    commitment: &str,
) -> Result<(), TraceBreak> {
    let (_, first) = leaves.first().ok_or(TraceBreak::Leaves)?;
    if *first != consent.leaf(compact, commitment.to_owned(), first.time) {
        return Err(TraceBreak::Leaf);
    }
    let needs_consent = |kind| matches!(kind, LeafKind::ConsentGranted | LeafKind::ReleaseIntended);
    for (index, leaf) in leaves.iter().filter(|(_, leaf)| needs_consent(leaf.kind)) {
        if !in_force(consent, leaf.time) {
            return Err(TraceBreak::Moment { index: *index });
        }
    }
    Ok(())
}

fn in_force(consent: &Consent, time: UnixTime) -> bool {
    let lives = consent.exp.since(consent.iat) <= MAX_LIFE;
    lives && time.plus(SKEW) >= consent.iat && time <= consent.exp.plus(SKEW)
}

#[cfg(test)]
mod tests;
