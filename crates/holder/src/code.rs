//! A one-time code on paper: with the PIN it is a device key that acts once.
//!
//! 128 random bits and 12 check bits, as 28 characters of Crockford's base32. The key's scalar is Argon2id (RFC 9106, its
//! second recommended choice) over the PIN with the code as salt: a sheet that was found is nothing without the PIN, and with the
//! public key at hand each PIN that is tried costs as much as here.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use cyberid_crypto::{KeyFailure, SigningKey, Suite, digest};
use cyberid_domain::pin::Pin;
use cyberid_domain::rng::{Rng, random};
use zeroize::Zeroizing;

/// Crockford's base32, without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECK_LABEL: &[u8] = b"cyberid/v1/counter-code-check";
const SALT_LABEL: &[u8] = b"cyberid/v1/counter-code";
const CHARACTERS: usize = 28;
const GROUP: usize = 4;
const CHECK_BITS: u32 = 12;
/// 64 MiB.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;

/// A one-time code: secret, and never printed by accident.
pub struct Code(Zeroizing<[u8; 16]>);

/// A text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code: 28 characters, of which one may be misread")]
pub struct InvalidCode;

impl Code {
    /// A fresh code.
    pub fn make(rng: &dyn Rng) -> Self {
        Self(Zeroizing::new(random(rng)))
    }

    /// Reads a code as it was printed, in any case, with or without its hyphens and spaces; O is 0, I and L are 1.
    pub fn read(text: &str) -> Result<Self, InvalidCode> {
        let (mut bits, mut check, mut length) = (Zeroizing::new(0_u128), 0_u128, 0_usize);
        for character in text.chars().filter(|it| !matches!(it, '-' | ' ')) {
            let value = value_of(character).ok_or(InvalidCode)?;
            // The last three characters hold three bits of the code and the check.
            match length {
                0..25 => *bits = *bits << 5 | value,
                25..CHARACTERS => check = check << 5 | value,
                _ => return Err(InvalidCode),
            }
            length += 1;
        }
        let whole = *bits << 3 | check >> CHECK_BITS;
        let code = Self(Zeroizing::new(whole.to_be_bytes()));
        let good = length == CHARACTERS && check & ((1 << CHECK_BITS) - 1) == code.check();
        good.then_some(code).ok_or(InvalidCode)
    }

    /// The code as it is printed, in seven groups of four.
    pub fn text(&self) -> Zeroizing<String> {
        let bits = Zeroizing::new(u128::from_be_bytes(*self.0));
        let last = (*bits & 0b111) << CHECK_BITS | self.check();
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP));
        for place in 0..CHARACTERS {
            let value = match place {
                0..25 => *bits >> (3 + 5 * (24 - place)),
                _ => last >> (5 * (CHARACTERS - 1 - place)),
            };
            if place > 0 && place.is_multiple_of(GROUP) {
                text.push('-');
            }
            text.push(character_of(value));
        }
        text
    }

    /// The device key that code and PIN are together, of a platform's suite. It takes a moment and 64 MiB.
    pub fn key(&self, pin: &Pin, suite: Suite) -> Result<SigningKey, KeyFailure> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|_| KeyFailure)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let salt = Zeroizing::new([SALT_LABEL, self.0.as_slice()].concat());
        let mut scalar = Zeroizing::new([0; 32]);
        argon2
            .hash_password_into(pin.expose().as_bytes(), &salt, scalar.as_mut_slice())
            .map_err(|_| KeyFailure)?;
        // One scalar in 2^32 is none: whoever makes a code then draws another.
        SigningKey::of(suite, &scalar).map_err(|_| KeyFailure)
    }

    fn check(&self) -> u128 {
        let [first, second, ..] = digest::hmac_parts(CHECK_LABEL, &[self.0.as_slice()]);
        u128::from(u16::from_be_bytes([first, second]) >> (16 - CHECK_BITS))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

fn value_of(character: char) -> Option<u128> {
    let read = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let place = ALPHABET.iter().position(|it| char::from(*it) == read)?;
    Some(place as u128)
}

fn character_of(value: u128) -> char {
    let place = (value & 31) as usize;
    ALPHABET.get(place).copied().map_or('0', char::from)
}

#[cfg(test)]
mod tests {
    use cyberid_crypto::Sign as _;
    use cyberid_domain::rng::SystemRng;

    use super::*;

    fn pin(text: &str) -> Pin {
        Pin::entered(text.into()).unwrap()
    }

    #[test]
    fn a_code_is_read_as_it_was_printed_and_as_people_write_it() {
        for _ in 0..200 {
            let code = Code::make(&SystemRng);
            let text = code.text();
            assert_eq!(text.len(), 34);
            let sloppy = text
                .to_lowercase()
                .replace('-', " ")
                .replace('0', "o")
                .replace('1', "l");
            for written in [text.as_str(), &sloppy] {
                assert_eq!(*Code::read(written).unwrap().0, *code.0);
            }
        }
    }

    #[test]
    fn one_wrong_character_is_found_and_other_lengths_are_none() {
        let text = Code::make(&SystemRng).text();
        let mut found = 0;
        let places = (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-');
        for at in places {
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'7' { b'8' } else { b'7' };
            found += u32::from(Code::read(str::from_utf8(&wrong).unwrap()).is_err());
        }
        assert!(found >= 27, "one in 4,096 may pass");
        for other in ["", "0", &text[1..], &format!("{}0", &*text), "U", "一"] {
            assert!(Code::read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn the_key_is_of_code_and_pin_and_comes_back() {
        let (one, other) = (Code(Zeroizing::new([7; 16])), Code(Zeroizing::new([8; 16])));
        let key = |code: &Code, digits: &str| code.key(&pin(digits), Suite::Nist).unwrap().public_key();
        let first = key(&one, "52719406");
        assert_eq!(key(&one, "52719406"), first);
        assert_ne!(key(&one, "52719407"), first);
        assert_ne!(key(&other, "52719406"), first);
        // What is printed has to stay good: neither label nor cost may change.
        assert_eq!(one.text().as_str(), "0W3G-E1R7-0W3G-E1R7-0W3G-E1R7-0YG8");
        assert_eq!(first.thumbprint(), "eq1rPYErIm5AxjSjgDpiJvLMT62zvQcaOxhEYifhEWo");
    }
}
