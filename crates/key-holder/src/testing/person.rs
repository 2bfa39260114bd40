//! A person with a device and an identity record.

use cyberid_crypto::key::random_scalar;
use cyberid_crypto::{PublicKey, SigningKey, base64url};
use cyberid_domain::Rng as _;
use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;
use cyberid_domain::number::NetworkNumber;
use cyberid_domain::personal::Personal;
use cyberid_domain::rng::{SystemRng, random};
use cyberid_protocol::deposit::{DepositedField, KeyHolder};
use cyberid_protocol::enrolment::number_commitment;
use cyberid_record::{Place, SealedField, seal_field};

/// A person with a device and an identity record.
pub struct Person {
    /// The handle.
    pub subject: SubjectId,
    /// The device key.
    pub device: SigningKey,
    /// The document's number.
    pub number: String,
    /// The network number.
    pub network_number: NetworkNumber,
    /// What opens the commitment to it.
    pub number_salt: [u8; 32],
    /// The values of the record.
    pub values: Vec<(Field, String)>,
}

impl Person {
    /// A person of this name and document number, with every field.
    pub fn new(name: &str, number: &str) -> Self {
        let values = [
            (Field::Name, name),
            (Field::DocumentType, "resident_id_card"),
            (Field::DocumentNumber, number),
            (Field::BirthDate, "1949-12-31"),
            (Field::ValidUntil, "2046-01-01"),
        ];
        Self {
            subject: SubjectId::random(&SystemRng),
            device: SigningKey::from_scalar(&random_scalar(|out| SystemRng.fill(out))).unwrap(),
            number: number.into(),
            network_number: NetworkNumber::random(&SystemRng),
            number_salt: random(&SystemRng),
            values: values.map(|(field, value)| (field, value.to_owned())).into(),
        }
    }

    /// The value of a field.
    pub fn value(&self, field: Field) -> &str {
        let mut values = self.values.iter();
        values
            .find_map(|(name, value)| (*name == field).then_some(value))
            .unwrap()
    }

    /// The commitment to the network number that the record is deposited with.
    pub fn number_commitment(&self) -> String {
        number_commitment(&self.number_salt, &self.network_number)
    }

    /// Every field, sealed to these two key holders.
    pub fn sealed(&self, vault: &PublicKey, custodian: &PublicKey) -> Vec<(Field, SealedField)> {
        let seal = |(field, value): &(Field, String)| {
            let place = Place {
                subject: self.subject,
                field: *field,
            };
            let value = Personal::new(value.clone());
            let sealed = seal_field(&place, &value, vault, custodian, &SystemRng).unwrap();
            (*field, sealed)
        };
        self.values.iter().map(seal).collect()
    }
}

/// What one key holder is handed of sealed fields.
pub(super) fn deposited(holder: KeyHolder, sealed: &[(Field, SealedField)]) -> Vec<DepositedField> {
    let hand = |(field, sealed): &(Field, SealedField)| {
        let (ciphertext, share) = match holder {
            KeyHolder::Vault => (Some(base64url::encode(&sealed.ciphertext)), &sealed.vault_share),
            KeyHolder::Custodian => (None, &sealed.custodian_share),
        };
        DepositedField {
            field: *field,
            ciphertext,
            share: base64url::encode(share),
        }
    };
    sealed.iter().map(hand).collect()
}
