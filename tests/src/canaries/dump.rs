//! What somebody has who has the files of the stores and no key: every value of every row, as SQLite's file format lays
//! them out (<https://www.sqlite.org/fileformat2.html>, sections 1.3, 1.6 and 2.1).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cyberid_crypto::base64url;

/// Values are taken for keys, salts, tags and hashes if they are so long.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=64;

/// The values of the stores in a data directory: bytes, and texts as they stand and decoded.
pub fn values_in(data: &Path) -> BTreeSet<Vec<u8>> {
    let mut values = BTreeSet::new();
    for store in ["registry.db", "vault.db", "custodian.db", "ledger.db"] {
        let file = fs::read(data.join(store)).unwrap();
        assert!(file.starts_with(b"SQLite format 3\0"), "{store}");
        collect(&file, &mut values);
    }
    values
}

fn collect(file: &[u8], values: &mut BTreeSet<Vec<u8>>) {
    let size = match u16::from_be_bytes([file[16], file[17]]) {
        1 => 1 << 16,
        size => usize::from(size),
    };
    for (number, page) in file.chunks(size).enumerate() {
        let start = if number == 0 { 100 } else { 0 };
        for cell in cells(page, start) {
            for value in record(cell).into_iter().flatten() {
                keep(value, values);
            }
        }
    }
}

/// The payloads of the cells of a page that has rows.
fn cells(page: &[u8], start: usize) -> Vec<&[u8]> {
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    // How many bytes of the cell stand before its payload's length, whether a row number follows it, and the header.
    let (before, numbered, header) = match page[start] {
        0x0d => (0, true, 8),
        0x0a => (0, false, 8),
        0x02 => (4, false, 12),
        _ => return Vec::new(),
    };
    let pointers = (0..number(start + 3)).map(|index| number(start + header + 2 * index));
    let payload = |pointer: usize| {
        let cell = page.get(pointer + before..)?;
        let (_, cell) = varint(cell)?;
        if numbered {
            varint(cell).map(|(_, cell)| cell)
        } else {
            Some(cell)
        }
    };
    pointers.filter_map(payload).collect()
}

/// The values of a record; what went on to another page is left out.
fn record(payload: &[u8]) -> Option<Vec<&[u8]>> {
    let (length, rest) = varint(payload)?;
    let header_of = payload.len() - rest.len();
    let mut types = payload.get(header_of..length)?;
    let mut body = payload.get(length..)?;
    let mut values = Vec::new();
    while let Some((kind, more)) = varint(types) {
        types = more;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => kind.checked_sub(12)? / 2,
        };
        let Some((value, more)) = body.split_at_checked(size) else {
            break;
        };
        body = more;
        values.push(value);
    }
    Some(values)
}

fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            value = value << 8 | u64::from(*byte);
            return Some((usize::try_from(value).ok()?, &bytes[9..]));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

fn keep(value: &[u8], values: &mut BTreeSet<Vec<u8>>) {
    if !LENGTHS.contains(&value.len()) {
        return;
    }
    values.insert(value.to_owned());
    let decoded = str::from_utf8(value).ok().and_then(base64url::decode);
    values.extend(decoded.filter(|decoded| LENGTHS.contains(&decoded.len())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_is_laid_out() {
        // Four bytes of header: a blob of two bytes, the number 5, a text of three.
        let payload = [4, 16, 1, 19, 0xaa, 0xbb, 5, b'a', b'b', b'c', 99];
        let values = record(&payload).unwrap();
        assert_eq!(values, [&[0xaa, 0xbb][..], &[5], b"abc"]);
        assert_eq!(varint(&[0x81, 0x00, 7]), Some((128, &[7][..])));
    }
}
