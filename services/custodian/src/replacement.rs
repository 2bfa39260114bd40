//! A record's new version: its shares are kept beside those in force, and take their place when issuance says that the
//! vault has its part too.

use cyberid_crypto::base64url;
use cyberid_key_holder::{KeyHolderError, distinct};
use cyberid_protocol::deposit::DepositedField;
use cyberid_protocol::replacement::{StagedVersion, VersionSwitch};
use cyberid_record::sealed_to;
use cyberid_storage::custodian::CustodianShare;

use crate::Custodian;

impl Custodian {
    /// Keeps the shares of a new version.
    pub(crate) async fn stage(&self, compact: &str) -> Result<(), KeyHolderError> {
        let staged: StagedVersion = self.gate.command(compact)?;
        let fields = distinct(&staged.fields)?.iter();
        let shares = fields.map(|field| self.share(field)).collect::<Option<Vec<_>>>();
        let (Some(shares), None) = (shares, &staged.person_sealed) else {
            return Err(KeyHolderError::InvalidCommand);
        };
        let kept = self
            .replacements
            .stage(&staged.subject, &staged.version, &shares)
            .await?;
        kept.then_some(()).ok_or(KeyHolderError::NoRecord)
    }

    /// Puts a staged version into force.
    pub(crate) async fn switch(&self, compact: &str) -> Result<(), KeyHolderError> {
        let switch: VersionSwitch = self.gate.command(compact)?;
        let switched = self.replacements.switch(&switch.subject, &switch.version).await?;
        switched.then_some(()).ok_or(KeyHolderError::NoRecord)
    }

    /// A share that opens here, without its ciphertext, which has no place here.
    fn share(&self, deposited: &DepositedField) -> Option<CustodianShare> {
        let share = base64url::decode(&deposited.share)?;
        let ours = sealed_to(&share).is_ok_and(|kid| self.key.find(&kid).is_some());
        (ours && deposited.ciphertext.is_none()).then_some(CustodianShare {
            field: deposited.field,
            share,
        })
    }
}
