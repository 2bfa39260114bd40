//! What happens to a person or their document after they were enrolled, as the authoritative source tells it.

use serde::{Deserialize, Serialize};

/// What happened to a person or their document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// The person died.
    Died,
    /// The document was reported lost.
    DocumentLost,
    /// The document was withdrawn by whoever issued it.
    DocumentWithdrawn,
    /// The person has a new document; the notice brings it.
    DocumentRenewed,
    /// The person's name was corrected; the notice brings the document that shows it.
    NameCorrected,
}

impl Happening {
    /// Every happening.
    pub const ALL: [Self; 5] = [
        Self::Died,
        Self::DocumentLost,
        Self::DocumentWithdrawn,
        Self::DocumentRenewed,
        Self::NameCorrected,
    ];

    /// The name in messages and stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Died => "died",
            Self::DocumentLost => "document_lost",
            Self::DocumentWithdrawn => "document_withdrawn",
            Self::DocumentRenewed => "document_renewed",
            Self::NameCorrected => "name_corrected",
        }
    }

    /// The happening of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|happening| happening.as_str() == name)
    }

    /// Whether a notice of it brings a document.
    pub const fn brings_document(self) -> bool {
        matches!(self, Self::DocumentRenewed | Self::NameCorrected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_happening_has_one_name() {
        for happening in Happening::ALL {
            assert_eq!(Happening::named(happening.as_str()), Some(happening));
            let written = serde_json::to_string(&happening).unwrap();
            assert_eq!(written, format!("\"{}\"", happening.as_str()));
        }
        assert_eq!(Happening::named("resurrected"), None);
    }
}
