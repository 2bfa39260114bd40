//! The fields of an identity record: what a release of plaintext can contain.

use serde::{Deserialize, Serialize};

/// One field of an identity record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The full name as on the document.
    Name,
    /// Which kind of document.
    DocumentType,
    /// The document's number.
    DocumentNumber,
    /// The date of birth, `YYYY-MM-DD`.
    BirthDate,
    /// The document's last valid day, `YYYY-MM-DD`.
    ValidUntil,
}

impl Field {
    /// Every field, in the order of the protocol page.
    pub const ALL: [Self; 5] = [
        Self::Name,
        Self::DocumentType,
        Self::DocumentNumber,
        Self::BirthDate,
        Self::ValidUntil,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DocumentType => "document_type",
            Self::DocumentNumber => "document_number",
            Self::BirthDate => "birth_date",
            Self::ValidUntil => "valid_until",
        }
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_messages_is_the_name_in_stores() {
        for field in Field::ALL {
            assert_eq!(serde_json::to_value(field).unwrap(), field.as_str());
            assert_eq!(Field::named(field.as_str()), Some(field));
        }
    }
}
