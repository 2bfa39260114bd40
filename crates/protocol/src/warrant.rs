//! The warrant: all that vault and custodian need to see before a field opens, and how each of them checks it for
//! itself. No ledger entry, no plaintext.
//!
//! Against an insider at the operator (T3), consent phishing (T12) and a forked ledger (T13): the record is found
//! by the key that signed the consent, so that nobody else's consent opens it; the leaf has to say what the consent
//! says; and outsiders have to have seen the leaf.

use std::cmp::Ordering;

use cyberid_crypto::jws::InvalidJws;
use cyberid_crypto::{PublicKey, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::clock::SKEW;
use cyberid_tlog::checkpoint::VerifiedCheckpoint;
use cyberid_tlog::hash::Hash;
use cyberid_tlog::note::VerifierKey;
use cyberid_tlog::policy::Policy;
use cyberid_tlog::proof::ConsistencyProof;
use cyberid_tlog::receipt::TlogProof;
use serde::{Deserialize, Serialize};

use crate::consent::{self, Consent};
use crate::deposit::KeyHolder;
use crate::leaf::{self, Leaf, LeafKind};
use crate::message;
use crate::official::words_sha256;

/// For how many seconds after its intent a warrant opens anything.
pub const MAX_AGE: u64 = 600;

/// A warrant as it was sent: nothing in it has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Warrant {
    /// The holder's signed consent.
    pub consent: String,
    /// The salt of the leaf's commitment, base64url.
    pub salt: String,
    /// The relying party's key that the consent names.
    #[cfg_attr(feature = "openapi", schema(value_type = cyberid_crypto::Jwk))]
    pub rp_key: PublicKey,
    /// The `release.intended` leaf's bytes.
    pub leaf: String,
    /// The proof that the leaf is under a witnessed checkpoint (C2SP tlog-proof).
    pub proof: String,
    /// From the vault's last checkpoint to this one.
    pub vault_consistency: Vec<String>,
    /// From the custodian's last checkpoint to this one.
    pub custodian_consistency: Vec<String>,
}

/// What a key holder trusts: pinned in its own configuration.
#[derive(Debug, Clone)]
pub struct Anchors {
    /// The platform's issuer, the audience of consents.
    pub issuer: String,
    /// The ledger's key.
    pub ledger: VerifierKey,
    /// Which witnesses must have cosigned.
    pub policy: Policy,
}

/// The last checkpoint that a key holder accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// The size of the log.
    pub size: u64,
    /// The root of the log.
    pub root: Hash,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            size: 0,
            root: cyberid_tlog::hash::EMPTY_ROOT,
        }
    }
}

/// Why nothing opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WarrantRefused {
    /// A part cannot be read.
    #[error("malformed")]
    Malformed,
    /// No record is bound to the key that is said to have signed.
    #[error("unknown_device")]
    UnknownDevice,
    /// The device that is said to have signed is bound, and may not release anything yet.
    #[error("device_cooling_off")]
    DeviceCoolingOff,
    /// The consent's signature or audience does not fit.
    #[error("consent_invalid")]
    ConsentInvalid,
    /// The consent or the intent is not of this moment.
    #[error("not_now")]
    NotNow,
    /// The key to encrypt to is not the one that the holder agreed to.
    #[error("rp_key_differs")]
    RpKeyDiffers,
    /// The leaf does not say what the consent says.
    #[error("leaf_differs")]
    LeafDiffers,
    /// The leaf is not under a checkpoint that the policy accepts.
    #[error("not_in_witnessed_ledger")]
    NotInWitnessedLedger,
    /// The checkpoint is as large as the one that was accepted before, and is another.
    #[error("ledger_forked")]
    LedgerForked,
    /// The checkpoint is smaller than the remembered one, or the proof does not lead from there: it was made before
    /// another release was accepted, or the ledger was forked, and then no proof ever will.
    #[error("stale_consistency")]
    StaleConsistency {
        /// The size that is remembered.
        size: u64,
    },
    /// The consent, or the order, was used for another leaf.
    #[error("consent_used")]
    ConsentUsed,
    /// No officer of an authority that is pinned here signed this order, or it does not say what an order has to.
    #[error("order_invalid")]
    OrderInvalid,
    /// The order is wider than one subject.
    #[error("order_too_wide")]
    OrderTooWide,
    /// No other officer of the same authority signed for this order.
    #[error("countersignature_invalid")]
    CountersignatureInvalid,
    /// The officer who ordered signed a second time.
    #[error("same_officer")]
    SameOfficer,
    /// The record is not bound to the subject that the order names.
    #[error("subject_differs")]
    SubjectDiffers,
}

impl WarrantRefused {
    /// The reason as a problem's `reason` extension says it.
    pub fn reason(self) -> String {
        self.to_string()
    }
}

/// A warrant that its holder of keys has checked: the only thing that opens fields.
#[derive(Debug, Clone)]
pub struct CheckedWarrant {
    /// What the holder agreed to.
    pub consent: Consent,
    /// SHA-256 of the consent's words, by which a consent is used once, base64url: its signature has a twin.
    pub consent_words_sha256: String,
    /// SHA-256 of the leaf, base64url.
    pub leaf_sha256: String,
    /// The key to encrypt to.
    pub rp_key: PublicKey,
    /// The checkpoint to remember from now on.
    pub checkpoint: Remembered,
}

impl Warrant {
    /// The thumbprint of the device key that is said to have signed the consent: it finds the record.
    pub fn device_jkt(&self) -> Result<String, WarrantRefused> {
        let consent = message::unverified::<Consent>(&self.consent).map_err(|_| WarrantRefused::Malformed)?;
        consent
            .kid()
            .map(str::to_owned)
            .map_err(|_: InvalidJws| WarrantRefused::Malformed)
    }

    /// Checks everything that one key holder can check: all of it.
    ///
    /// `device` is the key that is bound to the record in this key holder's own store.
    pub fn check(
        &self,
        holder: KeyHolder,
        anchors: &Anchors,
        device: &PublicKey,
        remembered: Remembered,
        now: UnixTime,
    ) -> Result<CheckedWarrant, WarrantRefused> {
        let consent = self.consent(anchors, device, now)?;
        if self.rp_key.thumbprint() != consent.enc_jkt {
            return Err(WarrantRefused::RpKeyDiffers);
        }
        let consent_sha256 = digest::sha256_base64url(self.consent.as_bytes());
        self.check_leaf(&consent, &consent_sha256, device, now)?;
        let checkpoint = witnessed(&self.leaf, &self.proof, anchors)?;
        let hashes = match holder {
            KeyHolder::Vault => &self.vault_consistency,
            KeyHolder::Custodian => &self.custodian_consistency,
        };
        let checkpoint = consistent(hashes, remembered, &checkpoint)?;
        let leaf_sha256 = digest::sha256_base64url(self.leaf.as_bytes());
        Ok(CheckedWarrant {
            consent,
            consent_words_sha256: words_sha256(&self.consent),
            leaf_sha256,
            rp_key: self.rp_key,
            checkpoint,
        })
    }

    fn consent(
        &self,
        anchors: &Anchors,
        device: &PublicKey,
        now: UnixTime,
    ) -> Result<Consent, WarrantRefused> {
        let consent: Consent =
            message::open(&self.consent, device).map_err(|_| WarrantRefused::ConsentInvalid)?;
        if consent.aud != anchors.issuer || consent.fields.is_empty() {
            return Err(WarrantRefused::ConsentInvalid);
        }
        message::check_life(consent.iat, consent.exp, consent::MAX_LIFE, now)
            .map_err(|_| WarrantRefused::NotNow)?;
        Ok(consent)
    }

    fn check_leaf(
        &self,
        consent: &Consent,
        consent_sha256: &str,
        device: &PublicKey,
        now: UnixTime,
    ) -> Result<(), WarrantRefused> {
        let leaf = Leaf::from_text(&self.leaf).map_err(|_| WarrantRefused::Malformed)?;
        let salt = base64url::decode_array(&self.salt).ok_or(WarrantRefused::Malformed)?;
        let said = Leaf {
            request: Some(consent.request.clone()),
            rp: Some(consent.rp.clone()),
            subject_commitment: Some(leaf::subject_commitment(&salt, &device.thumbprint())),
            fields: Some(consent.fields.clone()),
            purpose: Some(consent.purpose.clone()),
            legal_basis: Some(consent.legal_basis.clone()),
            retention_days: Some(consent.retention_days),
            enc_jkt: Some(consent.enc_jkt.clone()),
            consent_sha256: Some(consent_sha256.to_owned()),
            previous: leaf.previous.clone(),
            ..Leaf::new(LeafKind::ReleaseIntended, leaf.time)
        };
        if leaf != said || leaf.previous.is_none() {
            return Err(WarrantRefused::LeafDiffers);
        }
        check_fresh(&leaf, now)
    }
}

/// Checks that an intent is of this moment.
pub(crate) fn check_fresh(leaf: &Leaf, now: UnixTime) -> Result<(), WarrantRefused> {
    let fresh = leaf.time <= now.plus(SKEW) && leaf.time.plus(MAX_AGE) >= now;
    fresh.then_some(()).ok_or(WarrantRefused::NotNow)
}

/// The checkpoint that a leaf is under, which outsiders have seen.
pub(crate) fn witnessed(
    leaf: &str,
    proof: &str,
    anchors: &Anchors,
) -> Result<VerifiedCheckpoint, WarrantRefused> {
    let proof = TlogProof::parse(proof.as_bytes()).map_err(|_| WarrantRefused::Malformed)?;
    let entry = proof.verify(leaf.as_bytes(), &anchors.ledger, &anchors.policy);
    entry
        .map(|entry| entry.checkpoint().clone())
        .map_err(|_| WarrantRefused::NotInWitnessedLedger)
}

/// What to remember from now on, if `hashes` lead from what was remembered to the new checkpoint.
pub(crate) fn consistent(
    hashes: &[String],
    old: Remembered,
    new: &VerifiedCheckpoint,
) -> Result<Remembered, WarrantRefused> {
    let hashes: Option<Vec<Hash>> = hashes.iter().map(|hash| Hash::from_base64(hash)).collect();
    let proof = ConsistencyProof {
        hashes: hashes.ok_or(WarrantRefused::Malformed)?,
    };
    let stale = WarrantRefused::StaleConsistency { size: old.size };
    match new.size().cmp(&old.size) {
        Ordering::Less => return Err(stale),
        Ordering::Equal if new.root() != old.root => return Err(WarrantRefused::LedgerForked),
        Ordering::Equal => {}
        Ordering::Greater => proof
            .verify(old.size, old.root, new.size(), new.root())
            .map_err(|_| stale)?,
    }
    Ok(Remembered {
        size: new.size(),
        root: new.root(),
    })
}

/// The answer of `GET /v1/checkpoint` at a key holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RememberedSize {
    /// The size of the last checkpoint that this key holder accepted.
    pub size: u64,
}

/// The body of `POST /v1/openings` at the vault and of `POST /v1/shares` at the custodian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WarrantBody {
    /// The warrant.
    pub warrant: Warrant,
    /// Where there are several custodians, who need not remember the same: a proof from the last checkpoint of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custodians: Vec<ConsistencyFrom>,
}

impl WarrantBody {
    /// The warrant as the custodian that remembers `size` checks it.
    pub fn for_custodian(&self, size: u64) -> Warrant {
        let mut warrant = self.warrant.clone();
        if let Some(hashes) = ConsistencyFrom::find(&self.custodians, size) {
            warrant.custodian_consistency = hashes;
        }
        warrant
    }
}

impl From<Warrant> for WarrantBody {
    fn from(warrant: Warrant) -> Self {
        Self {
            warrant,
            custodians: Vec::new(),
        }
    }
}

/// A proof that the ledger continues what one of several custodians remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsistencyFrom {
    /// The size of the checkpoint that it begins at.
    pub size: u64,
    /// The proof.
    pub hashes: Vec<String>,
}

impl ConsistencyFrom {
    /// The proof that begins at `size`.
    pub(crate) fn find(all: &[Self], size: u64) -> Option<Vec<String>> {
        let found = all.iter().find(|proof| proof.size == size);
        found.map(|proof| proof.hashes.clone())
    }
}

/// The vault's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Opened {
    /// The identity, encrypted to the relying party's key.
    pub identity: String,
}

/// The custodian's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shares {
    /// The shares of the agreed fields, each sealed to the vault.
    pub shares: Vec<YieldedShare>,
}

/// One share on its way to the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct YieldedShare {
    /// Which field.
    pub field: cyberid_domain::field::Field,
    /// The share, sealed by HPKE to the vault and bound to this warrant, base64url.
    pub share: String,
}
