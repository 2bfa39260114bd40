//! An auditor's state as bytes: a line that names the format, a line of JSON, a record for each release, and the digest
//! of all that.

use std::collections::BTreeMap;

use cyberid_crypto::digest;
use cyberid_domain::UnixTime;
use cyberid_domain::id::ClientId;
use cyberid_protocol::leaf::LeafKind;
use cyberid_tlog::hash::Hash;
use serde::{Deserialize, Serialize};

use crate::anchors::AuditAnchors;
use crate::chain::{Chains, Name, Standing};
use crate::kept::Kept;
use crate::party::Parties;
use crate::state::{Seen, State};
use crate::story::{Service, Story};
use crate::warning::Warnings;

/// The first line: the format and its version.
const FORMAT: &[u8] = b"cyberid-audit-state/1\n";

const DIGEST: usize = 32;
const NAME: usize = 16;
/// Name, two digests, time, place, kind.
const OPEN: usize = NAME + 2 * DIGEST + 8 + 8 + 1;

/// Why bytes are not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAState {
    /// Another format, or another version of this one.
    #[error("it is of another format or of another version of this program")]
    Format,
    /// Cut, or altered: its digest does not fit.
    #[error("it is damaged")]
    Damaged,
    /// Whole, and yet not what this version writes.
    #[error("it does not hold what this version writes")]
    Content,
}

/// The second line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    anchors: AuditAnchors,
    accepted: Option<Accepted>,
    read: u64,
    kinds: BTreeMap<LeafKind, u64>,
    parties: BTreeMap<ClientId, Option<UnixTime>>,
    service: Service,
    clock: u64,
    warnings: Warnings,
    open: usize,
    ended: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    size: u64,
    root: String,
    note: Option<String>,
}

/// The bytes of a state.
pub(crate) fn encode(anchors: &AuditAnchors, state: &State) -> Vec<u8> {
    let story = &state.story;
    let mut bytes = FORMAT.to_vec();
    // Nothing in a head can fail to be JSON; if it did, the file would be refused.
    bytes.extend(serde_json::to_vec(&head(anchors, state)).unwrap_or_default());
    bytes.push(b'\n');
    bytes.reserve(story.chains.open.len() * OPEN + story.chains.ended.len() * NAME + DIGEST);
    for (name, standing) in &story.chains.open {
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&standing.last);
        bytes.extend_from_slice(&standing.said);
        bytes.extend_from_slice(&standing.time.0.to_be_bytes());
        bytes.extend_from_slice(&standing.index.to_be_bytes());
        bytes.push(number(standing.kind));
    }
    for name in &story.chains.ended {
        bytes.extend_from_slice(name);
    }
    let digest = digest::sha256(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

fn head(anchors: &AuditAnchors, state: &State) -> Head {
    let story = &state.story;
    Head {
        anchors: anchors.clone(),
        accepted: state.seen.as_ref().map(|seen| Accepted {
            size: seen.size,
            root: seen.root.to_base64(),
            note: seen.note.clone(),
        }),
        read: story.size,
        kinds: story.kinds.clone(),
        parties: story.parties.0.clone(),
        service: story.service,
        clock: story.clock,
        warnings: story.warnings.clone(),
        open: story.chains.open.len(),
        ended: story.chains.ended.len(),
    }
}

/// The state in `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Result<Kept, NotAState> {
    if !bytes.starts_with(FORMAT) {
        return Err(NotAState::Format);
    }
    let (bytes, sum) = bytes.split_last_chunk::<DIGEST>().ok_or(NotAState::Damaged)?;
    if digest::sha256(bytes) != *sum {
        return Err(NotAState::Damaged);
    }
    read(bytes.get(FORMAT.len()..).unwrap_or_default()).ok_or(NotAState::Content)
}

fn read(bytes: &[u8]) -> Option<Kept> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, records) = bytes.split_at_checked(end)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let records = records.get(1..)?;
    let (open, ended) = records.split_at_checked(head.open.checked_mul(OPEN)?)?;
    if ended.len() != head.ended.checked_mul(NAME)? {
        return None;
    }
    let seen = match head.accepted {
        Some(accepted) => Some(Seen {
            size: accepted.size,
            root: Hash::from_base64(&accepted.root)?,
            note: accepted.note,
        }),
        None => None,
    };
    let story = Story {
        size: head.read,
        kinds: head.kinds,
        chains: Chains {
            open: open.chunks_exact(OPEN).map(standing).collect::<Option<_>>()?,
            ended: ended
                .chunks_exact(NAME)
                .map(|name| name.try_into().ok())
                .collect::<Option<_>>()?,
        },
        parties: Parties(head.parties),
        service: head.service,
        clock: head.clock,
        warnings: head.warnings,
    };
    Some(Kept {
        anchors: head.anchors,
        state: State {
            seen,
            story,
            shown: None,
        },
    })
}

fn standing(record: &[u8]) -> Option<(Name, Standing)> {
    let (name, rest) = record.split_first_chunk::<NAME>()?;
    let (last, rest) = rest.split_first_chunk::<DIGEST>()?;
    let (said, rest) = rest.split_first_chunk::<DIGEST>()?;
    let (time, rest) = rest.split_first_chunk::<8>()?;
    let (index, kind) = rest.split_first_chunk::<8>()?;
    let standing = Standing {
        last: *last,
        said: *said,
        kind: *LeafKind::ALL.get(usize::from(*kind.first()?))?,
        time: UnixTime(u64::from_be_bytes(*time)),
        index: u64::from_be_bytes(*index),
    };
    Some((*name, standing))
}

/// The place of a kind among all kinds.
fn number(kind: LeafKind) -> u8 {
    let place = LeafKind::ALL.iter().position(|other| *other == kind);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(u8::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::warning::Warning;

    pub(crate) fn kept() -> Kept {
        let standing = |kind, byte| Standing {
            last: [byte; 32],
            said: [byte + 1; 32],
            kind,
            time: UnixTime(7),
            index: 8,
        };
        let mut story = Story {
            size: 3,
            clock: 9,
            service: Service::Halted,
            ..Story::default()
        };
        for (at, kind) in (0..).zip(LeafKind::ALL) {
            story.chains.open.insert([at; 16], standing(*kind, at));
            story.chains.ended.insert([at + 100; 16]);
            story.kinds.insert(*kind, 5);
        }
        let rp = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        story.parties.0.insert(rp, Some(UnixTime(4)));
        story.warnings.add(Warning::CutOff { index: 2 });
        let seen = Seen {
            size: 5,
            root: Hash([1; 32]),
            note: Some("note\n".into()),
        };
        Kept {
            anchors: AuditAnchors {
                vkey: "v".into(),
                policy: "p\n".into(),
            },
            state: State {
                seen: Some(seen),
                story,
                shown: None,
            },
        }
    }

    #[test]
    fn a_state_reads_back() {
        let kept = kept();
        assert_eq!(decode(&encode(&kept.anchors, &kept.state)), Ok(kept.clone()));
        let none = State::default();
        let read = decode(&encode(&kept.anchors, &none)).unwrap();
        assert_eq!(read.state, none);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let kept = kept();
        let bytes = encode(&kept.anchors, &kept.state);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let expected = if at < FORMAT.len() {
                NotAState::Format
            } else {
                NotAState::Damaged
            };
            assert_eq!(decode(&altered), Err(expected), "{at}");
            assert!(decode(&bytes[..at]).is_err(), "{at}");
        }
        assert!(decode(&[bytes, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_whole_file_of_another_content_is_refused() {
        let mut bytes = [FORMAT, b"{}\n"].concat();
        bytes.extend(digest::sha256(&bytes));
        assert_eq!(decode(&bytes), Err(NotAState::Content));
    }
}
