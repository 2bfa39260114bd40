use cyberid_crypto::digest;

use super::*;

const TERMS: Terms<'_> = Terms {
    name: "Bank {purpose}",
    domain: "bank.example",
    purpose: "open-account",
    fields: &Field::ALL,
    legal_basis: "AML Law art. 18",
    retention_days: 30,
    notice_uri: "https://bank.example/privacy",
    enc_jkt: "thumbprint",
};

const LOCALES: [Locale; 2] = [Locale::Chinese, Locale::English];

/// What every published version made of [`TERMS`] when it was published. A hash here never changes: receipts that hold
/// it are out there. Another wording is another version.
const PUBLISHED: [(Version, Locale, &str); 4] = [
    (
        Version::V1,
        Locale::Chinese,
        "yyjaH7oJ1adsG2MhSEsNVQDcMFKmG4SoY9rgLTlzL5E",
    ),
    (
        Version::V1,
        Locale::English,
        "wbmHZFR1sUQ4BR6iGaJcdwNqsD3k6w51FgHrHrWBWag",
    ),
    (
        Version::V2,
        Locale::Chinese,
        "vtz8dRyoMIPWpeXZq04ZH3TXUEOLoO8xZV7GEMJie-E",
    ),
    (
        Version::V2,
        Locale::English,
        "6uPcC4eA9lw__TpWouaQn77Xh3jRQLlnsHS3oKDyw_E",
    ),
];

#[test]
fn what_was_published_is_rendered_to_the_letter() {
    for version in Version::ALL {
        for locale in LOCALES {
            let rendered = render_as(version, locale, &TERMS).text;
            let hash = digest::sha256_base64url(rendered.as_bytes());
            assert!(
                PUBLISHED.contains(&(version, locale, hash.as_str())),
                "{version:?} {locale:?} {hash}: another wording is another version\n{rendered}"
            );
        }
    }
}

#[test]
fn every_term_is_said_in_every_version_and_language() {
    for version in Version::ALL {
        for locale in LOCALES {
            let text = render_as(version, locale, &TERMS).text;
            let said = [
                "bank.example",
                "open-account",
                "AML Law art. 18",
                "30",
                "thumbprint",
                "/privacy",
            ];
            assert!(said.iter().all(|term| text.contains(term)), "{text}");
        }
    }
}

#[test]
fn each_field_has_a_line_of_its_own_that_names_it_as_messages_do() {
    for locale in LOCALES {
        for asked in Field::ALL {
            let terms = Terms {
                fields: &[asked],
                ..TERMS
            };
            let text = render(locale, &terms).text;
            let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("- ")).collect();
            assert_eq!(lines.len(), 1, "{text}");
            for field in Field::ALL {
                assert_eq!(lines[0].contains(field.as_str()), field == asked, "{text}");
            }
        }
    }
}

#[test]
fn a_name_that_looks_like_a_place_stays_a_name() {
    assert!(
        render(Locale::English, &TERMS)
            .text
            .starts_with("Bank {purpose} (bank.example) asks")
    );
}

#[test]
fn the_current_text_names_its_version_and_language() {
    for locale in LOCALES {
        let text = render(locale, &TERMS).text;
        let named = format!("release v{} {}", Version::ALL.len(), locale.as_str());
        assert!(text.ends_with(&named), "{text}");
    }
}

#[test]
fn a_text_is_of_the_version_that_makes_it_and_of_no_other() {
    for version in Version::ALL {
        for locale in LOCALES {
            let statement = render_as(version, locale, &TERMS);
            assert_eq!(version_of(&statement, &TERMS), Some(version));
            let more = Terms {
                retention_days: 31,
                ..TERMS
            };
            assert_eq!(version_of(&statement, &more), None);
            let text = statement.text.clone() + " ";
            assert_eq!(version_of(&Statement { locale, text }, &TERMS), None);
        }
    }
}
