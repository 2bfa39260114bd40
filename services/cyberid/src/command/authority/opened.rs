//! Accepting what an authority receives: no ledger entry, no acceptance; then the seal, then the platform's signature.

use std::collections::BTreeMap;

use cyberid_client::{KeyRole, MessageRefused};
use cyberid_crypto::jwe::{InvalidJwe, Sealed};
use cyberid_domain::Clock as _;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::official::{
    OfficialAccessView, OfficialIdentity, OfficialIdentityClaims, Order, words_sha256,
};
use cyberid_protocol::release::Redeemed;
use cyberid_tlog::receipt::TlogProof;

use super::bureau::Bureau;
use crate::command::outside::Failure;

/// Why what came is not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum OpenedRefused {
    /// The leaf is not the intent of this order, by this authority, under this key.
    #[error("the leaf is not the intent of this order")]
    AnotherLeaf,
    /// The leaf is not under a checkpoint that the policy accepts.
    #[error("the intent is not in the witnessed ledger")]
    NotInWitnessedLedger,
    /// It does not open with the authority's key.
    #[error(transparent)]
    Sealed(#[from] InvalidJwe),
    /// The platform did not sign it.
    #[error("not an identity that the platform signed: {0}")]
    Message(#[from] MessageRefused),
    /// It is of another issuer, for another authority or access, or of other fields.
    #[error("an identity of another issuer, authority, access, or of other fields")]
    AnotherIdentity,
}

/// Plaintext that two officers ordered, with the ledger's word on it.
pub(super) struct OpenedIdentity {
    pub(super) fields: BTreeMap<Field, Personal>,
    /// The leaf's place in the ledger.
    pub(super) index: u64,
}

/// Opens what came for an order.
pub(super) async fn open(
    bureau: &Bureau,
    view: &OfficialAccessView,
    order: &Order,
    redeemed: &Redeemed,
) -> Result<OpenedIdentity, Failure> {
    let index = announced(bureau, view, order, redeemed)?;
    let key = bureau.encryption_key().to_agreement_key()?;
    let opened = Sealed::parse(&redeemed.identity)
        .and_then(|sealed| sealed.open(&key))
        .map_err(OpenedRefused::from)?;
    let compact = str::from_utf8(&opened).map_err(|_| OpenedRefused::Sealed(InvalidJwe::Malformed))?;
    let claims: OfficialIdentityClaims = bureau
        .platform
        .verify(KeyRole::Identity, OfficialIdentity::TYP, compact)
        .await
        .map_err(OpenedRefused::from)?;
    let (issuer, now) = (bureau.platform.issuer(), SystemClock.now());
    let ours = claims.is_for(issuer, bureau.client_id(), &view.id, now);
    if !ours || !claims.identity.keys().eq(sorted(&order.fields).iter()) {
        return Err(OpenedRefused::AnotherIdentity.into());
    }
    Ok(OpenedIdentity {
        fields: claims.identity,
        index,
    })
}

/// The place of the leaf that announced this very order.
fn announced(
    bureau: &Bureau,
    view: &OfficialAccessView,
    order: &Order,
    redeemed: &Redeemed,
) -> Result<u64, OpenedRefused> {
    let leaf = Leaf::from_text(&redeemed.leaf).map_err(|_| OpenedRefused::AnotherLeaf)?;
    let ours = leaf.kind == LeafKind::OfficialIntended
        && leaf.official.as_ref() == Some(&view.id)
        && leaf.authority.as_ref() == Some(bureau.client_id())
        && leaf.order_sha256 == Some(words_sha256(&view.order))
        && leaf.fields.as_ref() == Some(&order.fields)
        && leaf.enc_jkt == Some(bureau.encryption_key().public_key().thumbprint());
    if !ours {
        return Err(OpenedRefused::AnotherLeaf);
    }
    let anchors = bureau.platform.anchors();
    let proof =
        TlogProof::parse(redeemed.proof.as_bytes()).map_err(|_| OpenedRefused::NotInWitnessedLedger)?;
    let entry = proof.verify(redeemed.leaf.as_bytes(), &anchors.ledger, &anchors.policy);
    entry
        .map(|entry| entry.index())
        .map_err(|_| OpenedRefused::NotInWitnessedLedger)
}

fn sorted(fields: &[Field]) -> Vec<Field> {
    let mut sorted = fields.to_vec();
    sorted.sort();
    sorted
}
