//! The warrant of an official access, and how each key holder checks it for itself: two officers whom it pins, one
//! subject whose record it is, an end, and a leaf that outsiders have seen.

use cyberid_crypto::{PublicKey, base64url, digest};
use cyberid_domain::UnixTime;
use cyberid_domain::id::{ClientId, OfficialAccessId};
use serde::{Deserialize, Serialize};

use super::authority::{Authorities, Authority};
use super::order::{OneSubject, Order, OrderRefused, OrderedBy, check_second, open_order, words_sha256};
use crate::deposit::KeyHolder;
use crate::enrolment::number_commitment;
use crate::leaf::{Leaf, LeafKind};
use crate::message;
use crate::warrant::{
    Anchors, ConsistencyFrom, Remembered, WarrantRefused, check_fresh, consistent, witnessed,
};

/// A warrant of an official access as it was sent: nothing in it has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficialWarrant {
    /// The signed order.
    pub order: String,
    /// The signature of a second officer.
    pub countersignature: String,
    /// The salt of the leaf's commitment, base64url.
    pub salt: String,
    /// The thumbprint of the device key that the record is bound to: it finds the record.
    pub device_jkt: String,
    /// The salt that opens the commitment to the network number which the record was deposited with, base64url; where
    /// the order names a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_salt: Option<String>,
    /// The `official.intended` leaf's bytes.
    pub leaf: String,
    /// The proof that the leaf is under a witnessed checkpoint (C2SP tlog-proof).
    pub proof: String,
    /// From the vault's last checkpoint to this one.
    pub vault_consistency: Vec<String>,
    /// From the custodian's last checkpoint to this one.
    pub custodian_consistency: Vec<String>,
}

/// The body of `POST /v1/official-openings` at the vault and of `POST /v1/official-shares` at the custodian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfficialWarrantBody {
    /// The warrant.
    pub warrant: OfficialWarrant,
    /// Where there are several custodians, who need not remember the same: a proof from the last checkpoint of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custodians: Vec<ConsistencyFrom>,
}

impl OfficialWarrantBody {
    /// The warrant as the custodian that remembers `size` checks it.
    pub fn for_custodian(&self, size: u64) -> OfficialWarrant {
        let mut warrant = self.warrant.clone();
        if let Some(hashes) = ConsistencyFrom::find(&self.custodians, size) {
            warrant.custodian_consistency = hashes;
        }
        warrant
    }
}

impl From<OfficialWarrant> for OfficialWarrantBody {
    fn from(warrant: OfficialWarrant) -> Self {
        Self {
            warrant,
            custodians: Vec::new(),
        }
    }
}

/// The record that a device key is bound to, as one key holder keeps it in its own store.
#[derive(Debug, Clone, Copy)]
pub struct BoundRecord<'a> {
    /// The commitment to the network number that it was deposited with, base64url; nothing for a record from before
    /// there were such commitments, which no order opens.
    pub number_commitment: Option<&'a str>,
}

/// A warrant of an official access that its holder of keys has checked.
#[derive(Debug, Clone)]
pub struct CheckedOfficial {
    /// What was ordered.
    pub order: Order,
    /// The words of the order, by which an order is used once, base64url.
    pub order_sha256: String,
    /// The official access.
    pub official: OfficialAccessId,
    /// SHA-256 of the leaf, base64url.
    pub leaf_sha256: String,
    /// Who receives.
    pub authority: ClientId,
    /// The authority's pinned key, to encrypt to.
    pub encryption_key: PublicKey,
    /// The checkpoint to remember from now on.
    pub checkpoint: Remembered,
}

/// The commitment to the subject of an order: HMAC-SHA-256, under a salt of 256 bits fresh for this access, of how the
/// order names the subject.
pub fn subject_commitment(salt: &[u8; 32], subject: &OneSubject) -> String {
    let named = subject.named();
    let tag = digest::hmac_parts(salt, &[b"cyberid/v1/official-subject", named.as_bytes()]);
    base64url::encode(&tag)
}

impl OfficialWarrant {
    /// Checks everything that one key holder can check: all of it.
    ///
    /// `authorities` are those that this key holder pins, `record` what its own store holds of the record.
    pub fn check(
        &self,
        holder: KeyHolder,
        anchors: &Anchors,
        authorities: &Authorities,
        record: BoundRecord<'_>,
        remembered: Remembered,
        now: UnixTime,
    ) -> Result<CheckedOfficial, WarrantRefused> {
        let authority = self.authority(authorities)?;
        let ordered = self.ordered(authority, &anchors.issuer, now)?;
        let leaf = self.intent(&ordered, now)?;
        self.require_bound(&ordered.subject, record)?;
        let checkpoint = witnessed(&self.leaf, &self.proof, anchors)?;
        let hashes = match holder {
            KeyHolder::Vault => &self.vault_consistency,
            KeyHolder::Custodian => &self.custodian_consistency,
        };
        let checkpoint = consistent(hashes, remembered, &checkpoint)?;
        Ok(CheckedOfficial {
            order: ordered.order,
            order_sha256: words_sha256(&self.order),
            official: leaf.official.ok_or(WarrantRefused::LeafDiffers)?,
            leaf_sha256: digest::sha256_base64url(self.leaf.as_bytes()),
            authority: authority.client_id.clone(),
            encryption_key: authority.encryption_key,
            checkpoint,
        })
    }

    /// The pinned authority whose officer is said to have signed.
    fn authority<'a>(&self, authorities: &'a Authorities) -> Result<&'a Authority, WarrantRefused> {
        let order = message::unverified::<Order>(&self.order).map_err(|_| WarrantRefused::Malformed)?;
        let kid = order.kid().map_err(|_| WarrantRefused::Malformed)?;
        authorities.of_officer(kid).ok_or(WarrantRefused::OrderInvalid)
    }

    /// The order under two officers' signatures, of this moment.
    fn ordered<'a>(
        &self,
        authority: &'a Authority,
        issuer: &str,
        now: UnixTime,
    ) -> Result<OrderedBy<'a>, WarrantRefused> {
        let ordered = open_order(&self.order, authority, issuer).map_err(|refused| match refused {
            OrderRefused::TooWide => WarrantRefused::OrderTooWide,
            _ => WarrantRefused::OrderInvalid,
        })?;
        ordered
            .order
            .check_life(now)
            .map_err(|_| WarrantRefused::NotNow)?;
        let first = ordered.officer;
        check_second(&self.countersignature, &self.order, first, authority, issuer, now).map_err(
            |refused| match refused {
                OrderRefused::SameOfficer => WarrantRefused::SameOfficer,
                OrderRefused::NotNow => WarrantRefused::NotNow,
                _ => WarrantRefused::CountersignatureInvalid,
            },
        )?;
        Ok(ordered)
    }

    /// The leaf, which has to say what the order says.
    fn intent(&self, ordered: &OrderedBy<'_>, now: UnixTime) -> Result<Leaf, WarrantRefused> {
        let leaf = Leaf::from_text(&self.leaf).map_err(|_| WarrantRefused::Malformed)?;
        let salt = base64url::decode_array(&self.salt).ok_or(WarrantRefused::Malformed)?;
        let order = &ordered.order;
        let said = Leaf {
            official: leaf.official.clone(),
            authority: Some(order.authority.clone()),
            order_sha256: Some(words_sha256(&self.order)),
            subject_commitment: Some(subject_commitment(&salt, &ordered.subject)),
            fields: Some(order.fields.clone()),
            enc_jkt: Some(order.enc_jkt.clone()),
            previous: leaf.previous.clone(),
            ..Leaf::new(LeafKind::OfficialIntended, leaf.time)
        };
        if leaf != said || leaf.previous.is_none() || leaf.official.is_none() {
            return Err(WarrantRefused::LeafDiffers);
        }
        check_fresh(&leaf, now)?;
        Ok(leaf)
    }

    /// Checks that the record is the one of the network number that the order names, by the commitment that was made at
    /// its enrolment. A pseudonym cannot be checked so: which record it means is the platform's word.
    fn require_bound(&self, subject: &OneSubject, record: BoundRecord<'_>) -> Result<(), WarrantRefused> {
        let OneSubject::Number(number) = subject else {
            return Ok(());
        };
        let salt = self
            .number_salt
            .as_deref()
            .and_then(base64url::decode_array::<32>);
        let salt = salt.ok_or(WarrantRefused::SubjectDiffers)?;
        if record.number_commitment == Some(number_commitment(&salt, number).as_str()) {
            Ok(())
        } else {
            Err(WarrantRefused::SubjectDiffers)
        }
    }
}
