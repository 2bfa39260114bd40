//! Three custodians, of whom any two have the custodians' half of a key, and one has nothing.
//!
//! Replicated sharing: the half is the exclusive or of three random pieces, and each custodian has the two that do not
//! bear the number of its seat. Any two custodians have all three pieces; to one of them the missing piece makes every
//! half equally likely. There is no field arithmetic in it to get wrong, and no dependency to trust.

use cyberid_crypto::aead::DoesNotOpen;
use cyberid_domain::Rng;
use zeroize::Zeroizing;

use crate::share::{PART, Share, WHOLE};

/// How many custodians share one half, where it is not one custodian's.
pub const SEATS: usize = 3;

type Piece = Zeroizing<[u8; WHOLE]>;

/// A random half, and the part of each seat.
pub(crate) fn split(rng: &dyn Rng) -> (Share, [Share; SEATS]) {
    let [one, two, three] = [(); SEATS].map(|()| {
        let mut piece = Zeroizing::new([0; WHOLE]);
        rng.fill(&mut *piece);
        piece
    });
    let parts = [part(1, &two, &three), part(2, &one, &three), part(3, &one, &two)];
    (sum([&one, &two, &three]), parts)
}

/// The custodians' half, of the parts of two different seats.
pub fn combine(one: &Share, other: &Share) -> Result<Share, DoesNotOpen> {
    let (one, other) = (Part::read(one)?, Part::read(other)?);
    if one.seat == other.seat {
        return Err(DoesNotOpen);
    }
    // Each has the piece that bears the other's number; the third is in both.
    let mine = other.piece(one.seat)?;
    let theirs = one.piece(other.seat)?;
    let third = one.piece(6 - one.seat - other.seat)?;
    Ok(sum([mine, theirs, third]))
}

fn part(seat: u8, low: &Piece, high: &Piece) -> Share {
    Share::of([[seat].as_slice(), low.as_slice(), high.as_slice()].concat())
}

fn sum(pieces: [&[u8; WHOLE]; SEATS]) -> Share {
    let mut half = Zeroizing::new([0; WHOLE]);
    for piece in pieces {
        half.iter_mut().zip(piece).for_each(|(to, from)| *to ^= from);
    }
    Share::of(half.to_vec())
}

/// A custodian's part, read.
struct Part<'a> {
    seat: u8,
    low: &'a [u8; WHOLE],
    high: &'a [u8; WHOLE],
}

impl<'a> Part<'a> {
    fn read(share: &'a Share) -> Result<Self, DoesNotOpen> {
        let bytes: &[u8; PART] = share.expose().try_into().map_err(|_| DoesNotOpen)?;
        let (&seat, pieces) = bytes.split_first().ok_or(DoesNotOpen)?;
        let (low, high) = pieces.split_first_chunk().ok_or(DoesNotOpen)?;
        let high = high.try_into().map_err(|_| DoesNotOpen)?;
        (1..=3)
            .contains(&seat)
            .then_some(Self { seat, low, high })
            .ok_or(DoesNotOpen)
    }

    /// The piece of this number, of the two that are here in the order of their numbers.
    fn piece(&self, number: u8) -> Result<&'a [u8; WHOLE], DoesNotOpen> {
        let lower = if self.seat == 1 { 2 } else { 1 };
        let higher = if self.seat == 3 { 2 } else { 3 };
        match number {
            number if number == lower => Ok(self.low),
            number if number == higher => Ok(self.high),
            _ => Err(DoesNotOpen),
        }
    }
}

#[cfg(test)]
mod tests {
    use cyberid_domain::rng::SystemRng;

    use super::*;

    #[test]
    fn any_two_parts_are_the_half_and_the_order_does_not_matter() {
        let (half, parts) = split(&SystemRng);
        for one in 0..SEATS {
            for other in (0..SEATS).filter(|other| *other != one) {
                let combined = combine(&parts[one], &parts[other]).unwrap();
                assert_eq!(combined.expose(), half.expose(), "{one} and {other}");
            }
            assert!(combine(&parts[one], &parts[one]).is_err());
        }
    }

    /// Whatever half somebody may guess, one custodian's part goes with it: some third piece makes it so.
    #[test]
    fn one_part_goes_with_every_half() {
        let (_, parts) = split(&SystemRng);
        for part in &parts {
            let guessed = Share::random(&SystemRng);
            let read = Part::read(part).unwrap();
            let missing = sum([read.low, read.high, guessed.whole().unwrap()]);
            let half = sum([read.low, read.high, missing.whole().unwrap()]);
            assert_eq!(half.expose(), guessed.expose());
        }
        let [one, two, three] = parts.each_ref().map(|part| Part::read(part).unwrap());
        assert_eq!((one.low, one.high, two.low), (three.high, two.high, three.low));
        assert!(one.low != one.high && one.low != two.low && one.high != two.low);
    }

    #[test]
    fn what_is_no_part_is_refused() {
        let (half, [one, two, _]) = split(&SystemRng);
        assert!(combine(&half, &one).is_err());
        for seat in [0, 4, 255] {
            let mut bytes = two.expose().to_vec();
            bytes[0] = seat;
            assert!(combine(&one, &Share::of(bytes)).is_err(), "seat {seat}");
        }
        assert!(combine(&one, &Share::of(two.expose()[..64].to_vec())).is_err());
    }
}
