//! The paths tiles and entry bundles are served at (tlog-tiles, Merkle Tree and Log entries).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::FULL_WIDTH;
use crate::text;

/// The highest level a path may name (tlog-tiles, Merkle Tree).
const MAX_PATH_LEVEL: u8 = 63;

/// What is served at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Merkle tree hashes, at `tile/<L>/`.
    Hashes {
        /// The level of the tile, 0 to 63.
        level: u8,
    },
    /// Log entries, at `tile/entries/`.
    Entries,
}

/// The path of a tile or entry bundle, relative to the log's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// The text is not the one canonical form of a tile path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the tile path is malformed")]
pub struct PathError;

impl TilePath {
    /// Names a tile of `width` hashes or entries, 1 to 256; `None` outside of that or above level 63.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Option<Self> {
        let level_allowed = !matches!(kind, TileKind::Hashes { level } if level > MAX_PATH_LEVEL);
        (level_allowed && (1..=FULL_WIDTH).contains(&width)).then_some(Self { kind, index, width })
    }

    /// What is served there.
    pub fn kind(self) -> TileKind {
        self.kind
    }

    /// The position in its level, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// The number of hashes or entries, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Says whether the tile is narrower than a full one.
    pub fn is_partial(self) -> bool {
        self.width < FULL_WIDTH
    }

    /// The path of the full tile in the same place, which replaces a partial one in time.
    #[must_use]
    pub fn full(self) -> Self {
        Self {
            width: FULL_WIDTH,
            ..self
        }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        write_index(f, self.index)?;
        if self.is_partial() {
            write!(f, ".p/{}", self.width)
        } else {
            Ok(())
        }
    }
}

impl FromStr for TilePath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        parse(path).ok_or(PathError)
    }
}

fn parse(path: &str) -> Option<TilePath> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes {
            level: text::parse_decimal(level)?.try_into().ok()?,
        },
    };
    let (index, width) = match rest.split_once(".p/") {
        // A full tile has no suffix.
        Some((index, width)) => (
            index,
            text::parse_decimal(width).filter(|&w| w < u64::from(FULL_WIDTH))?,
        ),
        None => (rest, u64::from(FULL_WIDTH)),
    };
    TilePath::new(kind, parse_index(index)?, width.try_into().ok()?)
}

/// Reads `x001/x234/067`; leading `x000` elements are refused, since one number has one path.
fn parse_index(text: &str) -> Option<u64> {
    let mut index = 0_u64;
    let mut elements = text.split('/').peekable();
    while let Some(element) = elements.next() {
        let digits = if elements.peek().is_some() {
            element.strip_prefix('x')?
        } else {
            element
        };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    let redundant = text.starts_with("x000/");
    (!redundant).then_some(index)
}

fn write_index(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    let mut leading = index / 1000;
    let mut groups = Vec::new();
    while leading > 0 {
        groups.push(leading % 1000);
        leading /= 1000;
    }
    groups
        .iter()
        .rev()
        .try_for_each(|group| write!(f, "x{group:03}/"))?;
    write!(f, "{:03}", index % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let hashes = |level, index, width| TilePath::new(TileKind::Hashes { level }, index, width).unwrap();
        for (path, text) in [
            (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (hashes(0, 0, 256), "tile/0/000"),
            (hashes(0, 273, 112), "tile/0/273.p/112"),
            (hashes(2, 0, 1), "tile/2/000.p/1"),
            (hashes(63, 1000, 255), "tile/63/x001/000.p/255"),
            (
                TilePath::new(TileKind::Entries, 1_000_000, 7).unwrap(),
                "tile/entries/x001/x000/000.p/7",
            ),
            (
                TilePath::new(TileKind::Entries, u64::MAX, 256).unwrap(),
                "tile/entries/x018/x446/x744/x073/x709/x551/615",
            ),
        ] {
            assert_eq!(path.to_string(), text);
            assert_eq!(text.parse(), Ok(path));
        }
    }

    #[test]
    fn one_tile_has_one_path() {
        for text in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/00/000",
            "tile/01/000",
            "tile/64/000",
            "tile/256/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/entrie/000",
            "tile/Entries/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001/x001",
            "tile/0/x01/001",
            "tile/0/+01",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/000.p/65537",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(PathError), "{text}");
        }
    }

    #[test]
    fn impossible_tiles_have_no_path() {
        assert_eq!(TilePath::new(TileKind::Entries, 0, 0), None);
        assert_eq!(TilePath::new(TileKind::Entries, 0, 257), None);
        assert_eq!(TilePath::new(TileKind::Hashes { level: 64 }, 0, 1), None);
    }
}
