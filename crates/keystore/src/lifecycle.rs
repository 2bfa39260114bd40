//! The moves of keys from state to state, on the list that the file will hold next.

use crate::entry::{Entry, State};
use crate::error::KeystoreError;
use crate::forge::Forge;
use crate::role::RoleName;

/// Makes an active key for each role that has none.
pub(crate) fn ensure(
    mut entries: Vec<Entry>,
    roles: &[RoleName],
    forge: &Forge<'_>,
) -> Result<Vec<Entry>, KeystoreError> {
    for &role in roles {
        if position(&entries, role, State::Active).is_none() {
            entries.push(forge.make(role, State::Active)?);
        }
    }
    Ok(entries)
}

/// Makes the role's next key, to be published ahead of its use, unless one waits already.
pub(crate) fn prepare(
    mut entries: Vec<Entry>,
    role: RoleName,
    forge: &Forge<'_>,
) -> Result<Vec<Entry>, KeystoreError> {
    position(&entries, role, State::Active).ok_or(KeystoreError::NoKey(role))?;
    if position(&entries, role, State::Next).is_none() {
        entries.push(forge.make(role, State::Next)?);
    }
    Ok(entries)
}

/// Active -> retained; next (or a new key) -> active.
pub(crate) fn rotate(
    mut entries: Vec<Entry>,
    role: RoleName,
    forge: &Forge<'_>,
) -> Result<Vec<Entry>, KeystoreError> {
    let active = position(&entries, role, State::Active).ok_or(KeystoreError::NoKey(role))?;
    let old = entries.remove(active);
    let new = match position(&entries, role, State::Next) {
        Some(next) => forge.restate(entries.remove(next), State::Active)?,
        None => forge.make(role, State::Active)?,
    };
    entries.push(retire(old, forge)?);
    entries.push(new);
    Ok(entries)
}

/// Next or retained -> revoked, without its private half.
pub(crate) fn destroy(mut entries: Vec<Entry>, id: &str) -> Result<Vec<Entry>, KeystoreError> {
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
    Ok(entries)
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
