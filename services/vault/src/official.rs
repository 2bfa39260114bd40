//! Opening the ordered fields of one record for one authority. Steps are those of the cycle of an official access.

use cyberid_crypto::jwe;
use cyberid_domain::field::Field;
use cyberid_domain::personal::Personal;
use cyberid_key_holder::{AdmittedOfficial, KeyHolderError};
use cyberid_protocol::official::{OfficialIdentity, OfficialWarrantBody};
use cyberid_protocol::warrant::Opened;

use crate::Vault;
use crate::error::OpeningError;
use crate::opening::{Record, count};

impl Vault {
    /// Opens exactly the ordered fields, for the authority's pinned key only.
    pub(crate) async fn open_official(&self, body: &OfficialWarrantBody) -> Result<Opened, OpeningError> {
        let opened = self.checked_official_opening(body).await;
        count(&opened);
        opened
    }

    async fn checked_official_opening(&self, body: &OfficialWarrantBody) -> Result<Opened, OpeningError> {
        // 6. The warrant, for itself, against its own store and pins; only then the custodian is asked.
        let admitted = self.gate.admit_official(&body.warrant).await?;
        let kept = self
            .agreed_fields(&admitted.subject, &admitted.warrant.order.fields)
            .await?;
        // 7. Shares, then fields, then ciphertext for the authority. What is opened is wiped when it is dropped.
        let record = Record {
            subject: admitted.subject,
            leaf_sha256: &admitted.warrant.leaf_sha256,
            kept: &kept,
        };
        let fields = self
            .open_any_version("/v1/official-shares", body, &record)
            .await?;
        Ok(self.sealed_official_identity(&admitted, fields)?)
    }

    fn sealed_official_identity(
        &self,
        admitted: &AdmittedOfficial,
        fields: Vec<(Field, Personal)>,
    ) -> Result<Opened, KeyHolderError> {
        let warrant = &admitted.warrant;
        let identity = OfficialIdentity {
            iss: self.gate.anchors.issuer.clone(),
            aud: warrant.authority.clone(),
            iat: self.gate.clock.now(),
            official: warrant.official.clone(),
            fields,
        };
        let signed = identity.sign(&*self.identity.current())?;
        let identity = jwe::seal(&warrant.encryption_key, "JWT", signed.as_bytes())?;
        Ok(Opened { identity })
    }
}
