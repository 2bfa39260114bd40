//! The certificate of an attestation key: the one key that works in memory whatever the machine, and is therefore vouched
//! for by one that does not have to.

use cyberid_crypto::Sign;
use cyberid_protocol::key_certificate::KeyCertificate;
use cyberid_protocol::message::Message as _;

use crate::entry::{Entry, State};
use crate::error::KeystoreError;
use crate::forge::Forge;
use crate::material::Material as _;
use crate::public::PublicHalf;
use crate::role::RoleName;

/// Certifies every attestation key that is next or active and has no certificate yet, where the keystore holds the root.
pub(crate) fn certify(entries: &mut [Entry], forge: &Forge<'_>) -> Result<(), KeystoreError> {
    let wanting = |entry: &Entry| {
        entry.role == RoleName::Attestation
            && matches!(entry.state, State::Next | State::Active)
            && entry.certificate.is_none()
    };
    let is_root = |entry: &&Entry| entry.role == RoleName::AttestationRoot && entry.state == State::Active;
    if !entries.iter().any(wanting) {
        return Ok(());
    }
    let Some(root) = entries.iter().find(is_root) else {
        return Ok(());
    };
    let root = <dyn Sign>::load(root, forge.machine)?;
    for entry in entries.iter_mut().filter(|entry| wanting(entry)) {
        if let Some(PublicHalf::Point(public)) = entry.public {
            let claims = KeyCertificate::new(entry.role.as_str(), public, entry.created);
            entry.certificate = Some(claims.sign(&*root)?);
        }
    }
    Ok(())
}
