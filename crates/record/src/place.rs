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

    use cyberid_domain::rng::SystemRng;

    use super::*;

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
}
