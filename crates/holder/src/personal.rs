//! JSON with personal data in it, written by hand: the types of personal data have no way into JSON. Every buffer on the way
//! is wiped.

use cyberid_crypto::KeyFailure;
use cyberid_domain::pin::Pin;
use cyberid_protocol::enrolment::{Document, Evidence};
use serde_json::to_writer;
use zeroize::Zeroizing;

/// What stands before a text, and the text.
pub(crate) type Member<'a> = (&'static str, &'a str);

/// An object of these members, with `end` after the last text.
pub(crate) fn written(members: &[Member<'_>], end: &str) -> Result<Zeroizing<Vec<u8>>, KeyFailure> {
    // Room for every character escaped, so that no growing buffer leaves a copy behind.
    let room: usize = members
        .iter()
        .map(|(name, text)| name.len() + 6 * text.len() + 2)
        .sum();
    let mut json = Zeroizing::new(Vec::with_capacity(room + end.len()));
    for (name, text) in members {
        json.extend_from_slice(name.as_bytes());
        to_writer(&mut *json, text).map_err(|_| KeyFailure)?;
    }
    json.extend_from_slice(end.as_bytes());
    Ok(json)
}

/// The members with which an object begins that states a document, evidence and a PIN.
pub(crate) fn person<'a>(document: &'a Document, evidence: &'a Evidence, pin: &'a Pin) -> Vec<Member<'a>> {
    let mut members = vec![
        (r#"{"document":{"type":"#, document.kind.as_str()),
        (r#","name":"#, document.name.expose()),
        (r#","number":"#, document.number.expose()),
        (r#","valid_until":"#, document.valid_until.expose()),
        (r#"},"evidence":{"kind":"#, evidence.kind.as_str()),
        (r#","token":"#, evidence.token.expose()),
    ];
    let Some(chip) = &evidence.chip else {
        members.push((r#"},"pin":"#, pin.expose()));
        return members;
    };
    members.push((r#","chip":{"sod":"#, chip.sod.expose()));
    members.push((r#","dg1":"#, chip.dg1.expose()));
    members.extend(chip.dg2.as_ref().map(|dg2| (r#","dg2":"#, dg2.expose())));
    members.push((r#"}},"pin":"#, pin.expose()));
    members
}
