//! That no place is missing: whatever the documents or the source code say takes a signed or sealed message was attacked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use journeys::attacks::{TYPES, Token};
use journeys::{Operation, operations};
use reqwest::Request;
use serde_json::Value;

/// Texts in bodies that are no messages, by how the names of their members end: what people say, names, keys and hashes,
/// what only the source or a passport's state signs. Whatever else is a text without a form is taken for a message.
const WORDS: [&str; 38] = [
    "alg",
    "client_assertion_type",
    "code",
    "contact",
    "crv",
    "custodian_consistency",
    "deletion_contact",
    "device_jkt",
    "dg1",
    "dg2",
    "domains",
    "events_uri",
    "evidence.token",
    "grant_type",
    "hashes",
    "kid",
    "kind",
    "kty",
    "leaf",
    "legal_basis",
    "name",
    "network_numbers",
    "nonce",
    "notice_uri",
    "number",
    "number_salt",
    "proof",
    "purpose",
    "reference",
    "request",
    "salt",
    "sod",
    "sub",
    "use",
    "vault_consistency",
    "x",
    "y",
    // A misuse report has the body of an enrolment; what a guardian says is not read there.
    "POST /v1/misuse-reports guardian_consent",
];

/// Types of which the place is in a test of its own, beside the code that only it can reach.
const ELSEWHERE: [(&str, &str); 4] = [
    (
        "cyberid-source-answer+jwt",
        "services/issuance/src/tests/attacks.rs",
    ),
    (
        "cyberid-source-notice+jwt",
        "services/issuance/src/tests/attacks.rs",
    ),
    (
        "cyberid-key-ceremony+jwt",
        "services/cyberid/src/command/keys/ceremony/attacks.rs",
    ),
    (
        "cyberid-key-transcript+jwt",
        "services/cyberid/src/command/keys/ceremony/attacks.rs",
    ),
];

/// Where messages went while it is noted: method, path, and member.
static SENT: Mutex<Option<BTreeSet<[String; 3]>>> = Mutex::new(None);

/// Notes the members of a call that look like messages.
pub(crate) fn note(call: &Request) {
    let mut sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(sent), Some(body)) = (sent.as_mut(), call.body().and_then(|body| body.as_bytes())) else {
        return;
    };
    let mut members = BTreeSet::new();
    match serde_json::from_slice(body) {
        Ok(body) => texts(&body, "", &mut members),
        Err(_) => members.extend(form(str::from_utf8(body).unwrap_or_default())),
    }
    for (member, text) in members {
        if text.starts_with("eyJ") {
            sent.insert([call.method().to_string(), call.url().path().to_owned(), member]);
        }
    }
}

fn form(body: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The texts in a value, by their members.
fn texts(value: &Value, member: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::String(text) => drop(found.insert((member.to_owned(), text.clone()))),
        Value::Array(items) => items.iter().for_each(|item| texts(item, member, found)),
        Value::Object(members) => {
            for (name, value) in members {
                texts(value, &joined(member, name), found);
            }
        }
        _ => {}
    }
}

fn joined(member: &str, name: &str) -> String {
    format!("{member}.{name}").trim_start_matches('.').to_owned()
}

/// What a half of the places takes.
#[derive(Default)]
pub(crate) struct Covered {
    types: BTreeSet<String>,
    members: BTreeSet<String>,
}

impl Covered {
    /// Notes what was taken.
    pub(crate) fn note(&mut self, covers: Option<&'static str>, good: &Token) {
        self.types.extend(good.header["typ"].as_str().map(str::to_owned));
        self.members.extend(covers.map(str::to_owned));
    }
}

/// One test at a time notes where messages went.
static NOTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What all places take.
pub(crate) struct Coverage {
    covered: Covered,
    _noting: tokio::sync::MutexGuard<'static, ()>,
}

impl Coverage {
    /// Notes from now on.
    pub(crate) async fn begin() -> Self {
        let alone = NOTING.lock().await;
        *SENT.lock().unwrap() = Some(BTreeSet::new());
        Self {
            covered: Covered::default(),
            _noting: alone,
        }
    }

    pub(crate) fn add(&mut self, half: Covered) {
        self.covered.types.extend(half.types);
        self.covered.members.extend(half.members);
    }

    /// Every operation's every message was taken, and every type of message.
    pub(crate) fn is_whole(&self) {
        let sent = SENT.lock().unwrap().take().unwrap();
        let mut missing = Vec::new();
        for operation in operations() {
            for member in messages(&operation) {
                let named = format!("{} {} {member}", operation.method, operation.path);
                let went = |[method, path, to]: &[String; 3]| {
                    *method == operation.method && *to == member && fits(path, &operation.path)
                };
                let said = WORDS.contains(&named.as_str()) || self.covered.members.contains(&named);
                if !said && !sent.iter().any(went) {
                    missing.push(named);
                }
            }
        }
        assert!(missing.is_empty(), "members that no place attacks: {missing:#?}");
        for (typ, file) in types() {
            assert!(TYPES.contains(&&*typ), "{typ} is swapped with no other: {file}");
            assert!(self.is_taken(&typ), "{typ} is taken at no place: {file}");
        }
    }

    fn is_taken(&self, typ: &str) -> bool {
        let elsewhere = ELSEWHERE.iter().find(|(named, _)| *named == typ);
        let elsewhere = elsewhere.map(|(_, file)| fs::read_to_string(root().join(file)).unwrap());
        elsewhere.is_some_and(|test| test.contains("attacks::on_tokens()"))
            || self.covered.types.contains(typ)
    }
}

/// Whether a path is one of a template.
fn fits(path: &str, template: &str) -> bool {
    let (path, template) = (path.split('/'), template.split('/'));
    path.clone().count() == template.clone().count()
        && path
            .zip(template)
            .all(|(is, said)| is == said || said.starts_with('{'))
}

/// The members of an operation's body that are messages.
fn messages(operation: &Operation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let contents = operation.said["requestBody"]["content"].as_object();
    for content in contents.into_iter().flat_map(serde_json::Map::values) {
        formless(&content["schema"], &operation.document, "", &mut found);
    }
    let is_word = |member: &str| {
        WORDS
            .iter()
            .any(|word| member == *word || member.ends_with(&format!(".{word}")))
    };
    found.retain(|member| !member.is_empty() && !is_word(member));
    found
}

/// The texts of a schema of which it says nothing more.
fn formless(schema: &Value, document: &Value, member: &str, found: &mut BTreeSet<String>) {
    let named = schema["$ref"]
        .as_str()
        .and_then(|name| document.pointer(&name[1..]));
    let schema = named.unwrap_or(schema);
    for several in ["oneOf", "anyOf", "allOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            formless(one, document, member, found);
        }
    }
    for (name, value) in schema["properties"].as_object().into_iter().flatten() {
        formless(value, document, &joined(member, name), found);
    }
    let is = |typ: &str| {
        schema["type"] == typ
            || schema["type"]
                .as_array()
                .is_some_and(|types| types.contains(&typ.into()))
    };
    if is("array") {
        formless(&schema["items"], document, member, found);
    }
    let formed = ["enum", "pattern", "format", "const"]
        .iter()
        .any(|form| schema.get(form).is_some());
    if is("string") && !formed {
        found.insert(member.to_owned());
    }
}

/// The types of message that the source code names, each with where.
fn types() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["crates", "services"] {
        for package in fs::read_dir(root().join(folder)).unwrap() {
            search(&package.unwrap().path().join("src"), &mut found);
        }
    }
    assert!(found.len() > 30, "{found:?}");
    found
}

fn search(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let named = text
                .lines()
                .filter(|line| line.contains("TYP: &"))
                .filter_map(|line| line.split('"').nth(1));
            found.extend(named.map(|typ| (typ.to_owned(), path.display().to_string())));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
