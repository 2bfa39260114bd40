//! Issuance's signed commands: whose they are, for whom, and for how long.

use std::collections::HashSet;

use cyberid_crypto::{PublicKey, base64url};
use cyberid_domain::UnixTime;
use cyberid_protocol::deposit::{Deposit, DepositedField, KeyHolder, MAX_LIFE, Reservation, Settlement};
use cyberid_protocol::device::{Binding, Unbinding};
use cyberid_protocol::message::{self, Message};
use cyberid_protocol::replacement::{StagedVersion, VersionSwitch};
use cyberid_storage::key_holder::BoundDevice;

use crate::KeyHolderError;

/// A command of issuance to one key holder. A replay within its short life changes nothing: every command's effect
/// is the same the second time.
pub trait Command: Message {
    /// Whom it is for.
    fn audience(&self) -> KeyHolder;

    /// When it was signed, and when it ends.
    fn life(&self) -> (UnixTime, UnixTime);
}

macro_rules! commands {
    ($($message:ident),+) => {$(
        impl Command for $message {
            fn audience(&self) -> KeyHolder {
                self.aud
            }

            fn life(&self) -> (UnixTime, UnixTime) {
                (self.iat, self.exp)
            }
        }
    )+};
}

commands!(
    Reservation,
    Deposit,
    Settlement,
    Binding,
    Unbinding,
    StagedVersion,
    VersionSwitch
);

/// Reads a command to `holder` that the enrolment key signed, at the moment `now`.
pub(crate) fn open<C: Command>(
    compact: &str,
    enrolment: &PublicKey,
    holder: KeyHolder,
    now: UnixTime,
) -> Result<C, KeyHolderError> {
    let command: C = message::open(compact, enrolment).map_err(|_| KeyHolderError::InvalidCommand)?;
    if command.audience() != holder {
        return Err(KeyHolderError::InvalidCommand);
    }
    let (iat, exp) = command.life();
    message::check_life(iat, exp, MAX_LIFE, now).map_err(|_| KeyHolderError::ExpiredCommand)?;
    Ok(command)
}

/// The fields of a deposit, of which there is at least one and each stands once.
pub fn distinct_fields(deposit: &Deposit) -> Result<&[DepositedField], KeyHolderError> {
    distinct(&deposit.fields)
}

/// Fields of which there is at least one and each stands once.
pub fn distinct(fields: &[DepositedField]) -> Result<&[DepositedField], KeyHolderError> {
    let names: HashSet<_> = fields.iter().map(|field| field.field).collect();
    if names.is_empty() || names.len() != fields.len() {
        return Err(KeyHolderError::InvalidCommand);
    }
    Ok(fields)
}

/// The device key and the number commitment that a deposit binds to its record, and the key's thumbprint.
pub fn bound_device(deposit: &Deposit) -> Result<(BoundDevice, String), KeyHolderError> {
    let commitment = base64url::decode_array(&deposit.number_commitment);
    let device = BoundDevice {
        subject: deposit.subject,
        key: *deposit.device.as_sec1(),
        release_from: UnixTime(0),
        number_commitment: Some(commitment.ok_or(KeyHolderError::InvalidCommand)?),
    };
    Ok((device, deposit.device.thumbprint()))
}
