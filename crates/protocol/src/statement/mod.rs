//! The statement that a holder is shown before a release: fixed templates, in Chinese and English.
//!
//! Platform and holder's app both render it, so that the app shows nothing that differs from what it signs.

use cyberid_domain::field::Field;
use serde::{Deserialize, Serialize};

/// A language that statements exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Locale {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Locale {
    /// The language tag, BCP 47.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

impl std::str::FromStr for Locale {
    type Err = &'static str;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        [Self::Chinese, Self::English]
            .into_iter()
            .find(|locale| locale.as_str() == tag)
            .ok_or("no such locale")
    }
}

/// The exact text that the holder is shown before a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its language.
    pub locale: Locale,
    /// The text.
    pub text: String,
}

/// What a statement says.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The relying party's registered name.
    pub name: &'a str,
    /// The relying party's registered domain.
    pub domain: &'a str,
    /// The registered purpose.
    pub purpose: &'a str,
    /// The fields that are asked.
    pub fields: &'a [Field],
    /// The registered legal basis.
    pub legal_basis: &'a str,
    /// The registered retention in days.
    pub retention_days: u32,
    /// Where the relying party's notice stands.
    pub notice_uri: &'a str,
    /// The thumbprint of the key that plaintext is encrypted to.
    pub enc_jkt: &'a str,
}

/// The statement of these terms.
pub fn render(locale: Locale, terms: &Terms<'_>) -> Statement {
    let template = match locale {
        Locale::Chinese => include_str!("release.zh-CN.txt"),
        Locale::English => include_str!("release.en.txt"),
    };
    let fields: Vec<String> = terms
        .fields
        .iter()
        .map(|field| format!("- {}", label(locale, *field)))
        .collect();
    let values = [
        ("fields", fields.join("\n")),
        ("name", terms.name.into()),
        ("domain", terms.domain.into()),
        ("purpose", terms.purpose.into()),
        ("legal_basis", terms.legal_basis.into()),
        ("retention_days", terms.retention_days.to_string()),
        ("notice_uri", terms.notice_uri.into()),
        ("enc_jkt", terms.enc_jkt.into()),
    ];
    Statement {
        locale,
        text: fill(template.trim_end(), &values),
    }
}

/// Fills `{name}` places in one pass, so that a value that looks like a place stays a value.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        text.extend(
            values
                .iter()
                .filter(|(name, _)| *name == place)
                .map(|(_, value)| value.as_str()),
        );
        rest = after;
    }
    text.push_str(rest);
    text
}

/// What a field is called in front of people.
pub const fn label(locale: Locale, field: Field) -> &'static str {
    match (locale, field) {
        (Locale::Chinese, Field::Name) => "姓名",
        (Locale::Chinese, Field::DocumentType) => "证件类型",
        (Locale::Chinese, Field::DocumentNumber) => "证件号码",
        (Locale::Chinese, Field::BirthDate) => "出生日期",
        (Locale::Chinese, Field::ValidUntil) => "证件有效期",
        (Locale::English, Field::Name) => "name",
        (Locale::English, Field::DocumentType) => "document type",
        (Locale::English, Field::DocumentNumber) => "document number",
        (Locale::English, Field::BirthDate) => "date of birth",
        (Locale::English, Field::ValidUntil) => "document valid until",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms<'_> = Terms {
        name: "Bank {purpose}",
        domain: "bank.example",
        purpose: "open-account",
        fields: &[Field::Name, Field::BirthDate],
        legal_basis: "AML Law art. 18",
        retention_days: 30,
        notice_uri: "https://bank.example/privacy",
        enc_jkt: "thumbprint",
    };

    #[test]
    fn every_term_is_said_in_both_languages() {
        for locale in [Locale::Chinese, Locale::English] {
            let text = render(locale, &TERMS).text;
            let said = [
                "bank.example",
                "open-account",
                "AML Law art. 18",
                "30",
                "thumbprint",
                "/privacy",
            ];
            assert!(said.iter().all(|term| text.contains(term)), "{text}");
            assert!(
                TERMS
                    .fields
                    .iter()
                    .all(|field| text.contains(label(locale, *field))),
                "{text}"
            );
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
}
