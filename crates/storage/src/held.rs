//! Everything that the registry holds about one person, for that person to have.

use async_trait::async_trait;
use cyberid_domain::UnixTime;
use cyberid_domain::id::SubjectId;

use crate::Result;

/// What one table holds about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldTable {
    /// The table.
    pub name: String,
    /// Its rows about the person, each a JSON object; bytes are in lower-case hex.
    pub rows: Vec<String>,
    /// The columns that are left out.
    pub withheld: Vec<String>,
}

/// What the registry holds about people.
///
/// A table that a later version adds, and that names a subject, is in the answer without anybody's doing.
#[async_trait]
pub trait Held: Send + Sync {
    /// Every table with rows about this subject, by name, all of one moment. What must not be known yet is left out: an
    /// official access before its notice, and what an operator has not put in force. So are handles, which would relate
    /// what is kept apart, and whatever an attacker with the answer could guess the PIN or the date of birth by.
    async fn held_of(&self, subject: &SubjectId, now: UnixTime) -> Result<Vec<HeldTable>>;
}
