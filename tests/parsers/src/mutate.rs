//! A small mutator: the same numbers, the same mutations, whoever runs them.

/// Changes inputs at random, by a generator that always begins alike (xorshift64, Marsaglia 2003).
pub struct Mutator(u64);

/// Bytes that texts break at.
const TELLING: &[u8] = b"\0\n\r\t \"'+-./0123456789:=\\_{}[],AEaez\x7f\x80\xc3\xed\xff";

impl Mutator {
    /// A generator of its own for each seed number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn draw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let below = u64::try_from(below.max(1)).unwrap_or(1);
        usize::try_from(self.0 % below).unwrap_or(0)
    }

    /// The input with one to four changes, some of them with parts of `other`.
    pub fn mutated(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.draw(4) {
            self.change(&mut bytes, other);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.draw(bytes.len() + 1);
        let end = (at + 1 + self.draw(12)).min(bytes.len());
        let telling = self.draw(TELLING.len());
        let telling = TELLING.get(telling).copied().unwrap_or_default();
        let (kind, bit) = (self.draw(8), self.draw(8));
        match (kind, bytes.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << bit,
            (1, Some(byte)) => *byte = telling,
            (2, _) => bytes.insert(at, telling),
            (3, Some(_)) => drop(bytes.drain(at..end)),
            (4, Some(_)) => {
                let again: Vec<u8> = bytes.get(at..end).unwrap_or_default().into();
                drop(bytes.splice(at..at, again));
            }
            (5, _) => bytes.truncate(at),
            (6, _) => {
                let from = self.draw(other.len() + 1);
                let part = other.get(from..(from + 24).min(other.len())).unwrap_or_default();
                drop(bytes.splice(at..at, part.to_vec()));
            }
            _ => {
                let again = bytes.clone();
                let to = self.draw(again.len() + 1);
                drop(bytes.splice(at.., again.get(to..).unwrap_or_default().to_vec()));
            }
        }
    }
}
