//! Accepting a released identity: no ledger entry, no acceptance; then the seal, then the platform's signature.

use std::collections::BTreeMap;

use cyberid_client::{KeyRole, MessageRefused};
use cyberid_crypto::jwe::{InvalidJwe, Sealed};
use cyberid_domain::check::distinct;
use cyberid_domain::clock::SKEW;
use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_protocol::identity::{self, IdentityClaims};
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::release::Redeemed;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::receipt::TlogProof;

use crate::{PendingRelease, RelyingParty};

/// Why a released identity is not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IdentityRefused {
    /// The leaf cannot be read.
    #[error("the leaf is malformed")]
    MalformedLeaf,
    /// The leaf is not the intent of this release, to this relying party, under this key.
    #[error("the leaf is not the intent of this release")]
    AnotherLeaf,
    /// The leaf is not under a checkpoint that the policy accepts.
    #[error("the intent is not in the witnessed ledger")]
    NotInWitnessedLedger,
    /// It does not open with this relying party's key.
    #[error(transparent)]
    Sealed(#[from] InvalidJwe),
    /// The platform did not sign it as an identity.
    #[error("not an identity that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// It is of another issuer, for another relying party or release, or from the future.
    #[error("an identity of another issuer, relying party, release or time")]
    AnotherIdentity,
    /// Its fields are not those that the ledger says.
    #[error("the fields are not those that the ledger says")]
    FieldsDiffer,
}

/// An intent that is in the witnessed ledger.
pub(crate) struct Intent {
    leaf: Leaf,
    fields: Vec<Field>,
    index: u64,
    checkpoint: VerifiedCheckpoint,
}

impl Intent {
    pub(crate) fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }
}

/// Plaintext that a holder agreed to, with the ledger's word on it.
#[derive(Debug)]
pub struct ReleasedIdentity {
    fields: BTreeMap<Field, Personal>,
    leaf: Leaf,
    index: u64,
}

impl ReleasedIdentity {
    /// The granted fields.
    pub fn fields(&self) -> &BTreeMap<Field, Personal> {
        &self.fields
    }

    /// The value of a field, if it was granted.
    pub fn field(&self, field: Field) -> Option<&Personal> {
        self.fields.get(&field)
    }

    /// What the ledger says.
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// The leaf's place in the ledger.
    pub fn index(&self) -> u64 {
        self.index
    }
}

/// Checks that the ledger holds the intent of this very release.
pub(crate) fn check_intent(
    party: &RelyingParty,
    pending: &PendingRelease,
    redeemed: &Redeemed,
) -> Result<Intent, IdentityRefused> {
    let leaf = Leaf::from_text(&redeemed.leaf).map_err(|_| IdentityRefused::MalformedLeaf)?;
    let fields = intended_fields(party, pending, &leaf).ok_or(IdentityRefused::AnotherLeaf)?;
    let anchors = party.platform.anchors();
    let proof =
        TlogProof::parse(redeemed.proof.as_bytes()).map_err(|_| IdentityRefused::NotInWitnessedLedger)?;
    let entry = proof
        .verify(redeemed.leaf.as_bytes(), &anchors.ledger, &anchors.policy)
        .map_err(|_| IdentityRefused::NotInWitnessedLedger)?;
    Ok(Intent {
        leaf,
        fields,
        index: entry.index(),
        checkpoint: entry.checkpoint().clone(),
    })
}

/// The fields of the leaf, if it is the intent of this release.
fn intended_fields(party: &RelyingParty, pending: &PendingRelease, leaf: &Leaf) -> Option<Vec<Field>> {
    let ours = leaf.kind == LeafKind::ReleaseIntended
        && leaf.request.as_ref() == Some(&pending.id)
        && leaf.rp.as_ref() == Some(&party.client_id)
        && leaf.purpose.as_deref() == Some(&pending.purpose)
        && leaf.enc_jkt.as_deref() == Some(party.opener.kid())
        && leaf.previous.is_some()
        && leaf.time <= party.now().plus(SKEW);
    let fields = distinct(leaf.fields.as_deref().filter(|_| ours)?)?;
    let asked = fields.iter().all(|field| pending.fields.contains(field));
    asked.then_some(fields)
}

/// Opens the identity, which has to be what the intent says.
pub(crate) async fn open(
    party: &RelyingParty,
    pending: &PendingRelease,
    intent: Intent,
    identity: &str,
) -> Result<ReleasedIdentity, IdentityRefused> {
    let opened = Sealed::parse(identity)?.open(&*party.opener)?;
    let compact = str::from_utf8(&opened).map_err(|_| InvalidJwe::Malformed)?;
    let claims: IdentityClaims = party
        .platform
        .verify(KeyRole::Identity, identity::TYP, compact)
        .await?;
    let ours = claims.iss == party.platform.issuer()
        && claims.aud == party.client_id
        && claims.request == pending.id
        && claims.iat <= party.now().plus(SKEW);
    if !ours {
        return Err(IdentityRefused::AnotherIdentity);
    }
    let held: Vec<Field> = claims.identity.keys().copied().collect();
    if held != intent.fields {
        return Err(IdentityRefused::FieldsDiffer);
    }
    Ok(ReleasedIdentity {
        fields: claims.identity,
        leaf: intent.leaf,
        index: intent.index,
    })
}
