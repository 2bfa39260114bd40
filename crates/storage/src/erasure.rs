//! What a key holder keeps of its erasures and unbound devices apart from its store: what a backup of the store has to
//! forget when it is put back.

use cyberid_domain::id::SubjectId;

/// The record of erasures. It outlives the store whose erasures it records, and is not in a backup of it.
///
/// Whoever shortens it brings back, with a backup and the key that opens backups, what was erased.
pub trait Erasures: Send + Sync {
    /// Notes, durably, that this record is being erased. The store erases only after this has returned `Ok`, so that
    /// nothing that was erased is missing here; a record that is noted and was not erased yet is about to be.
    fn note(&self, subject: &SubjectId) -> std::io::Result<()>;

    /// The same of a device, by the thumbprint of its key, that is being unbound from this record: one that was lost.
    fn note_unbound(&self, subject: &SubjectId, jkt: &str) -> std::io::Result<()>;
}
