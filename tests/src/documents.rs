//! What the platform says of itself: every operation of the OpenAPI documents that the executable writes.

#![expect(clippy::indexing_slicing, reason = "a member that is not there reads as null")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use crate::process::executable;

/// The documents by service name, as `cyberid openapi` writes them at this moment.
pub fn documents() -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(executable())
        .args(["openapi", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    documents_in(folder.path())
}

/// The documents of a folder by service name.
pub fn documents_in(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let service = path.file_stem().unwrap().to_string_lossy().into_owned();
            (service, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Every documented operation of every service.
pub fn operations() -> Vec<Operation> {
    let documents = documents();
    let documents = documents.iter().map(|(service, text)| {
        let document: Value = serde_json::from_str(text).unwrap();
        operations_of(service, &Arc::new(document))
    });
    documents.flatten().collect()
}

/// One documented operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Which service it belongs to: the name of its document.
    pub service: String,
    /// The method in capitals.
    pub method: String,
    /// The path with its parameters in braces.
    pub path: String,
    /// What the document says of it.
    pub said: Value,
    /// What it takes.
    pub body: Option<DocumentedBody>,
    /// The document that it stands in.
    pub document: Arc<Value>,
}

/// The documented body of a request.
#[derive(Debug, Clone)]
pub struct DocumentedBody {
    /// Its media type.
    pub media_type: String,
    /// An example.
    pub example: Value,
    /// The members that must be there.
    pub required: Vec<String>,
}

impl Operation {
    /// Its id.
    pub fn id(&self) -> &str {
        self.said["operationId"].as_str().unwrap_or_default()
    }

    /// The roles that may call it; none where no token is needed.
    pub fn roles(&self) -> Vec<&str> {
        let roles = self.said["x-access"].as_array().into_iter().flatten();
        roles.filter_map(Value::as_str).collect()
    }

    /// The problems that it may answer.
    pub fn problems(&self) -> Vec<&str> {
        let problems = self.said["x-problems"].as_array().into_iter().flatten();
        problems.filter_map(Value::as_str).collect()
    }

    /// Its parameters of one place, `path` or `query`, each with an example where there is one.
    pub fn parameters(&self, place: &str) -> Vec<(&str, &Value)> {
        let parameters = self.said["parameters"].as_array().into_iter().flatten();
        parameters
            .filter(|parameter| parameter["in"] == place)
            .map(|parameter| (parameter["name"].as_str().unwrap(), &parameter["example"]))
            .collect()
    }

    /// Whether every body of a success has an example, of its own or in its schema.
    pub fn answers_have_examples(&self) -> bool {
        let answers = self.said["responses"].as_object().unwrap().iter();
        let successes = answers.filter(|(status, _)| status.starts_with('2'));
        let contents = successes.filter_map(|(_, answer)| answer["content"].as_object());
        let mut contents = contents.flat_map(serde_json::Map::values);
        contents.all(|content| {
            let schema = resolved(&content["schema"], &self.document);
            [content, schema]
                .iter()
                .any(|place| place.get("example").or_else(|| place.get("examples")).is_some())
        })
    }

    /// The path with the documented example of each parameter.
    pub fn example_path(&self) -> String {
        let fill = |path: String, (name, example): (&str, &Value)| {
            let example = example
                .as_str()
                .map_or_else(|| example.to_string(), str::to_owned);
            path.replace(&format!("{{{name}}}"), &example)
        };
        self.parameters("path").into_iter().fold(self.path.clone(), fill)
    }
}

fn operations_of(service: &str, document: &Arc<Value>) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, said)| Operation {
            service: service.to_owned(),
            method: method.to_uppercase(),
            path: path.clone(),
            body: body(said, document),
            said: said.clone(),
            document: document.clone(),
        })
    });
    operations.collect()
}

fn body(said: &Value, document: &Value) -> Option<DocumentedBody> {
    let content = said["requestBody"]["content"].as_object()?;
    let (media_type, content) = content.iter().next()?;
    let example = content.get("example").cloned().or_else(|| {
        let examples = content["examples"].as_object()?;
        Some(examples.values().next()?["value"].clone())
    });
    let schema = resolved(&content["schema"], document);
    let required = schema["required"].as_array().into_iter().flatten();
    Some(DocumentedBody {
        media_type: media_type.clone(),
        example: example.unwrap_or_default(),
        required: required.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// The schema itself, where only its name stands.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(&Value::Null),
        None => schema,
    }
}

/// The errors of the token endpoint, which speaks in OAuth's words: RFC 6749 section 5.2, RFC 9449 sections 5 and 8.
pub const TOKEN_ERRORS: [&str; 8] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_dpop_proof",
    "use_dpop_nonce",
];
