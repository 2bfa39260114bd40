//! Personal data: text that cannot enter a log line, because it has neither `Debug` of its content nor
//! `Display`, and that is wiped when dropped.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text about a person: a name, a document number, a date of birth.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Personal(String);

impl Personal {
    /// Takes `text` as personal.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text; the name makes every use easy to find.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(..)")
    }
}

impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_text_is_not_printed() {
        assert_eq!(format!("{:?}", Personal::new("王小明".into())), "Personal(..)");
    }
}
