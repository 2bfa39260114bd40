//! What a leaf says apart from its kind, its time and its link: what every leaf of one release repeats.

use cyberid_crypto::digest;

/// The members in which the leaves of one release differ.
const OWN: [&str; 3] = ["kind", "previous", "time"];

/// The digest of a leaf without its own members. `text` is a canonical leaf: one value, one text, so that equal texts
/// are equal sayings.
pub(crate) fn repeated(text: &str) -> [u8; 32] {
    let mut kept = String::with_capacity(text.len());
    for member in members(text) {
        let own = OWN.iter().any(|name| {
            member
                .strip_prefix('"')
                .and_then(|rest| rest.strip_prefix(name)?.strip_prefix("\":"))
                .is_some()
        });
        if !own {
            kept.push_str(member);
            kept.push(',');
        }
    }
    digest::sha256(kept.as_bytes())
}

/// The members of a canonical object, each as it stands between the commas.
fn members(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let mut rest = inside.unwrap_or_default();
    std::iter::from_fn(move || {
        let (member, after) = rest
            .split_at_checked(member_end(rest))
            .filter(|(member, _)| !member.is_empty())?;
        rest = after.strip_prefix(',').unwrap_or(after);
        Some(member)
    })
}

/// Where the first member ends: at the first comma outside of texts, lists and inner objects.
fn member_end(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_taken_apart_whatever_they_hold() {
        let text = r#"{"a":"x,\"]","b":[1,{"c":2,"d":[]}],"kind":"k","z":0}"#;
        let found: Vec<&str> = members(text).collect();
        assert_eq!(
            found,
            [
                r#""a":"x,\"]""#,
                r#""b":[1,{"c":2,"d":[]}]"#,
                r#""kind":"k""#,
                r#""z":0"#
            ]
        );
        assert_eq!(members("{}").count(), 0);
    }

    #[test]
    fn only_kind_time_and_link_may_differ() {
        let text = r#"{"a":1,"kind":"x","previous":"p","time":1}"#;
        assert_eq!(repeated(text), repeated(r#"{"a":1,"kind":"y","time":2}"#));
        for other in [
            r#"{"a":2,"kind":"x","previous":"p","time":1}"#,
            r#"{"a":1,"kind":"x","kinds":1,"time":1}"#,
            r#"{"kind":"x","time":1}"#,
            r#"{"a":1,"b":1,"kind":"x","time":1}"#,
        ] {
            assert_ne!(repeated(text), repeated(other), "{other}");
        }
    }
}
