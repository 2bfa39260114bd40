//! Canonical forms, for any value: one value has one text, and nobody else's text is read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use cyberid_crypto::jws::{self, Unverified};
use cyberid_crypto::{Sign as _, SigningKey, base64url, json};
use cyberid_domain::UnixTime;
use cyberid_domain::number::NetworkNumber;
use cyberid_protocol::canonical;
use cyberid_protocol::leaf::{Leaf, LeafKind};
use cyberid_protocol::problem::{Problem, ProblemType};
use parsers::{Mutator, target};
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

/// Any JSON object; its numbers are those that JavaScript holds (RFC 8785, section 3.2.2.3).
fn any_object() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (-9_007_199_254_740_991..=9_007_199_254_740_991_i64).prop_map(Number::from),
        any::<f64>().prop_filter_map("no number", Number::from_f64),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
    ];
    let value = leaf.prop_recursive(4, 32, 5, |inner| {
        let members = prop::collection::vec((any::<String>(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::Array),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::vec((any::<String>(), value), 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

fn key(scalar: u8) -> SigningKey {
    SigningKey::from_scalar(&[scalar; 32]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn canonical_json_is_a_fixpoint(value in any_object()) {
        let text = canonical::to_string(&value).unwrap();
        let read: Value = canonical::from_str(&text).unwrap();
        prop_assert_eq!(canonical::to_string(&read).unwrap(), text);
    }

    /// RFC 8785, section 3.2.3: members are sorted by the UTF-16 units of their names.
    #[test]
    fn canonical_members_are_sorted_by_utf16(names in prop::collection::hash_set(any::<String>(), 0..8)) {
        let object: Map<String, Value> = names.iter().map(|name| (name.clone(), 0.into())).collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_by_key(|name| name.encode_utf16().collect::<Vec<_>>());
        let expected: Vec<String> = sorted
            .iter()
            .map(|name| format!("{}:0", canonical::to_string(name).unwrap()))
            .collect();
        prop_assert_eq!(canonical::to_string(&object).unwrap(), format!("{{{}}}", expected.join(",")));
    }

    #[test]
    fn a_canonical_text_with_one_letter_more_is_not_canonical(value in any_object(), at in any::<prop::sample::Index>(), letter in "[ \t\n]") {
        let text = canonical::to_string(&value).unwrap();
        let at = at.index(text.len() + 1);
        prop_assume!(text.is_char_boundary(at));
        let altered = format!("{}{letter}{}", &text[..at], &text[at..]);
        // Inside a string a blank is another text of another value, and then as canonical as before.
        if let Ok(read) = canonical::from_str::<Value>(&altered) {
            prop_assert_eq!(canonical::to_string(&read).unwrap(), altered);
            prop_assert_ne!(read, value);
        }
    }

    #[test]
    fn base64url_is_one_to_one(bytes in any::<Vec<u8>>()) {
        prop_assert_eq!(base64url::decode(&base64url::encode(&bytes)), Some(bytes));
    }

    #[test]
    fn two_texts_are_never_the_same_bytes(text in "[A-Za-z0-9_=+/-]{0,12}") {
        if let Some(bytes) = base64url::decode(&text) {
            prop_assert_eq!(base64url::encode(&bytes), text);
        }
    }

    #[test]
    fn what_is_signed_is_read_and_by_nobody_else(claims in any_object(), typ in "[a-z+.-]{1,30}") {
        let compact = jws::sign(&key(7), &typ, &claims).unwrap();
        prop_assume!(compact.len() <= jws::MAX_LENGTH);
        let read: Value = jws::verify(&compact, &typ, &key(7).public_key()).unwrap();
        // Text is compared: a float that is a whole number reads back as it is written.
        prop_assert_eq!(canonical::to_string(&read).unwrap(), canonical::to_string(&claims).unwrap());
        prop_assert!(jws::verify::<Value>(&compact, &typ, &key(8).public_key()).is_err());
        let other = typ + "x";
        prop_assert!(Unverified::parse(&compact, &other).is_err());
    }

    #[test]
    fn a_network_number_is_read_as_it_is_shown(text in "[0-9A-HJKMNP-TV-Z]{5}-?[0-9A-HJKMNP-TV-Z]{5}") {
        if let Ok(number) = text.parse::<NetworkNumber>() {
            prop_assert_eq!(number.compact(), text.replace('-', ""));
            prop_assert_eq!(number.to_string().parse::<NetworkNumber>().unwrap(), number);
        }
    }

    #[test]
    fn a_leaf_has_one_text(time in 0..=9_007_199_254_740_991_u64, purpose in any::<Option<String>>(), days in any::<Option<u32>>()) {
        let leaf = Leaf { purpose, retention_days: days, ..Leaf::new(LeafKind::ReleaseIntended, UnixTime(time)) };
        let text = leaf.to_text().unwrap();
        prop_assert_eq!(Leaf::from_text(&text).unwrap(), leaf.clone());
        let longer = text + " ";
        prop_assert!(Leaf::from_text(&longer).is_err());
        prop_assert!(Leaf::from_text(&serde_json::to_string_pretty(&leaf).unwrap()).is_err());
    }

    #[test]
    fn a_problem_reads_back(detail in any::<String>(), name in "[a-z_]{1,12}", size in any::<u64>(), at in any::<prop::sample::Index>()) {
        let kind = ProblemType::ALL[at.index(ProblemType::ALL.len())];
        let problem = Problem::new(kind).detail(detail).with(&name, size);
        let written = serde_json::to_vec(&problem).unwrap();
        prop_assert_eq!(json::from_slice::<Problem>(&written).unwrap(), problem);
    }
}

/// Every message of every type, with every one of its letters exchanged for every other that base64url has.
#[test]
fn a_message_with_any_letter_exchanged_is_refused() {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
    let jws = target("jws");
    let mut mutator = Mutator::new(7);
    for seed in (jws.seeds)() {
        assert!((jws.run)(&seed));
        for at in 0..seed.len() {
            // One other letter each, drawn anew.
            let drawn = mutator.mutated(&[seed[at]], b"")[..]
                .iter()
                .fold(at, |sum, byte| sum + usize::from(*byte));
            let mut altered = seed.clone();
            altered[at] = letters[drawn % letters.len()];
            assert!(
                altered == seed || !(jws.run)(&altered),
                "at {at}: {}",
                String::from_utf8_lossy(&altered)
            );
        }
    }
}
