//! JSON read strictly: one object, no duplicate member at any depth (RFC 8259 section 4 leaves them open,
//! RFC 7515 section 4 lets us refuse). Unknown members and wrong types are refused by the types read into.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why bytes are not the expected JSON object. It carries no content, which may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJson {
    /// Not JSON in UTF-8, cut off, or too deep.
    #[error("not well-formed JSON")]
    Syntax,
    /// A member stands twice in one object.
    #[error("a member stands twice in one object")]
    Duplicate,
    /// Well-formed, but not the object that is expected here: a member is missing, unknown or of a wrong type.
    #[error("not the object that is expected here")]
    Shape,
}

/// Reads one object of type `T`.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidJson> {
    match serde_json::from_slice::<Distinct>(bytes) {
        Ok(_) => {}
        Err(error) if error.is_data() => return Err(InvalidJson::Duplicate),
        Err(_) => return Err(InvalidJson::Syntax),
    }
    // A derived struct would read an array of its members too.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Err(InvalidJson::Shape);
    }
    serde_json::from_slice(bytes).map_err(|_| InvalidJson::Shape)
}

/// Reads a member that may be absent; `null` is neither that nor a value.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Any JSON value without duplicate members; nothing of it is kept.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor)
    }
}

struct DistinctVisitor;

macro_rules! accept {
    ($($visit:ident: $type:ty),*) => {$(
        fn $visit<E: serde::de::Error>(self, _: $type) -> Result<Distinct, E> {
            Ok(Distinct)
        }
    )*};
}

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Distinct;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    accept!(visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: serde::de::Error>(self) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Distinct, A::Error> {
        while items.next_element::<Distinct>()?.is_some() {}
        Ok(Distinct)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Distinct, A::Error> {
        let mut seen = Seen::default();
        while let Some((name, Distinct)) = members.next_entry::<Name<'de>, Distinct>()? {
            if !seen.insert(name) {
                return Err(serde::de::Error::custom("duplicate member"));
            }
        }
        Ok(Distinct)
    }
}

/// The name of a member: part of the text, but where it holds an escape.
#[derive(PartialEq, Eq, Hash)]
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.into())))
    }
}

/// The names of an object so far: our messages have few, a hostile one may have very many.
#[derive(Default)]
struct Seen<'de> {
    few: Vec<Name<'de>>,
    many: HashSet<Name<'de>>,
}

impl<'de> Seen<'de> {
    /// `false` if the name was there.
    fn insert(&mut self, name: Name<'de>) -> bool {
        const FEW: usize = 24;
        if self.few.contains(&name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name);
            return true;
        }
        self.many.insert(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Message {
        exp: u64,
        tags: serde_json::Value,
    }

    fn read(text: &str) -> Result<Message, InvalidJson> {
        from_slice(text.as_bytes())
    }

    #[test]
    fn a_duplicate_is_refused_at_any_depth() {
        assert!(read(r#"{"exp":1,"tags":{}}"#).is_ok());
        assert_eq!(
            read(r#"{"exp":1,"exp":1,"tags":{}}"#),
            Err(InvalidJson::Duplicate)
        );
        assert_eq!(
            read(r#"{"exp":1,"tags":[{"a":1,"\u0061":2}]}"#),
            Err(InvalidJson::Duplicate)
        );
    }

    #[test]
    fn a_duplicate_is_refused_among_very_many() {
        let members: Vec<String> = (0..1000).map(|at| format!(r#""m{at}":0"#)).collect();
        let read = |more: &str| {
            from_slice::<serde_json::Value>(format!("{{{},{more}}}", members.join(",")).as_bytes()).map(drop)
        };
        assert_eq!(read(r#""other":0"#), Ok(()));
        for at in [0, 23, 24, 25, 999] {
            assert_eq!(
                read(&format!(r#""m{at}":0"#)),
                Err(InvalidJson::Duplicate),
                "{at}"
            );
            assert_eq!(
                read(&format!(r#""\u006d{at}":0"#)),
                Err(InvalidJson::Duplicate),
                "{at}"
            );
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            r#"{"exp":"1","tags":0}"#,
            r#"{"exp":1.5,"tags":0}"#,
            r#"{"exp":1,"tags":0,"x":0}"#,
            "[1,0]",
            "{}",
        ] {
            assert_eq!(read(text), Err(InvalidJson::Shape), "{text}");
        }
    }

    #[test]
    fn cut_off_or_deep_texts_are_refused() {
        assert_eq!(read(r#"{"exp":1,"tags":{"#), Err(InvalidJson::Syntax));
        assert_eq!(read(r#"{"exp":1,"tags":0} {}"#), Err(InvalidJson::Syntax));
        assert_eq!(read(&"[".repeat(100_000)), Err(InvalidJson::Syntax));
    }
}
