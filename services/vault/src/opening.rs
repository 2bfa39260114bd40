//! Opening the agreed fields of one record for one relying party. Steps are those of the cycle of a release.

use cyberid_crypto::{base64url, jwe};
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_domain::personal::Personal;
use cyberid_key_holder::{Admitted, KeyHolderError};
use cyberid_protocol::identity::Identity;
use cyberid_protocol::warrant::{Opened, Shares, WarrantBody, YieldedShare};
use cyberid_record::{Place, Share, Side, combine, open_field, open_share, receive, sealed_to};
use cyberid_storage::vault::VaultField;

use crate::Vault;
use crate::error::OpeningError;

/// The record that an admitted warrant opens, and the leaf that it opens it for.
pub(crate) struct Record<'a> {
    /// The record.
    pub(crate) subject: SubjectId,
    /// SHA-256 of the leaf, to which the custodian's shares are bound.
    pub(crate) leaf_sha256: &'a str,
    /// What the vault keeps of the agreed fields.
    pub(crate) kept: &'a [VaultField],
}

impl Vault {
    /// Opens exactly the agreed fields, for the agreed key only.
    pub(crate) async fn open(&self, body: &WarrantBody) -> Result<Opened, OpeningError> {
        let opened = self.checked_opening(body).await;
        count(&opened);
        opened
    }

    async fn checked_opening(&self, body: &WarrantBody) -> Result<Opened, OpeningError> {
        // 6. The warrant, for itself, against its own store; only then the custodian is asked.
        let admitted = self.gate.admit(&body.warrant).await?;
        let kept = self
            .agreed_fields(&admitted.subject, &admitted.warrant.consent.fields)
            .await?;
        // 7. Shares, then fields, then ciphertext for the relying party. What is opened is wiped when it is dropped.
        let record = Record {
            subject: admitted.subject,
            leaf_sha256: &admitted.warrant.leaf_sha256,
            kept: &kept,
        };
        let fields = self.open_any_version("/v1/shares", body, &record).await?;
        Ok(self.sealed_identity(&admitted, fields)?)
    }

    /// All the agreed fields as they are kept: a record that lacks one opens not at all.
    pub(crate) async fn agreed_fields(
        &self,
        subject: &SubjectId,
        agreed: &[Field],
    ) -> Result<Vec<VaultField>, KeyHolderError> {
        let kept = self.store.fields(subject, agreed).await?;
        if kept.iter().map(|field| &field.field).eq(agreed) {
            Ok(kept)
        } else {
            Err(KeyHolderError::FieldMissing)
        }
    }

    /// The values of the fields, by what one custodian, or two of three, yielded for this very record and leaf.
    pub(crate) fn open_fields(
        &self,
        record: &Record<'_>,
        yielded: &[&Shares],
    ) -> Result<Vec<(Field, Personal)>, OpeningError> {
        for shares in yielded {
            let names = shares.shares.iter().map(|share| share.field);
            if !names.eq(record.kept.iter().map(|field| field.field)) {
                return Err(OpeningError::WrongShares);
            }
        }
        let fields = record.kept.iter().enumerate();
        fields
            .map(|(index, kept)| {
                let of_field = yielded.iter().filter_map(|shares| shares.shares.get(index));
                Ok((kept.field, self.open_one(record, kept, of_field)?))
            })
            .collect()
    }

    fn open_one<'a>(
        &self,
        record: &Record<'_>,
        kept: &VaultField,
        yielded: impl Iterator<Item = &'a YieldedShare>,
    ) -> Result<Personal, OpeningError> {
        let place = Place {
            subject: record.subject,
            field: kept.field,
        };
        let received = yielded.map(|share| self.received(record, &place, share));
        let received = received.collect::<Result<Vec<_>, _>>()?;
        let combined = match received.as_slice() {
            [one, other] => Some(combine(one, other).map_err(|_| OpeningError::WrongShares)?),
            _ => None,
        };
        let theirs = combined.as_ref().or(received.first());
        Ok(self.open_kept(&place, kept, theirs.ok_or(OpeningError::WrongShares)?)?)
    }

    /// A share that a custodian handed over for this record and leaf.
    fn received(
        &self,
        record: &Record<'_>,
        place: &Place,
        yielded: &YieldedShare,
    ) -> Result<Share, OpeningError> {
        let handed = base64url::decode(&yielded.share).ok_or(OpeningError::WrongShares)?;
        let key = sealed_to(&handed).ok().and_then(|kid| self.key.find(&kid));
        let key = key.ok_or(OpeningError::WrongShares)?;
        receive(&*key, record.leaf_sha256, place, &handed).map_err(|_| OpeningError::WrongShares)
    }

    fn open_kept(
        &self,
        place: &Place,
        kept: &VaultField,
        theirs: &Share,
    ) -> Result<Personal, KeyHolderError> {
        let key = self.key.find(&sealed_to(&kept.share)?);
        let key = key.ok_or(KeyHolderError::DoesNotOpen)?;
        let ours = open_share(Side::Vault, &*key, place, &kept.share)?;
        let suite = key.public_key().suite();
        Ok(open_field(suite, place, &ours, theirs, &kept.ciphertext)?)
    }

    fn sealed_identity(
        &self,
        admitted: &Admitted,
        fields: Vec<(Field, Personal)>,
    ) -> Result<Opened, KeyHolderError> {
        let consent = &admitted.warrant.consent;
        let identity = Identity {
            iss: self.gate.anchors.issuer.clone(),
            aud: consent.rp.clone(),
            iat: self.gate.clock.now(),
            request: consent.request.clone(),
            fields,
        };
        let signed = identity.sign(&*self.identity.current())?;
        let identity = jwe::seal(&admitted.warrant.rp_key, "JWT", signed.as_bytes())?;
        Ok(Opened { identity })
    }
}

/// Counts an opening, or why there was none.
pub(crate) fn count(opened: &Result<Opened, OpeningError>) {
    match opened {
        Ok(_) => metrics::counter!("vault_openings_total").increment(1),
        Err(error) => {
            if let Some(reason) = error.refusal() {
                metrics::counter!("vault_refusals_total", "reason" => reason).increment(1);
            }
        }
    }
}
