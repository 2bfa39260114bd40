//! The two halves of a field's key: sealed to their holders, sealed anew when a holder's key changes, and handed over
//! from the custodian to the vault.

use std::fmt;

use cyberid_crypto::aead::DoesNotOpen;
use cyberid_crypto::{Agree, KeyFailure, PublicKey, Suite, base64url, hpke};
use cyberid_domain::Rng;
use cyberid_domain::secret::SecretBytes;
use zeroize::Zeroize as _;

use crate::place::{Place, Side};

/// What the seal around a share in a store is for.
const SHARE_INFO: &[u8] = b"cyberid/v2/share";
/// What the seal around a share on its way to the vault is for.
const HAND_OVER_INFO: &[u8] = b"cyberid/v1/hand-over";
/// The length of the recipient's thumbprint, with which a sealed share begins.
const THUMBPRINT: usize = 32;

/// The length of half of a field's key.
pub(crate) const WHOLE: usize = 32;
/// The length of one custodian's part of the custodians' half, where there are three: a seat, and two pieces.
pub(crate) const PART: usize = 1 + 2 * WHOLE;

/// Half of a field's key, or one custodian's part of the custodians' half. It cannot be printed or compared, and is
/// wiped when dropped.
pub struct Share(SecretBytes);

impl Share {
    pub(crate) fn random(rng: &dyn Rng) -> Self {
        let mut bytes = [0; WHOLE];
        rng.fill(&mut bytes);
        let share = Self::of(bytes.to_vec());
        bytes.zeroize();
        share
    }

    /// A share of these bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(SecretBytes::from(bytes))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// Half of a key, where this is no mere part of one.
    pub(crate) fn whole(&self) -> Result<&[u8; WHOLE], DoesNotOpen> {
        self.expose().try_into().map_err(|_| DoesNotOpen)
    }

    fn opened(bytes: &[u8]) -> Result<Self, DoesNotOpen> {
        match bytes.len() {
            WHOLE | PART => Ok(Self::of(bytes.to_vec())),
            _ => Err(DoesNotOpen),
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share(..)")
    }
}

/// The thumbprint of the key that a share is sealed to: by it a holder finds the key after a rotation.
pub fn sealed_to(sealed: &[u8]) -> Result<String, DoesNotOpen> {
    let (thumbprint, _) = sealed.split_at_checked(THUMBPRINT).ok_or(DoesNotOpen)?;
    Ok(base64url::encode(thumbprint))
}

/// A key holder to whom shares are sealed: one key agreement for all of them, and under it a key of its own for each place.
pub(crate) struct Holder {
    side: Side,
    key: PublicKey,
    sender: hpke::Sender,
}

impl Holder {
    pub(crate) fn new(side: Side, key: PublicKey) -> Result<Self, KeyFailure> {
        let sender = hpke::Sender::to(&key)?;
        Ok(Self { side, key, sender })
    }

    /// Seals something else of the same record to the holder, for a use of its own.
    pub(crate) fn seal_beside(
        &mut self,
        info: &[u8],
        aad: &[u8],
        text: &[u8],
    ) -> Result<Vec<u8>, KeyFailure> {
        self.sender.seal(info, aad, text)
    }

    pub(crate) fn suite(&self) -> Suite {
        self.key.suite()
    }

    /// Seals a share to its holder, for its place in the holder's store; one share for each place.
    pub(crate) fn seal(&mut self, place: &Place, share: &Share) -> Result<Vec<u8>, KeyFailure> {
        let jkt = self.key.thumbprint();
        let aad = place.context(self.side.column(), &jkt);
        let thumbprint = base64url::decode(&jkt).ok_or(KeyFailure)?;
        let sealed = self.sender.seal(&share_info(&aad), &aad, share.expose())?;
        Ok([thumbprint, sealed].concat())
    }
}

/// What the seal around a share in this place is for: the place makes its key, so that shares of one key agreement have
/// each a key of its own.
fn share_info(place: &[u8]) -> Vec<u8> {
    [SHARE_INFO, place].concat()
}

/// Opens a holder's own share, where it belongs.
pub fn open_share(side: Side, key: &dyn Agree, place: &Place, sealed: &[u8]) -> Result<Share, DoesNotOpen> {
    let aad = place.context(side.column(), key.kid());
    open(key, &share_info(&aad), &aad, sealed)
}

/// Why a share was not sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotResealed {
    /// The old seal does not open with this key in this place.
    #[error(transparent)]
    DoesNotOpen(#[from] DoesNotOpen),
    /// A key could not be used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
}

/// Seals a holder's own share anew, from its old key to its new one, for the same place. The share stays what it was,
/// so that nobody else has to know.
pub fn reseal_share(
    side: Side,
    old: &dyn Agree,
    new: &PublicKey,
    place: &Place,
    sealed: &[u8],
) -> Result<Vec<u8>, NotResealed> {
    let share = open_share(side, old, place, sealed)?;
    Ok(Holder::new(side, *new)?.seal(place, &share)?)
}

/// Seals the custodian's share to the vault, for the one warrant whose leaf has this SHA-256 (base64url).
pub fn hand_over(
    share: &Share,
    vault: &PublicKey,
    warrant_leaf_sha256: &str,
    place: &Place,
) -> Result<Vec<u8>, KeyFailure> {
    let aad = hand_over_context(&vault.thumbprint(), warrant_leaf_sha256, place);
    seal(vault, HAND_OVER_INFO, &aad, share)
}

/// Opens what the custodian handed over for this warrant.
pub fn receive(
    key: &dyn Agree,
    warrant_leaf_sha256: &str,
    place: &Place,
    sealed: &[u8],
) -> Result<Share, DoesNotOpen> {
    let aad = hand_over_context(key.kid(), warrant_leaf_sha256, place);
    open(key, HAND_OVER_INFO, &aad, sealed)
}

fn hand_over_context(vault_jkt: &str, warrant_leaf_sha256: &str, place: &Place) -> Vec<u8> {
    let mut context = place.context(Side::Custodian.column(), vault_jkt);
    context.extend(warrant_leaf_sha256.as_bytes());
    context
}

fn seal(recipient: &PublicKey, info: &[u8], aad: &[u8], share: &Share) -> Result<Vec<u8>, KeyFailure> {
    let thumbprint = base64url::decode(&recipient.thumbprint()).ok_or(KeyFailure)?;
    let sealed = hpke::seal(recipient, info, aad, share.expose())?;
    Ok([thumbprint, sealed].concat())
}

fn open(key: &dyn Agree, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Share, DoesNotOpen> {
    let (thumbprint, sealed) = sealed.split_at_checked(THUMBPRINT).ok_or(DoesNotOpen)?;
    if base64url::encode(thumbprint) != key.kid() {
        return Err(DoesNotOpen);
    }
    Share::opened(&hpke::open(key, info, aad, sealed)?)
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::AgreementKey;
    use cyberid_domain::field::Field;
    use cyberid_domain::id::SubjectId;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    fn place() -> Place {
        Place {
            subject: SubjectId::random(&SystemRng),
            field: Field::Name,
        }
    }

    #[test]
    fn a_share_opens_for_its_holder_in_its_place_only() {
        let (own, other) = (
            AgreementKey::ephemeral().unwrap(),
            AgreementKey::ephemeral().unwrap(),
        );
        let (here, there) = (place(), place());
        let share = Share::random(&SystemRng);
        let mut holder = Holder::new(Side::Vault, own.public_key()).unwrap();
        let sealed = holder.seal(&here, &share).unwrap();
        assert_eq!(sealed_to(&sealed).as_deref(), Ok(own.kid()));
        let opened = open_share(Side::Vault, &own, &here, &sealed).unwrap();
        assert_eq!(opened.expose(), share.expose());

        let elsewhere = Place {
            field: Field::BirthDate,
            ..here
        };
        for (side, key, place) in [
            (Side::Custodian, &own, &here),
            (Side::Vault, &other, &here),
            (Side::Vault, &own, &there),
            (Side::Vault, &own, &elsewhere),
        ] {
            assert!(open_share(side, key, place, &sealed).is_err(), "{side:?}");
        }
        assert!(receive(&own, "leaf", &here, &sealed).is_err());
        assert!(open_share(Side::Vault, &own, &here, &sealed[..31]).is_err());
    }

    /// Shares of one record have one key agreement with their holder, and nothing else in common.
    #[test]
    fn shares_of_one_agreement_have_keys_of_their_own() {
        let own = AgreementKey::ephemeral().unwrap();
        let mut holder = Holder::new(Side::Vault, own.public_key()).unwrap();
        let (here, share) = (place(), Share::random(&SystemRng));
        let there = Place {
            field: Field::BirthDate,
            ..here
        };
        let [one, other] = [&here, &there].map(|place| holder.seal(place, &share).unwrap());
        let agreed = THUMBPRINT + 65;
        assert_eq!(one[..agreed], other[..agreed]);
        assert!(
            one[agreed..]
                .iter()
                .zip(&other[agreed..])
                .filter(|(a, b)| a == b)
                .count()
                < 16
        );
        for (place, sealed) in [(&here, &one), (&there, &other)] {
            let opened = open_share(Side::Vault, &own, place, sealed).unwrap();
            assert_eq!(opened.expose(), share.expose());
        }
        assert!(open_share(Side::Vault, &own, &here, &other).is_err());
        assert!(
            holder.seal(&here, &Share::random(&SystemRng)).is_err(),
            "one place twice"
        );
    }

    #[test]
    fn a_share_sealed_anew_is_the_same_share_for_the_new_key_alone() {
        let [old, new, other] = [(); 3].map(|()| AgreementKey::ephemeral().unwrap());
        let (here, there) = (place(), place());
        let share = Share::random(&SystemRng);
        let mut holder = Holder::new(Side::Custodian, old.public_key()).unwrap();
        let sealed = holder.seal(&here, &share).unwrap();
        let reseal = |key: &AgreementKey, place: &Place| {
            reseal_share(Side::Custodian, key, &new.public_key(), place, &sealed)
        };
        let resealed = reseal(&old, &here).unwrap();
        assert_eq!(sealed_to(&resealed).as_deref(), Ok(new.kid()));
        let opened = open_share(Side::Custodian, &new, &here, &resealed).unwrap();
        assert_eq!(opened.expose(), share.expose());
        assert!(open_share(Side::Custodian, &old, &here, &resealed).is_err());
        assert_eq!(reseal(&other, &here), Err(NotResealed::DoesNotOpen(DoesNotOpen)));
        assert_eq!(reseal(&old, &there), Err(NotResealed::DoesNotOpen(DoesNotOpen)));
    }

    #[test]
    fn a_share_handed_over_for_another_warrant_is_refused() {
        let (vault, other) = (
            AgreementKey::ephemeral().unwrap(),
            AgreementKey::ephemeral().unwrap(),
        );
        let (here, there) = (place(), place());
        let share = Share::random(&SystemRng);
        let sealed = hand_over(&share, &vault.public_key(), "leaf-one", &here).unwrap();
        let received = receive(&vault, "leaf-one", &here, &sealed).unwrap();
        assert_eq!(received.expose(), share.expose());
        assert!(receive(&vault, "leaf-two", &here, &sealed).is_err());
        assert!(receive(&vault, "leaf-one", &there, &sealed).is_err());
        assert!(receive(&other, "leaf-one", &here, &sealed).is_err());
        assert!(open_share(Side::Custodian, &vault, &here, &sealed).is_err());
    }

    #[test]
    fn a_share_is_not_printed() {
        assert_eq!(format!("{:?}", Share::random(&SystemRng)), "Share(..)");
    }
}
