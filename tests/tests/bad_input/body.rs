//! Bodies that are wrong in one point.

use journeys::Operation;
use serde_json::{Value, json};

use crate::refusal::{Code, MARKER};
use crate::scene::Call;

const MALFORMED: Code = Code::Is("malformed-request");

/// Larger than any body may be.
const TOO_LARGE: usize = 70 * 1024;

/// Every wrong body of an operation.
pub(crate) fn wrong_bodies(operation: &Operation) -> Vec<(Call, Code)> {
    let Some(body) = &operation.body else {
        return Vec::new();
    };
    let mut bodies = wrong_kinds(operation, &body.media_type);
    match (&body.example, body.media_type.as_str()) {
        (Value::Object(_), "application/json") => {
            bodies.extend(wrong_json(&body.example, &body.required));
        }
        (Value::Object(_), _) => bodies.extend(wrong_forms()),
        (example, _) => bodies.extend(wrong_texts(example.as_str().unwrap())),
    }
    let call = |Wrong {
                    name,
                    media_type,
                    bytes,
                    code,
                }: Wrong| {
        let media_type = media_type.or(Some(body.media_type.clone()));
        let call = Call::of(operation, &name).with_body(media_type.filter(|media| !media.is_empty()), bytes);
        (call, code)
    };
    bodies.into_iter().map(call).collect()
}

/// A body, and what is wrong with it.
struct Wrong {
    name: String,
    /// Nothing for the documented one, empty for none.
    media_type: Option<String>,
    bytes: Vec<u8>,
    code: Code,
}

fn wrong(name: &str, bytes: impl Into<Vec<u8>>, code: Code) -> Wrong {
    let (name, bytes) = (name.to_owned(), bytes.into());
    Wrong {
        name,
        media_type: None,
        bytes,
        code,
    }
}

/// A good body of another media type, and a body that is too large.
fn wrong_kinds(operation: &Operation, right: &str) -> Vec<Wrong> {
    let example = Call::of(operation, "").body;
    let others = [
        "",
        "text/html",
        "application/xml",
        "application/problem+json",
        "application/json-seq",
        "*/*",
    ];
    let mut kinds: Vec<Wrong> = others
        .into_iter()
        .filter(|other| *other != right)
        .map(|other| Wrong {
            media_type: Some(other.into()),
            ..wrong(
                &format!("media type {other:?}"),
                example.clone(),
                Code::Is("unsupported-media-type"),
            )
        })
        .collect();
    // OAuth has no error for another media type but `invalid_request`.
    if operation.path == "/oauth/token" {
        kinds.iter_mut().for_each(|kind| kind.code = Code::Any);
    }
    kinds.push(wrong(
        "70 KiB",
        vec![b' '; TOO_LARGE],
        Code::Is("request-too-large"),
    ));
    kinds
}

fn wrong_json(example: &Value, required: &[String]) -> Vec<Wrong> {
    let text = example.to_string();
    let mut bodies = wrong_syntax(&text);
    bodies.extend(wrong_members(example));
    for name in required {
        let mut without = example.clone();
        without.as_object_mut().unwrap().remove(name);
        bodies.push(wrong(&format!("without {name}"), without.to_string(), MALFORMED));
        let mut null = example.clone();
        null[name] = Value::Null;
        bodies.push(wrong(&format!("{name} null"), null.to_string(), MALFORMED));
    }
    bodies
}

fn wrong_syntax(text: &str) -> Vec<Wrong> {
    let inside = &text[1..];
    let first = inside.split(':').next().unwrap();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let quote = text.find('"').unwrap() + 1;
    let with = |bytes: &[u8]| [&text.as_bytes()[..quote], bytes, &text.as_bytes()[quote..]].concat();
    vec![
        wrong("nothing", "", MALFORMED),
        wrong("a space", " ", MALFORMED),
        wrong("no JSON", MARKER, MALFORMED),
        wrong("a number", "7", MALFORMED),
        wrong("a string", format!("\"{MARKER}\""), MALFORMED),
        wrong("null", "null", MALFORMED),
        wrong("an empty array", "[]", MALFORMED),
        wrong("an array around it", format!("[{text}]"), MALFORMED),
        wrong(
            "an unknown member",
            format!("{{\"{MARKER}\":1,{inside}"),
            MALFORMED,
        ),
        wrong("__proto__", format!("{{\"__proto__\":{{}},{inside}"), MALFORMED),
        wrong("a member twice", format!("{{{first}:null,{inside}"), MALFORMED),
        wrong(
            "half",
            text[..text.len() / 2].replace(|c: char| !c.is_ascii(), "a"),
            MALFORMED,
        ),
        wrong(
            "all but the last byte",
            text[..text.len() - 1].to_owned(),
            MALFORMED,
        ),
        wrong("another one after it", format!("{text}{text}"), MALFORMED),
        wrong(
            "a comma at the end",
            format!("{},}}", &text[..text.len() - 1]),
            MALFORMED,
        ),
        wrong("a comment", format!("/* */{text}"), MALFORMED),
        wrong(
            "a byte order mark",
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            MALFORMED,
        ),
        wrong("bytes that are not UTF-8", with(b"\xFF\xFE"), MALFORMED),
        wrong("half a surrogate pair", with(b"\\ud800"), MALFORMED),
        wrong(
            "UTF-16",
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
            MALFORMED,
        ),
        wrong("a depth of 30000", deep(30_000), MALFORMED),
        wrong(
            "a member of depth 20000",
            format!("{{{first}:{}}}", deep(20_000)),
            MALFORMED,
        ),
        wrong(
            "an object of depth 5000",
            format!("{}{}", "{\"a\":".repeat(5000), "}".repeat(5000)),
            MALFORMED,
        ),
    ]
}

/// Each value of the example, however deep, replaced by values of other types.
fn wrong_members(example: &Value) -> Vec<Wrong> {
    let mut places = Vec::new();
    collect(example, "", &mut places);
    let mut bodies = Vec::new();
    for place in places {
        let was = example.pointer(&place).unwrap();
        for other in others(was) {
            let mut changed = example.clone();
            *changed.pointer_mut(&place).unwrap() = other.clone();
            bodies.push(wrong(
                &format!("{place} = {other}"),
                changed.to_string(),
                MALFORMED,
            ));
        }
        if was.is_object() {
            let mut changed = example.clone();
            changed.pointer_mut(&place).unwrap()[MARKER] = true.into();
            bodies.push(wrong(
                &format!("{place} with an unknown member"),
                changed.to_string(),
                MALFORMED,
            ));
        }
    }
    bodies
}

fn others(was: &Value) -> Vec<Value> {
    match was {
        Value::String(_) => vec![json!(7), json!(true), json!({"a": 1}), json!([MARKER])],
        Value::Number(number) => vec![
            json!(number.to_string()),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!([number]),
            json!({}),
        ],
        Value::Bool(_) => vec![json!("true"), json!(1), json!([])],
        Value::Array(_) => vec![json!(MARKER), json!(7), json!({"0": 1})],
        _ => vec![json!(MARKER), json!(7), json!([])],
    }
}

fn collect(value: &Value, at: &str, places: &mut Vec<String>) {
    if !at.is_empty() {
        places.push(at.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(member, &format!("{at}/{name}"), places);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(element, &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn wrong_forms() -> Vec<Wrong> {
    let assertion = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let grant = "grant_type=client_credentials";
    let forms = [
        String::new(),
        "=".into(),
        "&&&".into(),
        MARKER.into(),
        "{\"grant_type\":\"client_credentials\"}".into(),
        grant.into(),
        "grant_type=password&username=a&password=b".into(),
        format!("grant_type={MARKER}"),
        format!("{grant}&{grant}"),
        format!("{grant}&{assertion}"),
        format!("{grant}&{assertion}&client_assertion={MARKER}"),
        format!("{grant}&{assertion}&client_assertion=a.b.c"),
        format!("{grant}&client_id=a&client_secret=b"),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c".into(),
        format!("{grant}&{assertion}&client_assertion=%FF%00"),
    ];
    forms
        .into_iter()
        .map(|form| wrong(&format!("the form {form:.60}"), form, Code::Any))
        .collect()
}

fn wrong_texts(example: &str) -> Vec<Wrong> {
    let texts: [(&str, Vec<u8>); 6] = [
        ("nothing", Vec::new()),
        ("another text", MARKER.into()),
        ("half", example.as_bytes()[..example.len() / 2].into()),
        ("JSON", b"{}".into()),
        ("bytes that are not UTF-8", b"old 0\n\n\xFF\xFE\n".into()),
        (
            "a huge size",
            example.replace("old 0", "old 99999999999999999999").into(),
        ),
    ];
    texts
        .into_iter()
        .map(|(name, bytes)| wrong(name, bytes, Code::Any))
        .collect()
}
