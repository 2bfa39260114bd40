//! Settled visits: of one day, of one length, sorted by tag and then by content, so that nothing is left of the order in
//! which they came. A run is found in by halving.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;

use cyberid_storage::journal::Visit;

use crate::disk::DiskFile;
use crate::place::{Place, RunName};

/// The length of a tag.
const TAG: usize = 16;
/// How many bytes are written at once.
const CHUNK: usize = 1 << 20;

/// Writes a run of visits of one day and one length.
pub(crate) fn write(place: &Place, name: &RunName, visits: &[Visit]) -> io::Result<()> {
    let mut records: Vec<Vec<u8>> = visits
        .iter()
        .map(|visit| [visit.tag.as_slice(), &visit.sealed].concat())
        .collect();
    records.sort_unstable();
    records.dedup();
    write_sorted(place, name, records.into_iter().map(Ok), &|| Ok(()))
}

/// Merges runs of one day and one length into another, as long as it may go on.
pub(crate) fn merge(
    place: &Place,
    inputs: &[RunName],
    into: &RunName,
    go_on: &dyn Fn() -> io::Result<()>,
) -> io::Result<()> {
    let mut readers = Vec::with_capacity(inputs.len());
    let mut heads = BinaryHeap::with_capacity(inputs.len());
    for (number, run) in inputs.iter().enumerate() {
        let mut reader = BufReader::new(File::open(place.run(run))?);
        if let Some(record) = next_record(&mut reader, run)? {
            heads.push(Reverse((record, number)));
        }
        readers.push((reader, run));
    }
    let mut last = None;
    let merged = std::iter::from_fn(|| {
        loop {
            let Reverse((record, number)) = heads.pop()?;
            if let Some((reader, run)) = readers.get_mut(number) {
                match next_record(reader, run) {
                    Ok(Some(next)) => heads.push(Reverse((next, number))),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
            if last.as_ref() != Some(&record) {
                last = Some(record.clone());
                return Some(Ok(record));
            }
        }
    });
    write_sorted(place, into, merged, go_on)
}

/// The sealed records under this tag.
pub(crate) fn find(place: &Place, run: &RunName, tag: &[u8; TAG]) -> io::Result<Vec<Vec<u8>>> {
    let file = File::open(place.run(run))?;
    let count = count(place, run)?;
    let mut place_of_first = partition(count, |number| Ok(read_tag(&file, run, number)? < *tag))?;
    let mut found = Vec::new();
    while place_of_first < count && read_tag(&file, run, place_of_first)? == *tag {
        let mut sealed = vec![0; run.sealed as usize];
        file.read_exact_at(&mut sealed, place_of_first * record(run) + TAG as u64)?;
        found.push(sealed);
        place_of_first += 1;
    }
    Ok(found)
}

/// How many visits a run holds.
pub(crate) fn count(place: &Place, run: &RunName) -> io::Result<u64> {
    Ok(std::fs::metadata(place.run(run))?.len() / record(run))
}

fn record(run: &RunName) -> u64 {
    TAG as u64 + u64::from(run.sealed)
}

fn read_tag(file: &File, run: &RunName, number: u64) -> io::Result<[u8; TAG]> {
    let mut tag = [0; TAG];
    file.read_exact_at(&mut tag, number * record(run))?;
    Ok(tag)
}

/// The first of `count` numbers that are not `before`.
fn partition(count: u64, before: impl Fn(u64) -> io::Result<bool>) -> io::Result<u64> {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        if before(middle)? {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    Ok(from)
}

fn next_record(reader: &mut BufReader<File>, run: &RunName) -> io::Result<Option<Vec<u8>>> {
    let mut record = Vec::with_capacity(TAG + run.sealed as usize);
    let wanted = TAG as u64 + u64::from(run.sealed);
    let read = reader.by_ref().take(wanted).read_to_end(&mut record)? as u64;
    match read {
        0 => Ok(None),
        read if read == wanted => Ok(Some(record)),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whole and durable under its name, or not there.
fn write_sorted(
    place: &Place,
    name: &RunName,
    records: impl Iterator<Item = io::Result<Vec<u8>>>,
    go_on: &dyn Fn() -> io::Result<()>,
) -> io::Result<()> {
    let made = place.make(&place.run(name), |file| write_all(file, records, go_on));
    made.map(drop)
}

fn write_all(
    file: &mut dyn DiskFile,
    records: impl Iterator<Item = io::Result<Vec<u8>>>,
    go_on: &dyn Fn() -> io::Result<()>,
) -> io::Result<()> {
    let (mut written, mut chunk) = (0, Vec::with_capacity(CHUNK));
    for record in records {
        chunk.extend(record?);
        if chunk.len() >= CHUNK {
            go_on()?;
            file.write_at(&chunk, written)?;
            written += chunk.len() as u64;
            chunk.clear();
        }
    }
    file.write_at(&chunk, written)
}
