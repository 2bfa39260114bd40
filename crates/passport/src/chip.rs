//! The files of a chip, as they were read: nothing of them is believed yet.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{File, Refusal};

/// The longest EF.SOD in bytes: the longest in use, with RSA-4096 and sixteen groups, is well below half of it.
const LONGEST_SOD: usize = 16 * 1024;
/// The longest EF.DG1 in bytes: 95 of TD1 and its headers.
const LONGEST_DG1: usize = 128;
/// The longest EF.DG2 in bytes: part 9 recommends 15 to 20 kB of picture.
const LONGEST_DG2: usize = 128 * 1024;

/// The files of a chip.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Chip {
    /// EF.SOD.
    pub sod: Vec<u8>,
    /// EF.DG1.
    pub dg1: Vec<u8>,
    /// EF.DG2, where it was read.
    pub dg2: Option<Vec<u8>>,
}

impl Chip {
    /// The lengths before anything is parsed.
    pub(crate) fn check_lengths(&self) -> Result<(), Refusal> {
        let dg2 = self.dg2.as_deref().unwrap_or_default();
        let files = [
            (File::Sod, self.sod.len(), LONGEST_SOD),
            (File::Dg1, self.dg1.len(), LONGEST_DG1),
            (File::Dg2, dg2.len(), LONGEST_DG2),
        ];
        let long = files.into_iter().find(|(_, length, longest)| length > longest);
        long.map_or(Ok(()), |(file, ..)| Err(Refusal::TooLong(file)))
    }
}

impl fmt::Debug for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chip(..)")
    }
}
