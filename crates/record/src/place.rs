//! Where a ciphertext belongs: the associated data that notices one that was moved.

use cyberid_domain::field::Field;
use cyberid_domain::id::SubjectId;

/// The shape of a record; another shape is another name.
const SCHEMA: &str = "cyberid/v1/identity-record";

/// One field of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The record.
    pub subject: SubjectId,
    /// The field.
    pub field: Field,
}

/// Whose share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The vault's.
    Vault,
    /// The custodian's.
    Custodian,
}

/// A column of a store.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    store: &'static str,
    table: &'static str,
    name: &'static str,
}

/// The encrypted values.
pub(crate) const CIPHERTEXT: Column = Column {
    store: "vault",
    table: "field",
    name: "ciphertext",
};

impl Side {
    /// Where this side keeps its shares.
    pub(crate) const fn column(self) -> Column {
        let (store, table) = match self {
            Self::Vault => ("vault", "field"),
            Self::Custodian => ("custodian", "share"),
        };
        Column {
            store,
            table,
            name: "share",
        }
    }
}

impl Place {
    /// The associated data of what stands in `column` for this field under the key of version `key`: schema, store,
    /// table, column, row and key version, each preceded by its length, so that no two places are the same bytes.
    pub(crate) fn context(&self, column: Column, key: &str) -> Vec<u8> {
        let parts = [
            SCHEMA.as_bytes(),
            column.store.as_bytes(),
            column.table.as_bytes(),
            column.name.as_bytes(),
            self.subject.as_bytes(),
            self.field.as_str().as_bytes(),
            key.as_bytes(),
        ];
        let mut context = Vec::new();
        for part in parts {
            context.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            context.extend(part);
        }
        context
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cyberid_crypto::{AgreementKey, aead, hpke};
    use cyberid_domain::rng::SystemRng;

    use super::*;

    const HERE: Column = Column {
        store: "a store",
        table: "a table",
        name: "a column",
    };

    fn place() -> Place {
        Place {
            subject: SubjectId::random(&SystemRng),
            field: Field::Name,
        }
    }

    #[test]
    fn no_two_places_have_one_context() {
        let subjects = [SubjectId::random(&SystemRng), SubjectId::random(&SystemRng)];
        let columns = [CIPHERTEXT, Side::Vault.column(), Side::Custodian.column()];
        let mut contexts = HashSet::new();
        for subject in subjects {
            for field in Field::ALL {
                let place = Place { subject, field };
                for column in columns {
                    contexts.insert(place.context(column, "1"));
                    contexts.insert(place.context(column, "2"));
                }
            }
        }
        assert_eq!(contexts.len(), 2 * 5 * 3 * 2);
    }

    /// What is elsewhere by one part alone: store, table, column, row (record and field), key version.
    fn elsewhere(place: &Place) -> [(&'static str, Vec<u8>); 6] {
        let column = |column: Column| place.context(column, "1");
        let field = Field::BirthDate;
        [
            (
                "store",
                column(Column {
                    store: "another",
                    ..HERE
                }),
            ),
            (
                "table",
                column(Column {
                    table: "another",
                    ..HERE
                }),
            ),
            (
                "column",
                column(Column {
                    name: "another",
                    ..HERE
                }),
            ),
            ("record", self::place().context(HERE, "1")),
            ("field", Place { field, ..*place }.context(HERE, "1")),
            ("key version", place.context(HERE, "2")),
        ]
    }

    #[test]
    fn a_ciphertext_opens_in_its_place_only() {
        let (place, key, nonce) = (place(), [7; 32], [0; aead::NONCE]);
        let here = place.context(HERE, "1");
        let sealed = aead::encrypt(&key, nonce, &here, b"value");
        assert!(aead::decrypt(&key, nonce, &here, &sealed).is_ok());
        for (part, there) in elsewhere(&place) {
            assert!(
                aead::decrypt(&key, nonce, &there, &sealed).is_err(),
                "another {part}"
            );
        }
    }

    #[test]
    fn a_seal_opens_in_its_place_only() {
        use cyberid_crypto::Agree as _;
        let (place, key) = (place(), AgreementKey::ephemeral().unwrap());
        let here = place.context(HERE, "1");
        let sealed = hpke::seal(&key.public_key(), b"info", &here, b"share").unwrap();
        assert!(hpke::open(&key, b"info", &here, &sealed).is_ok());
        for (part, there) in elsewhere(&place) {
            assert!(
                hpke::open(&key, b"info", &there, &sealed).is_err(),
                "another {part}"
            );
        }
    }

    /// The bytes themselves, so that no part is left out and another schema is another context.
    #[test]
    fn the_schema_comes_first_and_every_part_has_its_length() {
        let place = Place {
            subject: SubjectId::from_bytes([9; 32]),
            field: Field::Name,
        };
        let written = [
            b"\0\0\0\x1acyberid/v1/identity-record".as_slice(),
            b"\0\0\0\x05vault\0\0\0\x05field\0\0\0\x0aciphertext",
            b"\0\0\0\x20",
            &[9; 32],
            b"\0\0\0\x04name\0\0\0\x071/hkdf1",
        ];
        assert_eq!(place.context(CIPHERTEXT, "1/hkdf1"), written.concat());
    }
}
