//! The moves of keys from state to state, on the list that the file will hold next.

use cyberid_domain::UnixTime;

use crate::entry::{Entry, State};
use crate::error::KeystoreError;
use crate::forge::Forge;
use crate::role::RoleName;

/// One thing that a ceremony prescribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Makes the role's first key.
    Make(RoleName),
    /// Makes the role's next key, to be published ahead of its use.
    Prepare(RoleName),
    /// Retires the role's active key and puts its next key, or else a new one, in its place.
    Rotate(RoleName),
    /// Revokes the key of this id, which is next or retained, and destroys its private half.
    Revoke(String),
}

impl Step {
    /// Takes the step.
    pub(crate) fn take(&self, entries: &mut Vec<Entry>, forge: &Forge<'_>) -> Result<(), KeystoreError> {
        match self {
            Self::Make(role) => make(entries, *role, forge),
            Self::Prepare(role) => prepare(entries, *role, forge),
            Self::Rotate(role) => rotate(entries, *role, forge),
            Self::Revoke(id) => destroy(entries, id),
        }
    }
}

/// Makes an active key for each role that has none.
pub(crate) fn ensure(
    entries: &mut Vec<Entry>,
    roles: &[RoleName],
    forge: &Forge<'_>,
) -> Result<(), KeystoreError> {
    for &role in roles {
        if position(entries, role, State::Active).is_none() {
            entries.push(forge.make(role, State::Active)?);
        }
    }
    Ok(())
}

/// Makes an active key for a role that has none yet.
fn make(entries: &mut Vec<Entry>, role: RoleName, forge: &Forge<'_>) -> Result<(), KeystoreError> {
    if position(entries, role, State::Active).is_some() {
        return Err(KeystoreError::HasKey(role));
    }
    entries.push(forge.make(role, State::Active)?);
    Ok(())
}

/// Makes the role's next key, to be published ahead of its use, unless one waits already.
pub(crate) fn prepare(
    entries: &mut Vec<Entry>,
    role: RoleName,
    forge: &Forge<'_>,
) -> Result<(), KeystoreError> {
    position(entries, role, State::Active).ok_or(KeystoreError::NoKey(role))?;
    if position(entries, role, State::Next).is_none() {
        entries.push(forge.make(role, State::Next)?);
    }
    Ok(())
}

/// Whether the role's next key is there for `ahead` seconds already.
pub(crate) fn require_announced(
    entries: &[Entry],
    role: RoleName,
    ahead: u64,
    now: UnixTime,
) -> Result<(), KeystoreError> {
    let next = position(entries, role, State::Next).and_then(|at| entries.get(at));
    match next.map(|next| next.created.plus(ahead)) {
        Some(from) if from <= now => Ok(()),
        from => Err(KeystoreError::NotAnnounced { role, from }),
    }
}

/// Active -> retained; next (or a new key) -> active.
pub(crate) fn rotate(
    entries: &mut Vec<Entry>,
    role: RoleName,
    forge: &Forge<'_>,
) -> Result<(), KeystoreError> {
    let active = position(entries, role, State::Active).ok_or(KeystoreError::NoKey(role))?;
    let old = entries.remove(active);
    let new = match position(entries, role, State::Next) {
        Some(next) => forge.restate(entries.remove(next), State::Active)?,
        None => forge.make(role, State::Active)?,
    };
    entries.push(retire(old, forge)?);
    entries.push(new);
    Ok(())
}

/// Next or retained -> revoked, without its private half.
pub(crate) fn destroy(entries: &mut [Entry], id: &str) -> Result<(), KeystoreError> {
    let entry = entries.iter_mut().find(|entry| entry.id == id);
    let entry = entry.ok_or_else(|| KeystoreError::UnknownKey(id.into()))?;
    if !matches!(entry.state, State::Next | State::Retained) {
        return Err(KeystoreError::State {
            id: id.into(),
            state: entry.state,
        });
    }
    entry.state = State::Revoked;
    entry.private = None;
    Ok(())
}

/// Active -> retained: a key that signs loses its private half, which has no work left.
fn retire(entry: Entry, forge: &Forge<'_>) -> Result<Entry, KeystoreError> {
    if entry.role.kind().works_when_retained() {
        return forge.restate(entry, State::Retained);
    }
    Ok(Entry {
        state: State::Retained,
        private: None,
        ..entry
    })
}

fn position(entries: &[Entry], role: RoleName, state: State) -> Option<usize> {
    entries
        .iter()
        .position(|entry| entry.role == role && entry.state == state)
}
