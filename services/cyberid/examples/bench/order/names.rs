//! Names for many functions: what the symbols of those that ran have in common.
//!
//! A symbol says where its function was written, then which of its instances it is, in a hash that every compiler and every set
//! of features changes. A name ends before that, or earlier, where most of what begins alike has run. `*` stands for
//! anything and `?` for one character, as in a linker script.

use std::collections::{BTreeMap, BTreeSet};

/// A name stands for everything that begins with it if so much of that, in bytes, has run.
const SHARE: f64 = 0.6;

/// Names of the functions that `ran`, among all with their `sizes`.
pub(crate) fn shared(sizes: &BTreeMap<String, u64>, ran: &BTreeSet<String>) -> Vec<String> {
    let mut all = Branch::default();
    for (symbol, size) in sizes {
        all.grow(&steps(symbol), *size, ran.contains(symbol));
    }
    let mut names = Vec::new();
    all.name(String::new(), &mut names);
    names
}

/// All functions whose symbols begin alike.
#[derive(Default)]
struct Branch {
    branches: BTreeMap<String, Self>,
    bytes: u64,
    bytes_run: u64,
    has_run: bool,
}

impl Branch {
    fn grow(&mut self, steps: &[String], bytes: u64, ran: bool) {
        self.bytes += bytes;
        if ran {
            self.bytes_run += bytes;
            self.has_run = true;
        }
        if let [first, rest @ ..] = steps {
            self.branches
                .entry(first.clone())
                .or_default()
                .grow(rest, bytes, ran);
        }
    }

    fn name(&self, begun: String, names: &mut Vec<String>) {
        if !self.has_run {
            return;
        }
        if self.branches.is_empty() {
            names.push(begun);
        } else if !begun.is_empty() && self.mostly_runs() {
            names.push(begun + "*");
        } else {
            for (step, branch) in &self.branches {
                branch.name(format!("{begun}{step}"), names);
            }
        }
    }

    fn mostly_runs(&self) -> bool {
        self.bytes_run as f64 >= SHARE * self.bytes as f64
    }
}

/// The steps of a symbol, from what it shares with most to what it has alone.
fn steps(symbol: &str) -> Vec<String> {
    if let Some(path) = symbol.strip_prefix("_ZN") {
        let mut steps = vec!["_ZN".to_owned()];
        steps.extend(legacy(path));
        return steps;
    }
    if symbol.starts_with("_R") {
        return vec![without_crate_hashes(symbol)];
    }
    vec![without_version(symbol)]
}

/// The steps of a path in Rust's older scheme, `<length><identifier>...17h<hash>E`.
fn legacy(mut path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    while let Some((length, identifier, rest)) = identifier(path) {
        if rest.starts_with('E') && identifier.starts_with('h') && identifier.len() == 17 {
            steps.push("17h*".into());
            return steps;
        }
        // How long the name of a type is changes with every type in it.
        let names_a_type = identifier.starts_with("_$LT$") || identifier.starts_with("drop_in_place$LT$");
        let length = if names_a_type {
            "?".repeat(length.len())
        } else {
            length.into()
        };
        let from = steps.len();
        steps.extend(pieces(identifier).map(str::to_owned));
        if let Some(first) = steps.get_mut(from) {
            first.insert_str(0, &length);
        }
        path = rest;
    }
    steps.push(path.into());
    steps
}

/// The length, the identifier of that length, and what follows.
fn identifier(path: &str) -> Option<(&str, &str, &str)> {
    let digits = path.find(|character: char| !character.is_ascii_digit())?;
    let (length, rest) = path.split_at(digits);
    let (identifier, rest) = rest.split_at_checked(length.parse().ok()?)?;
    Some((length, identifier, rest))
}

/// An identifier, cut after each module and each bracket of a type.
fn pieces(identifier: &str) -> impl Iterator<Item = &str> {
    const ENDS: [&str; 4] = ["..", "$LT$", "$GT$", "$C$"];
    let mut rest = identifier;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = ENDS.iter().filter_map(|end| Some(rest.find(end)? + end.len()));
        let (piece, behind) = rest.split_at(ends.min().unwrap_or(rest.len()));
        rest = behind;
        Some(piece)
    })
}

/// A symbol of Rust's newer scheme without the hashes of crates, `Cs<hash>_<length><crate>`.
fn without_crate_hashes(symbol: &str) -> String {
    let mut parts = symbol.split("Cs");
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let hash = part.find(|character: char| !character.is_ascii_alphanumeric());
        name.push_str("Cs*");
        name.push_str(hash.map_or(part, |end| &part[end..]));
    }
    name
}

/// A symbol of aws-lc without the version, `aws_lc_<major>_<minor>_<patch>_<name>`.
fn without_version(symbol: &str) -> String {
    let name = symbol
        .strip_prefix("aws_lc_")
        .and_then(|rest| rest.splitn(4, '_').nth(3));
    name.map_or_else(|| symbol.to_owned(), |name| format!("aws_lc_*_{name}"))
}
