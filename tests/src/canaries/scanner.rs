//! Searching bytes for many sequences at once.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use super::canary::Canary;
use super::encoding;

/// How much is read at once.
const CHUNK: usize = 1 << 20;
/// By how many first bytes a sequence is looked up; none is shorter.
const HEAD: usize = 6;
/// Memory is mostly this.
const ZEROES: &[u8] = &[0; 4096];

/// One sequence of bytes that is searched for.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) canary: Canary,
    pub(super) encoding: &'static str,
    pub(super) bytes: Vec<u8>,
    /// It counts only where no letter or digit stands beside it.
    needs_room: bool,
}

impl Pattern {
    /// Every canary in every encoding, each sequence once.
    pub(super) fn all(canaries: &[Canary]) -> Vec<Self> {
        let mut patterns = BTreeMap::new();
        for canary in canaries {
            for (encoding, bytes) in encoding::forms(&canary.text) {
                patterns.entry(bytes.clone()).or_insert_with(|| Self {
                    needs_room: canary.needs_room() && bytes == canary.text.as_bytes(),
                    canary: canary.clone(),
                    encoding,
                    bytes,
                });
            }
        }
        patterns.into_values().collect()
    }
}

/// Finds patterns.
pub(super) struct Scanner {
    patterns: Vec<Pattern>,
    /// Which first three bytes some pattern has, a bit each.
    first: Vec<u64>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
    longest: usize,
}

impl Scanner {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        let mut first = vec![0; 1 << 18];
        let mut by_head: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let (word, bit) = place(&pattern.bytes);
            first[word] |= bit;
            let head = *pattern.bytes.first_chunk().expect("six bytes at least");
            by_head.entry(head).or_default().push(index);
        }
        let longest = patterns
            .iter()
            .map(|pattern| pattern.bytes.len())
            .max()
            .unwrap_or(HEAD);
        Self {
            patterns,
            first,
            by_head,
            longest,
        }
    }

    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Reads to the end, and says of each pattern that is met where it stands; how many bytes there were.
    pub(super) fn scan(&self, source: &mut impl Read, mut met: impl FnMut(usize, u64)) -> io::Result<u64> {
        // What stands before the first byte is no letter.
        let mut window = vec![0_u8];
        let (mut start, mut read) = (0_u64, 0_u64);
        loop {
            let kept = window.len();
            source.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
            let new = window.len() - kept;
            read += new as u64;
            let ended = new == 0;
            let until = if ended {
                window.len()
            } else {
                window.len().saturating_sub(self.longest)
            };
            self.scan_window(&window, until, |pattern, at| {
                met(pattern, (start + at as u64).saturating_sub(1));
            });
            if ended {
                return Ok(read);
            }
            let done = until.saturating_sub(1);
            window.drain(..done);
            start += done as u64;
        }
    }

    /// The patterns that begin from the second byte of the window on, and before `until`.
    fn scan_window(&self, window: &[u8], until: usize, mut met: impl FnMut(usize, usize)) {
        let mut at = 1;
        while at < until {
            if window[at] == 0 && window[at..].starts_with(ZEROES) {
                // No pattern begins with more than one.
                at += ZEROES.len() - 1;
                continue;
            }
            if self.may_begin(&window[at..]) {
                for pattern in self.beginning(&window[at..]) {
                    if self.has_room(*pattern, window, at) {
                        met(*pattern, at);
                    }
                }
            }
            at += 1;
        }
    }

    fn may_begin(&self, bytes: &[u8]) -> bool {
        let (word, bit) = place(bytes);
        bytes.len() >= HEAD && self.first[word] & bit != 0
    }

    fn beginning(&self, bytes: &[u8]) -> impl Iterator<Item = &usize> {
        let head: Option<&[u8; HEAD]> = bytes.first_chunk();
        let candidates = head.and_then(|head| self.by_head.get(head)).into_iter().flatten();
        candidates.filter(|index| bytes.starts_with(&self.patterns[**index].bytes))
    }

    fn has_room(&self, pattern: usize, window: &[u8], at: usize) -> bool {
        let pattern = &self.patterns[pattern];
        let beside = |index: usize| window.get(index).is_some_and(u8::is_ascii_alphanumeric);
        !(pattern.needs_room && (beside(at - 1) || beside(at + pattern.bytes.len())))
    }
}

fn place(bytes: &[u8]) -> (usize, u64) {
    let byte = |index: usize| bytes.get(index).copied().map_or(0, usize::from);
    let number = byte(0) << 16 | byte(1) << 8 | byte(2);
    (number >> 6, 1 << (number & 63))
}

#[cfg(test)]
mod tests {
    use super::super::canary::Kind;
    use super::*;

    fn canary(kind: Kind, text: &str) -> Canary {
        Canary {
            person: 0,
            kind,
            text: text.into(),
        }
    }

    fn met(scanner: &Scanner, bytes: &[u8]) -> Vec<(&'static str, u64)> {
        let mut met = Vec::new();
        let read = scanner.scan(&mut &bytes[..], |index, at| {
            met.push((scanner.patterns[index].encoding, at));
        });
        assert_eq!(read.unwrap(), bytes.len() as u64);
        met
    }

    #[test]
    fn a_text_is_found_at_every_place_and_across_every_border() {
        let scanner = Scanner::new(Pattern::all(&[canary(Kind::Name, "欧阳文博")]));
        for before in [0, 1, 4095, 4096, 4097, CHUNK - 5, CHUNK - 1, CHUNK, 2 * CHUNK + 1] {
            let bytes = [vec![0; before], "欧阳文博".into(), vec![0; 3]].concat();
            assert_eq!(met(&scanner, &bytes), [("utf-8", before as u64)], "{before}");
        }
    }

    #[test]
    fn eight_digits_within_a_longer_number_are_no_pin() {
        let scanner = Scanner::new(Pattern::all(&[canary(Kind::Pin, "52719406")]));
        assert_eq!(met(&scanner, b"52719406"), [("utf-8", 0)]);
        assert_eq!(met(&scanner, b"\"52719406\""), [("utf-8", 1)]);
        assert_eq!(met(&scanner, b"152719406"), []);
        assert_eq!(met(&scanner, b"52719406f"), []);
        assert_eq!(
            met(&scanner, b"5\x002\x007\x001\x009\x004\x000\x006\x00"),
            [("utf-16le", 0)]
        );
    }

    #[test]
    fn every_encoding_is_found() {
        let text = "王小明 11010519491231002X";
        let scanner = Scanner::new(Pattern::all(&[canary(Kind::Number, text)]));
        let all: Vec<u8> = encoding::forms(text)
            .into_iter()
            .flat_map(|(_, bytes)| [bytes, vec![b'\n']].concat())
            .collect();
        let found: std::collections::BTreeSet<_> =
            met(&scanner, &all).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            found.len(),
            scanner
                .patterns
                .iter()
                .map(|it| it.encoding)
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        );
        assert!(found.len() >= 12);
    }
}
