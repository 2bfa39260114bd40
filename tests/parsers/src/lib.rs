//! What every parser promises, as functions of any bytes: they end, and what they accept has the property that the
//! parser is there for (one text for one value, nothing signed by a key that did not sign it).
//!
//! The fuzzer (`fuzz/`) runs them on what it finds; the ordinary tests run them on mutations of the same seeds.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "this package is test support: a broken promise ends the run"
)]

mod evidence;
mod http_texts;
mod ledger_proofs;
mod ledger_texts;
mod mutate;
mod passports;
mod seals;
mod seeds;
mod tokens;
mod values;

pub use mutate::Mutator;

/// A parser under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of its file in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// What it promises; says whether the parser took the bytes.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that it accepts, or nearly.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($module:ident::$name:ident,)*) => {
        /// Every parser.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $module::$name,
            seeds: seeds::$name,
        }),*];
    };
}

targets! {
    tokens::jws,
    tokens::messages,
    tokens::dpop,
    seals::jwe,
    seals::sealed,
    seals::warrant,
    seals::questions,
    evidence::order,
    evidence::passkey,
    evidence::archive,
    evidence::receipt_file,
    values::jwk,
    values::key_file,
    values::json,
    values::canonical,
    values::leaf,
    values::problem,
    values::bodies,
    values::names,
    values::locale,
    values::pin,
    values::document_number,
    values::network_number,
    http_texts::query,
    http_texts::headers,
    ledger_texts::note,
    ledger_texts::verifier_key,
    ledger_texts::checkpoint,
    ledger_texts::cosignature,
    ledger_texts::policy,
    ledger_texts::witness_request,
    ledger_texts::witness_answer,
    ledger_texts::tile_path,
    ledger_texts::tile,
    ledger_texts::bundle,
    ledger_proofs::inclusion,
    ledger_proofs::consistency,
    ledger_proofs::receipt,
    passports::security_object,
    passports::machine_zone,
    passports::trust_anchors,
}

/// The parser of this name.
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    *found.unwrap_or_else(|| panic!("no target {name}"))
}

/// The text of the bytes; most parsers take nothing else.
fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
