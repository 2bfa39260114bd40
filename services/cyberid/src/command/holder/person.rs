//! Who enrols: a person's document and evidence, from a file, or from a sandbox's synthetic people.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use cyberid_client::Client;
use cyberid_crypto::json::{self, InvalidJson};
use cyberid_protocol::enrolment::{Document, Evidence};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::command::outside::{Failure, read_bytes};

/// Where the person comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::command) struct PersonSource {
    /// A file with `document` and `evidence`, as an entry of `GET /sandbox/people`; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    person: Option<PathBuf>,
    /// Take the N-th synthetic person of the server's sandbox, counted from 1.
    #[arg(long, value_name = "N")]
    sandbox_person: Option<NonZeroUsize>,
}

/// A person who can enrol.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct Person {
    document: Document,
    evidence: Evidence,
    /// Told by a sandbox; an enrolment does not state it.
    #[serde(default, rename = "birth_date")]
    _birth_date: IgnoredAny,
}

#[derive(Debug, Deserialize)]
struct People {
    people: Vec<Person>,
}

/// Why there is nobody to enrol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::command) enum PersonError {
    /// The file is not of the form.
    #[error(r#"the person is not of the form {{"document": {{"type", "name", "number", "valid_until"}}, "evidence": {{"kind", "token"}}}}: {0}"#)]
    Malformed(#[from] InvalidJson),
    /// The sandbox has fewer people.
    #[error("the sandbox lists {listed} people only")]
    NoSuchPerson {
        /// How many.
        listed: usize,
    },
}

impl PersonSource {
    /// The person.
    pub(in crate::command) async fn read(&self, client: &Client) -> Result<Person, Failure> {
        match (&self.person, self.sandbox_person) {
            (Some(path), _) => Ok(Person::from_json(&read_bytes(path)?)?),
            (None, nth) => sandbox_person(client, nth.map_or(1, NonZeroUsize::get)).await,
        }
    }
}

impl Person {
    pub(in crate::command) fn from_json(bytes: &[u8]) -> Result<Self, PersonError> {
        Ok(json::from_slice(bytes)?)
    }

    /// What an enrolment states of them.
    pub(in crate::command) fn stated(self) -> (Document, Evidence) {
        (self.document, self.evidence)
    }
}

pub(in crate::command) async fn sandbox_person(client: &Client, nth: usize) -> Result<Person, Failure> {
    let People { people } = client.get(&format!("/sandbox/people?limit={nth}")).await?;
    let listed = people.len();
    let person = people.into_iter().nth(nth - 1);
    Ok(person.ok_or(PersonError::NoSuchPerson { listed })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str = r#"{"document": {"type": "passport", "name": "ANNA ERIKSSON", "number": "L898902C36",
        "valid_until": "2034-05-01"}, "evidence": {"kind": "sandbox", "token": "dG9rZW4"}"#;

    #[test]
    fn an_entry_of_the_sandbox_is_a_person_with_or_without_birth_date() {
        for text in [
            format!("{PERSON}}}"),
            format!(r#"{PERSON}, "birth_date": "1949-12-31"}}"#),
        ] {
            let (document, evidence) = Person::from_json(text.as_bytes()).unwrap().stated();
            assert_eq!(document.name.expose(), "ANNA ERIKSSON");
            assert_eq!(
                (evidence.kind.as_str(), evidence.token.expose()),
                ("sandbox", "dG9rZW4")
            );
        }
    }

    #[test]
    fn a_person_with_a_member_too_many_is_refused() {
        let text = format!(r#"{PERSON}, "pin": "52719406"}}"#);
        let refused = Person::from_json(text.as_bytes()).err();
        assert_eq!(refused, Some(PersonError::Malformed(InvalidJson::Shape)));
    }
}
