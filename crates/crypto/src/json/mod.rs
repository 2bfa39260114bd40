//! JSON read strictly: one object, no duplicate member at any depth (RFC 8259 section 4 leaves them open,
//! RFC 7515 section 4 lets us refuse). Unknown members and wrong types are refused by the types read into.

mod distinct;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny};

use distinct::Distinct;
pub use distinct::Text;

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

/// Reads one object of type `T`, which may borrow from it.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, InvalidJson> {
    // A derived struct would read an array of its members too.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    read(bytes)
        .ok()
        .filter(|_| first == Some(&b'{'))
        .ok_or_else(|| why(bytes))
}

fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = T::deserialize(Distinct(&mut json))?;
    json.end()?;
    Ok(read)
}

/// Why these bytes were not read: looked for anew, so that what is read pays nothing for it.
fn why(bytes: &[u8]) -> InvalidJson {
    match read::<IgnoredAny>(bytes) {
        Ok(_) => InvalidJson::Shape,
        Err(error) if error.is_data() => InvalidJson::Duplicate,
        Err(_) => InvalidJson::Syntax,
    }
}

/// Writes a value. Claims mostly fit the space that this begins with, and then lie nowhere else.
pub(crate) fn to_vec(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(1024);
    serde_json::to_writer(&mut text, value)?;
    Ok(text)
}

/// Reads a member that may be absent; `null` is neither that nor a value.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Red,
        Of(Thing),
        With { one: u8 },
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
    struct Name(String);

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
    struct Thing {
        one: Option<Name>,
    }

    /// Whatever a type is made of is read as without us, and a duplicate in it is found.
    #[test]
    fn every_kind_of_member_is_read_and_looked_into() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct All {
            by_kind: BTreeMap<Kind, u8>,
            by_name: BTreeMap<Name, u8>,
            kinds: Vec<Kind>,
            pair: (u8, Thing),
            #[serde(flatten)]
            rest: BTreeMap<String, serde_json::Value>,
        }
        let text = |of: &str, with: &str, pair: &str, rest: &str| {
            format!(
                r#"{{"by_kind":{{"red":1}},"by_name":{{"a":1}},"kinds":["red",{{"of":{{{of}}}}},{{"with":{{{with}}}}}],
                    "pair":[1,{{{pair}}}],"more":{{{rest}}}}}"#
            )
        };
        let one = r#""one":"x""#;
        let twice = r#""one":"x","one":"x""#;
        let good = text(one, r#""one":1"#, one, one);
        let read = from_slice::<All>(good.as_bytes());
        assert_eq!(read, Ok(serde_json::from_str(&good).unwrap()));
        for bad in [
            text(twice, r#""one":1"#, one, one),
            text(one, r#""one":1,"one":1"#, one, one),
            text(one, r#""one":1"#, twice, one),
            text(one, r#""one":1"#, one, twice),
        ] {
            assert_eq!(
                from_slice::<All>(bad.as_bytes()),
                Err(InvalidJson::Duplicate),
                "{bad}"
            );
        }
        for bad in [
            r#"{"by_kind":{"red":1,"red":1}}"#,
            r#"{"by_name":{"a":1,"\u0061":1}}"#,
        ] {
            assert_eq!(
                from_slice::<All>(bad.as_bytes()),
                Err(InvalidJson::Duplicate),
                "{bad}"
            );
        }
    }

    /// What a type does not look at is looked at for it.
    #[test]
    fn a_duplicate_in_what_is_ignored_is_refused() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Open {
            exp: u64,
        }
        assert_eq!(
            from_slice(br#"{"exp":1,"x":{"a":[{"b":1}]}}"#),
            Ok(Open { exp: 1 })
        );
        for text in [
            r#"{"exp":1,"x":1,"x":1}"#,
            r#"{"exp":1,"x":{"a":[{"b":1,"b":1}]}}"#,
            r#"{"x":{"b":1,"b":1},"exp":1}"#,
        ] {
            assert_eq!(
                from_slice::<Open>(text.as_bytes()),
                Err(InvalidJson::Duplicate),
                "{text}"
            );
        }
    }

    /// A text is part of what is read, unless an escape has to be resolved.
    #[test]
    fn what_is_read_may_borrow() {
        #[derive(serde::Deserialize)]
        struct Borrowing<'a> {
            #[serde(borrow)]
            plain: Text<'a>,
            #[serde(borrow)]
            escaped: Text<'a>,
        }
        let text = br#"{"plain":"abc","escaped":"\u0061bc"}"#;
        let read: Borrowing<'_> = from_slice(text).unwrap();
        assert_eq!((&*read.plain, &*read.escaped), ("abc", "abc"));
        assert!(text.as_ptr_range().contains(&read.plain.as_ptr()));
        assert!(!text.as_ptr_range().contains(&read.escaped.as_ptr()));
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

    /// `serde_json` takes a first member of this name for one of its own types, where a value is kept.
    #[test]
    fn a_name_of_the_librarys_own_is_a_name() {
        let own = "$serde_json::private::RawValue";
        let of = |rest: &str| read(&format!(r#"{{"{own}":"{{"{rest}}}"#));
        assert_eq!(of(""), Err(InvalidJson::Shape));
        assert_eq!(of(r#","x":1"#), Err(InvalidJson::Shape));
        assert_eq!(of(r#","x":1,"x":1"#), Err(InvalidJson::Duplicate));
    }

    #[test]
    fn cut_off_or_deep_texts_are_refused() {
        assert_eq!(read(r#"{"exp":1,"tags":{"#), Err(InvalidJson::Syntax));
        assert_eq!(read(r#"{"exp":1,"tags":0} {}"#), Err(InvalidJson::Syntax));
        assert_eq!(read(&"[".repeat(100_000)), Err(InvalidJson::Syntax));
    }
}
