//! The statement that a holder is shown before a release: versioned templates, in Chinese and English.
//!
//! Platform and holder's app both render it, so that the app shows nothing that differs from what it signs. A version
//! that was published is never edited, because receipts are read again after years: another wording is another version.

mod template;

use cyberid_domain::field::Field;
use serde::{Deserialize, Serialize};

use template::Template;

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

/// A published version of the statement. From the second on the text itself names it, so that it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// The first wording.
    V1,
    /// Says that each field is off until it is chosen, names each as messages do, and names its own version.
    V2,
}

impl Version {
    /// Every version, the oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The one that the platform renders now.
    pub const CURRENT: Self = Self::V2;
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

/// The statement of these terms, in the current version.
pub fn render(locale: Locale, terms: &Terms<'_>) -> Statement {
    render_as(Version::CURRENT, locale, terms)
}

/// The statement of these terms, as this version said it.
pub fn render_as(version: Version, locale: Locale, terms: &Terms<'_>) -> Statement {
    let template = Template::of(version, locale);
    let fields: Vec<String> = terms.fields.iter().map(|field| template.line(*field)).collect();
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
        text: template.fill(&values),
    }
}

/// The published version that makes exactly this statement of these terms; nothing if none does, and then the text
/// says something else than the terms.
pub fn version_of(statement: &Statement, terms: &Terms<'_>) -> Option<Version> {
    Version::ALL
        .into_iter()
        .find(|version| render_as(*version, statement.locale, terms) == *statement)
}

#[cfg(test)]
mod tests;
