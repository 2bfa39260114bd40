//! The table of holders: about 130 bytes for each.
//!
//! A device is found by the first half of its thumbprint. Whoever could make two keys that share it would gain nothing:
//! a signature is checked with the key that the table holds.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cyberid_domain::UnixTime;
use cyberid_domain::age::AgeFlags;
use cyberid_domain::id::SubjectId;
use cyberid_domain::subject::SubjectStatus;
use cyberid_storage::subject::Holder;
use hashbrown::HashTable;

/// The first half of a device key's thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name([u8; 16]);

impl Name {
    /// The name of a thumbprint; nothing if the text is none.
    pub(crate) fn of(jkt: &str) -> Option<Self> {
        let mut whole = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(jkt, &mut whole).ok()?;
        (length == 32).then_some(())?;
        whole.first_chunk().copied().map(Self)
    }
}

/// What is known of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is this holder's.
    Holder(Holder),
    /// It is nobody's any more.
    Nobody,
}

/// One device, packed.
struct Entry {
    name: Name,
    subject: [u8; 32],
    /// `x || y`.
    point: [u8; 64],
    /// The document's end in seconds, shifted over [`STATUS_BITS`], the age flags, and whether the key acts once.
    standing: u64,
}

const STATUS_BITS: u32 = 4;
const FLAG_BITS: u32 = 4;
const SINGLE_USE: u64 = 1 << (STATUS_BITS + FLAG_BITS);
const BELOW_END: u32 = STATUS_BITS + FLAG_BITS + 1;
const NOBODY: u64 = 0;
const STATUSES: &[SubjectStatus] = SubjectStatus::ALL;
const LATEST: u64 = u64::MAX >> BELOW_END;

/// Entries are kept in blocks, so that growing moves none of them.
const BLOCK: usize = 4_096;

/// Devices and their holders.
#[derive(Default)]
pub(crate) struct Table {
    hasher: RandomState,
    places: HashTable<u32>,
    blocks: Vec<Vec<Entry>>,
}

impl Table {
    /// How many devices it holds.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// What is known of a device.
    pub(crate) fn find(&self, name: Name) -> Option<Known> {
        let hash = self.hasher.hash_one(name);
        let place = self.places.find(hash, |place| self.is_at(*place, name))?;
        self.entry(*place).map(Entry::read)
    }

    /// Puts a device in, unless there is something of it already.
    pub(crate) fn put_if_absent(&mut self, name: Name, known: &Known) {
        let hash = self.hasher.hash_one(name);
        if self.places.find(hash, |place| self.is_at(*place, name)).is_none() {
            self.append(hash, Entry::of(name, known));
        }
    }

    /// Puts a device in, over what was there of it.
    pub(crate) fn put(&mut self, name: Name, known: &Known) {
        let hash = self.hasher.hash_one(name);
        let place = self.places.find(hash, |place| self.is_at(*place, name)).copied();
        let entry = Entry::of(name, known);
        match place.and_then(|place| self.entry_mut(place)) {
            Some(there) => *there = entry,
            None => self.append(hash, entry),
        }
    }

    fn append(&mut self, hash: u64, entry: Entry) {
        // `LIMIT` keeps the number of devices below 2^32.
        let Ok(place) = u32::try_from(self.places.len()) else {
            return;
        };
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(entry);
        }
        let (blocks, hasher) = (&self.blocks, &self.hasher);
        let hash_of = |place: &u32| at(blocks, *place).map_or(0, |entry| hasher.hash_one(entry.name));
        self.places.insert_unique(hash, place, hash_of);
    }

    fn is_at(&self, place: u32, name: Name) -> bool {
        self.entry(place).is_some_and(|entry| entry.name == name)
    }

    fn entry(&self, place: u32) -> Option<&Entry> {
        at(&self.blocks, place)
    }

    fn entry_mut(&mut self, place: u32) -> Option<&mut Entry> {
        let (block, within) = parts(place);
        self.blocks.get_mut(block)?.get_mut(within)
    }
}

fn at(blocks: &[Vec<Entry>], place: u32) -> Option<&Entry> {
    let (block, within) = parts(place);
    blocks.get(block)?.get(within)
}

fn parts(place: u32) -> (usize, usize) {
    let place = place as usize;
    (place / BLOCK, place % BLOCK)
}

impl Entry {
    fn of(name: Name, known: &Known) -> Self {
        let mut entry = Self {
            name,
            subject: [0; 32],
            point: [0; 64],
            standing: NOBODY,
        };
        if let Known::Holder(holder) = known {
            entry.subject = *holder.subject.as_bytes();
            let [_, point @ ..] = holder.key;
            entry.point = point;
            entry.standing = standing(holder);
        }
        entry
    }

    fn read(&self) -> Known {
        let status = (self.standing & ((1 << STATUS_BITS) - 1)) as usize;
        let Some(status) = status.checked_sub(1).and_then(|at| STATUSES.get(at)) else {
            return Known::Nobody;
        };
        let [flags, ..] = (self.standing >> STATUS_BITS).to_le_bytes();
        let mut key = [4; 65];
        let [_, point @ ..] = &mut key;
        *point = self.point;
        Known::Holder(Holder {
            subject: SubjectId::from_bytes(self.subject),
            status: *status,
            age_flags: AgeFlags::from_bits(flags & ((1 << FLAG_BITS) - 1)),
            document_expires_at: UnixTime(self.standing >> BELOW_END),
            key,
            single_use: self.standing & SINGLE_USE != 0,
        })
    }
}

fn standing(holder: &Holder) -> u64 {
    let status = STATUSES.iter().position(|status| *status == holder.status);
    let status = status.map_or(NOBODY, |at| at as u64 + 1);
    let flags = u64::from(holder.age_flags.bits()) & ((1 << FLAG_BITS) - 1);
    let end = holder.document_expires_at.0.min(LATEST);
    let single_use = if holder.single_use { SINGLE_USE } else { 0 };
    end << BELOW_END | single_use | flags << STATUS_BITS | status
}

#[cfg(test)]
mod tests {
    use cyberid_domain::age::Threshold;

    use super::*;

    fn name(number: u32) -> Name {
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Name(bytes)
    }

    fn holder(number: u32, status: SubjectStatus) -> Known {
        let mut key = [9; 65];
        key[0] = 4;
        key[1..5].copy_from_slice(&number.to_be_bytes());
        Known::Holder(Holder {
            subject: SubjectId::from_bytes([number.to_be_bytes()[3]; 32]),
            status,
            age_flags: AgeFlags::default().with(Threshold::Eighteen),
            document_expires_at: UnixTime(4_000_000_000 + u64::from(number)),
            key,
            single_use: number.is_multiple_of(3),
        })
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 120);
    }

    #[test]
    fn what_is_put_in_comes_out_through_all_growth() {
        let mut table = Table::default();
        let status = |number: u32| STATUSES[number as usize % STATUSES.len()];
        for number in 0..20_000 {
            table.put_if_absent(name(number), &holder(number, status(number)));
        }
        assert_eq!(table.len(), 20_000);
        for number in 0..20_000 {
            assert_eq!(table.find(name(number)), Some(holder(number, status(number))));
        }
        assert_eq!(table.find(name(20_000)), None);
    }

    #[test]
    fn only_put_changes_what_is_there() {
        let mut table = Table::default();
        let (active, suspended) = (
            holder(1, SubjectStatus::Active),
            holder(1, SubjectStatus::Suspended),
        );
        table.put(name(1), &active);
        table.put_if_absent(name(1), &suspended);
        assert_eq!(table.find(name(1)), Some(active));
        table.put(name(1), &suspended);
        assert_eq!(table.find(name(1)), Some(suspended));
        table.put(name(1), &Known::Nobody);
        assert_eq!((table.find(name(1)), table.len()), (Some(Known::Nobody), 1));
    }

    #[test]
    fn a_name_is_half_a_thumbprint() {
        let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert!(Name::of(jkt).is_some());
        for other in [
            "",
            "AAAA",
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I=",
            "not base64!",
        ] {
            assert_eq!(Name::of(other), None, "{other}");
        }
    }
}
