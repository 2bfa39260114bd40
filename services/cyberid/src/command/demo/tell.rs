//! How the story is told: who does what, what they see, and what they do not.

use cyberid_crypto::base64url;
use serde::Serialize;
use serde_json::Value;

use crate::terminal::{line, paint};

/// Begins a part of the story.
pub(crate) fn part(number: u8, title: &str) {
    line("");
    line(&paint("1;36", &format!("{number}. {title}")));
}

/// Somebody does something.
pub(crate) fn does(who: &str, what: &str) {
    line(&format!("   {} {what}", paint("1", &format!("{who}:"))));
}

/// Somebody sees something.
pub(crate) fn sees(who: &str, what: &str, value: &impl Serialize) {
    line(&format!("   {} {what}", paint("32", &format!("{who} sees"))));
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.lines().for_each(|text| line(&format!("      {text}")));
}

/// Somebody sees a text.
pub(crate) fn reads(who: &str, what: &str, text: &str) {
    line(&format!("   {} {what}", paint("32", &format!("{who} reads"))));
    text.lines().for_each(|text| line(&format!("      {text}")));
}

/// Somebody does not see something.
pub(crate) fn does_not_see(who: &str, what: &str) {
    line(&format!(
        "   {} {what}",
        paint("33", &format!("{who} does not see"))
    ));
}

/// The claims of a compact JWS, for showing only: whoever acts on them has verified them.
pub(crate) fn claims(compact: &str) -> Value {
    let payload = compact.split('.').nth(1).and_then(base64url::decode);
    payload
        .and_then(|payload| serde_json::from_slice(&payload).ok())
        .unwrap_or_default()
}
