//! The templates' texts, and the names of fields in them. What is here was published: it is added to, never changed.

use cyberid_domain::field::Field;

use super::{Locale, Version};

/// The text of one version in one language, with places for values.
pub(super) struct Template {
    version: Version,
    locale: Locale,
    text: &'static str,
}

impl Template {
    pub(super) fn of(version: Version, locale: Locale) -> Self {
        let text = match (version, locale) {
            (Version::V1, Locale::Chinese) => include_str!("v1/release.zh-CN.txt"),
            (Version::V1, Locale::English) => include_str!("v1/release.en.txt"),
            (Version::V2, Locale::Chinese) => include_str!("v2/release.zh-CN.txt"),
            (Version::V2, Locale::English) => include_str!("v2/release.en.txt"),
        };
        Self {
            version,
            locale,
            text,
        }
    }

    /// The line of one field.
    pub(super) fn line(&self, field: Field) -> String {
        let label = label(self.locale, field);
        match (self.version, self.locale) {
            (Version::V1, _) => format!("- {label}"),
            (Version::V2, Locale::Chinese) => format!("- {label}（{}）", field.as_str()),
            (Version::V2, Locale::English) => format!("- {label} ({})", field.as_str()),
        }
    }

    /// Fills `{name}` places in one pass, so that a value that looks like a place stays a value.
    pub(super) fn fill(&self, values: &[(&str, String)]) -> String {
        let template = self.text.trim_end();
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
}

/// What a field is called in front of people, in both versions.
const fn label(locale: Locale, field: Field) -> &'static str {
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
