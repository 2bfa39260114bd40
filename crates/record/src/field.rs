//! A field's value, under a key that needs both shares.

use cyberid_crypto::aead::{self, DoesNotOpen};
use cyberid_crypto::{KeyFailure, PublicKey, Suite};
use cyberid_domain::Rng;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::random;
use zeroize::Zeroizing;

use crate::place::{CIPHERTEXT, Place, Side};
use crate::seats::{SEATS, split};
use crate::share::{Holder, Share};

/// How a field's key is made of its shares; another way is another version.
const fn key_version(suite: Suite) -> &'static str {
    match suite {
        Suite::Nist => "hkdf-sha256/1",
        Suite::Sm => "hkdf-sm3-sm4-gcm/1",
    }
}
/// The salt of the derivation.
const KEY_SALT: &[u8] = b"cyberid/v1/field-key";

/// A sealed field: what each key holder keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedField {
    /// The value under a key that needs both shares, for the vault.
    pub ciphertext: Vec<u8>,
    /// The vault's share, sealed to the vault.
    pub vault_share: Vec<u8>,
    /// The custodian's share, sealed to the custodian.
    pub custodian_share: Vec<u8>,
}

/// Seals one field alone.
pub fn seal_field(
    place: &Place,
    value: &Personal,
    vault: &PublicKey,
    custodian: &PublicKey,
    rng: &dyn Rng,
) -> Result<SealedField, KeyFailure> {
    let sealed = RecordSealer::new(*vault, &[*custodian])?.seal(place, value, rng)?;
    let [custodian_share] = sealed.custodian_shares.try_into().map_err(|_| KeyFailure)?;
    Ok(SealedField {
        ciphertext: sealed.ciphertext,
        vault_share: sealed.vault_share,
        custodian_share,
    })
}

/// A field of a new record: what each key holder keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewField {
    /// The value under a key that needs both shares, for the vault.
    pub ciphertext: Vec<u8>,
    /// The vault's share, sealed to the vault.
    pub vault_share: Vec<u8>,
    /// The custodian's share, sealed to it; or each custodian's part of it, sealed to that custodian, in the order of their
    /// keys.
    pub custodian_shares: Vec<Vec<u8>>,
}

/// Seals the fields of one new record: one key agreement with each key holder, a key of its own for every field, and under the
/// agreement a key of its own for every share. Nothing that whoever seals keeps opens a field again.
pub struct RecordSealer {
    vault: Holder,
    /// One, or three of whom any two are needed.
    custodians: Vec<Holder>,
}

impl RecordSealer {
    /// Agrees with the vault, and with the custodian or all three. There is no other number of them.
    pub fn new(vault: PublicKey, custodians: &[PublicKey]) -> Result<Self, KeyFailure> {
        if !matches!(custodians.len(), 1 | SEATS) {
            return Err(KeyFailure);
        }
        let custodians = custodians.iter().map(|key| Holder::new(Side::Custodian, *key));
        Ok(Self {
            vault: Holder::new(Side::Vault, vault)?,
            custodians: custodians.collect::<Result<_, _>>()?,
        })
    }

    /// Seals a field, once.
    pub fn seal(&mut self, place: &Place, value: &Personal, rng: &dyn Rng) -> Result<NewField, KeyFailure> {
        let ours = Share::random(rng);
        let (theirs, custodian_shares) = self.custodian_shares(place, rng)?;
        Ok(NewField {
            ciphertext: encrypted(self.vault.suite(), place, value, (&ours, &theirs), rng)?,
            vault_share: self.vault.seal(place, &ours)?,
            custodian_shares,
        })
    }

    /// Seals to the vault, under the same agreement, what goes with the record: for a use of its own, once.
    pub fn seal_to_vault(&mut self, info: &[u8], aad: &[u8], text: &[u8]) -> Result<Vec<u8>, KeyFailure> {
        self.vault.seal_beside(info, aad, text)
    }

    /// A random half, and what each custodian keeps of it.
    fn custodian_shares(
        &mut self,
        place: &Place,
        rng: &dyn Rng,
    ) -> Result<(Share, Vec<Vec<u8>>), KeyFailure> {
        if let [custodian] = self.custodians.as_mut_slice() {
            let half = Share::random(rng);
            let sealed = custodian.seal(place, &half)?;
            return Ok((half, vec![sealed]));
        }
        let (half, parts) = split(rng);
        let seats = self.custodians.iter_mut().zip(&parts);
        let sealed = seats.map(|(custodian, part)| custodian.seal(place, part));
        Ok((half, sealed.collect::<Result<_, _>>()?))
    }
}

fn encrypted(
    suite: Suite,
    place: &Place,
    value: &Personal,
    (ours, theirs): (&Share, &Share),
    rng: &dyn Rng,
) -> Result<Vec<u8>, KeyFailure> {
    let context = place.context(CIPHERTEXT, key_version(suite));
    let nonce: [u8; aead::NONCE] = random(rng);
    let key = field_key(suite, ours, theirs, &context).map_err(|_| KeyFailure)?;
    let sealed = suite.encrypt(&key, nonce, &context, value.expose().as_bytes());
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens a field with both of its shares, in the suite of the keys that they were sealed to.
pub fn open_field(
    suite: Suite,
    place: &Place,
    vault: &Share,
    custodian: &Share,
    ciphertext: &[u8],
) -> Result<Personal, DoesNotOpen> {
    let (nonce, sealed) = ciphertext.split_first_chunk().ok_or(DoesNotOpen)?;
    let context = place.context(CIPHERTEXT, key_version(suite));
    let key = field_key(suite, vault, custodian, &context)?;
    let opened = suite.decrypt(&key, *nonce, &context, sealed)?;
    let text = str::from_utf8(&opened).map_err(|_| DoesNotOpen)?;
    Ok(Personal::new(text.to_owned()))
}

fn field_key(
    suite: Suite,
    vault: &Share,
    custodian: &Share,
    context: &[u8],
) -> Result<Zeroizing<[u8; 32]>, DoesNotOpen> {
    let both = Zeroizing::new([*vault.whole()?, *custodian.whole()?]);
    Ok(suite.hkdf(KEY_SALT, both.as_flattened(), context))
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::{Agree as _, AgreementKey};
    use cyberid_domain::field::Field;
    use cyberid_domain::id::SubjectId;
    use cyberid_domain::rng::SystemRng;

    use super::*;
    use crate::{combine, open_share};

    #[test]
    fn a_record_that_was_sealed_to_sm2_keys_is_of_that_suite_to_the_last_field() {
        let key = || AgreementKey::ephemeral_of(Suite::Sm).unwrap();
        let holders = Holders {
            vault: key(),
            custodian: key(),
        };
        let place = place(Field::Name);
        let sealed = holders.seal(&place, "Zhang Wei");
        let (ours, theirs) = holders.shares(&place, &sealed).unwrap();
        let open = |suite| open_field(suite, &place, &ours, &theirs, &sealed.ciphertext);
        assert_eq!(open(Suite::Sm).unwrap().expose(), "Zhang Wei");
        assert!(open(Suite::Nist).is_err());
    }

    struct Holders {
        vault: AgreementKey,
        custodian: AgreementKey,
    }

    impl Holders {
        fn new() -> Self {
            Self {
                vault: AgreementKey::ephemeral().unwrap(),
                custodian: AgreementKey::ephemeral().unwrap(),
            }
        }

        fn seal(&self, place: &Place, value: &str) -> SealedField {
            let value = Personal::new(value.into());
            let (vault, custodian) = (self.vault.public_key(), self.custodian.public_key());
            seal_field(place, &value, &vault, &custodian, &SystemRng).unwrap()
        }

        fn shares(&self, place: &Place, sealed: &SealedField) -> Option<(Share, Share)> {
            let vault = open_share(Side::Vault, &self.vault, place, &sealed.vault_share).ok()?;
            let custodian =
                open_share(Side::Custodian, &self.custodian, place, &sealed.custodian_share).ok()?;
            Some((vault, custodian))
        }

        fn open(&self, place: &Place, sealed: &SealedField) -> Option<Personal> {
            let (vault, custodian) = self.shares(place, sealed)?;
            open_field(Suite::Nist, place, &vault, &custodian, &sealed.ciphertext).ok()
        }
    }

    fn place(field: Field) -> Place {
        Place {
            subject: SubjectId::random(&SystemRng),
            field,
        }
    }

    #[test]
    fn both_holders_together_open_a_field() {
        let (holders, place) = (Holders::new(), place(Field::Name));
        let opened = holders.open(&place, &holders.seal(&place, "王小明")).unwrap();
        assert_eq!(opened.expose(), "王小明");
    }

    #[test]
    fn one_share_alone_opens_nothing() {
        let (holders, place) = (Holders::new(), place(Field::Name));
        let sealed = holders.seal(&place, "王小明");
        let (vault, custodian) = holders.shares(&place, &sealed).unwrap();
        let open = |one: &Share, two: &Share| open_field(Suite::Nist, &place, one, two, &sealed.ciphertext);
        assert!(open(&vault, &custodian).is_ok());
        assert!(open(&custodian, &vault).is_err());
        for own in [&vault, &custodian] {
            let guessed = Share::random(&SystemRng);
            for other in [own, &guessed] {
                assert!(open(own, other).is_err());
                assert!(open(other, own).is_err());
            }
        }
        // Neither holder opens what was sealed to the other.
        assert!(open_share(Side::Custodian, &holders.vault, &place, &sealed.custodian_share).is_err());
        assert!(open_share(Side::Vault, &holders.custodian, &place, &sealed.vault_share).is_err());
    }

    #[test]
    fn swapped_ciphertexts_are_noticed_even_with_their_own_shares() {
        let holders = Holders::new();
        let here = place(Field::DocumentNumber);
        let other_row = place(Field::DocumentNumber);
        let other_field = Place {
            field: Field::Name,
            ..here
        };
        let sealed = holders.seal(&here, "11010519491231002X");
        for there in [&other_row, &other_field] {
            let moved = holders.seal(there, "M12345678");
            assert!(holders.open(&here, &moved).is_none(), "all three columns moved");
            let (vault, custodian) = holders.shares(there, &moved).unwrap();
            let ciphertext = &moved.ciphertext;
            assert!(open_field(Suite::Nist, there, &vault, &custodian, ciphertext).is_ok());
            assert!(
                open_field(Suite::Nist, &here, &vault, &custodian, ciphertext).is_err(),
                "place"
            );
            let mixed = SealedField {
                ciphertext: ciphertext.clone(),
                ..sealed.clone()
            };
            assert!(holders.open(&here, &mixed).is_none(), "one column moved");
        }
    }

    #[test]
    fn the_place_binds_twice_in_the_key_and_beside_it() {
        let (holders, here, there) = (Holders::new(), place(Field::Name), place(Field::Name));
        let sealed = holders.seal(&here, "王小明");
        let (ours, theirs) = holders.shares(&here, &sealed).unwrap();
        let [here, there] = [here, there].map(|place| place.context(CIPHERTEXT, key_version(Suite::Nist)));
        let key = field_key(Suite::Nist, &ours, &theirs, &here).unwrap();
        assert_ne!(*key, *field_key(Suite::Nist, &ours, &theirs, &there).unwrap());
        let (nonce, ciphertext) = sealed.ciphertext.split_first_chunk().unwrap();
        assert!(aead::decrypt(&key, *nonce, &here, ciphertext).is_ok());
        assert!(aead::decrypt(&key, *nonce, &there, ciphertext).is_err());
    }

    #[test]
    fn columns_are_not_interchangeable() {
        let (holders, place) = (Holders::new(), place(Field::Name));
        let sealed = holders.seal(&place, "王小明");
        let swapped = SealedField {
            vault_share: sealed.custodian_share.clone(),
            custodian_share: sealed.vault_share.clone(),
            ..sealed.clone()
        };
        assert!(holders.open(&place, &swapped).is_none());
        // Not even when one key served both sides.
        let one = Holders {
            vault: AgreementKey::from_scalar(&[7; 32]).unwrap(),
            custodian: AgreementKey::from_scalar(&[7; 32]).unwrap(),
        };
        let sealed = one.seal(&place, "王小明");
        assert!(one.open(&place, &sealed).is_some());
        let swapped = SealedField {
            vault_share: sealed.custodian_share.clone(),
            custodian_share: sealed.vault_share.clone(),
            ..sealed
        };
        assert!(one.shares(&place, &swapped).is_none());
    }

    #[test]
    fn the_vault_and_any_two_of_three_custodians_open_a_field_and_one_does_not() {
        let (vault, place) = (AgreementKey::ephemeral().unwrap(), place(Field::Name));
        let custodians = [(); 3].map(|()| AgreementKey::ephemeral().unwrap());
        let keys = [0, 1, 2].map(|seat: usize| custodians[seat].public_key());
        let value = Personal::new("王小明".into());
        let seal = || {
            let mut sealer = RecordSealer::new(vault.public_key(), &keys).unwrap();
            sealer.seal(&place, &value, &SystemRng).unwrap()
        };
        let sealed = seal();
        let ours = open_share(Side::Vault, &vault, &place, &sealed.vault_share).unwrap();
        let part = |key: usize, of: usize| {
            let kept = &sealed.custodian_shares[of];
            open_share(Side::Custodian, &custodians[key], &place, kept)
        };
        for (one, other) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
            let (one, other) = (part(one, one).unwrap(), part(other, other).unwrap());
            let theirs = combine(&one, &other).unwrap();
            let opened = open_field(Suite::Nist, &place, &ours, &theirs, &sealed.ciphertext).unwrap();
            assert_eq!(opened.expose(), "王小明");
            assert!(open_field(Suite::Nist, &place, &ours, &one, &sealed.ciphertext).is_err());
            assert!(combine(&one, &one).is_err(), "one custodian is not two");
        }
        assert!(part(0, 1).is_err(), "a custodian opens no other's part");
        let other = seal();
        let stray = open_share(
            Side::Custodian,
            &custodians[1],
            &place,
            &other.custodian_shares[1],
        );
        let theirs = combine(&part(0, 0).unwrap(), &stray.unwrap()).unwrap();
        assert!(open_field(Suite::Nist, &place, &ours, &theirs, &sealed.ciphertext).is_err());
    }

    #[test]
    fn there_are_one_or_three_custodians_and_a_field_is_sealed_once() {
        let key = || AgreementKey::ephemeral().unwrap().public_key();
        for number in [0, 2, 4] {
            let keys: Vec<PublicKey> = (0..number).map(|_| key()).collect();
            assert!(RecordSealer::new(key(), &keys).is_err(), "{number}");
        }
        let (place, value) = (place(Field::Name), Personal::new("王小明".into()));
        let mut sealer = RecordSealer::new(key(), &[key()]).unwrap();
        assert!(sealer.seal(&place, &value, &SystemRng).is_ok());
        assert!(sealer.seal(&place, &value, &SystemRng).is_err());
    }

    #[test]
    fn altered_bytes_do_not_open() {
        let (holders, place) = (Holders::new(), place(Field::Name));
        let sealed = holders.seal(&place, "王小明");
        let (vault, custodian) = holders.shares(&place, &sealed).unwrap();
        for at in 0..sealed.ciphertext.len() {
            let mut altered = sealed.ciphertext.clone();
            altered[at] ^= 1;
            assert!(
                open_field(Suite::Nist, &place, &vault, &custodian, &altered).is_err(),
                "at {at}"
            );
        }
        assert!(open_field(Suite::Nist, &place, &vault, &custodian, &sealed.ciphertext[..11]).is_err());
    }
}
