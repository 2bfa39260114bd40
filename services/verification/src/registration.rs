//! The rules of registrations. Only a registration that keeps them becomes a [`CheckedRegistration`], and only such a
//! one is stored.

use std::collections::BTreeSet;

use cyberid_crypto::{Jwk, PublicKey, Suite};
use cyberid_domain::check::distinct;
use cyberid_domain::relying_party::IntendedUse;
use cyberid_protocol::canonical;
use cyberid_protocol::registration::Registration;
use cyberid_protocol::visit::MAX_PURPOSE;
use url::{Host, Url};

use crate::refusal::Refusal;

const MAX_NAME: usize = 100;
const MAX_CONTACT: usize = 300;
const MAX_LEGAL_BASIS: usize = 500;
const MAX_URI: usize = 1_000;
const MAX_DOMAINS: usize = 20;
const MAX_USES: usize = 50;
const MAX_KEYS: usize = 10;
/// Ten years.
const MAX_RETENTION_DAYS: u32 = 3_650;

/// Names that never stand for a public host: RFC 6761, RFC 6762, RFC 8375, and the one for private use.
const PRIVATE_ZONES: [&str; 7] = [
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "invalid",
    "onion",
    "alt",
];

/// A registration that keeps every rule.
#[derive(Debug)]
pub(crate) struct CheckedRegistration(Registration);

impl CheckedRegistration {
    /// Checks a registration with a platform of this suite.
    pub(crate) fn new(registration: Registration, suite: Suite) -> Result<Self, Refusal> {
        let Registration {
            name,
            domains,
            contact,
            deletion_contact,
            intended_uses,
            jwks,
            events_uri,
        } = &registration;
        require(is_text(name, MAX_NAME), "/name")?;
        check_domains(domains)?;
        require(is_text(contact, MAX_CONTACT), "/contact")?;
        require(is_text(deletion_contact, MAX_CONTACT), "/deletion_contact")?;
        check_uses(intended_uses)?;
        check_keys(&jwks.keys, suite)?;
        let public = events_uri.as_deref().is_none_or(is_public_https);
        require(public, "/events_uri")?;
        Ok(Self(registration))
    }

    /// The registration.
    pub(crate) fn get(&self) -> &Registration {
        &self.0
    }

    /// The registration as it is stored.
    pub(crate) fn to_text(&self) -> Result<String, Refusal> {
        Ok(canonical::to_string(&self.0)?)
    }
}

/// The checked signing keys of a registration.
pub(crate) fn signing_keys(registration: &Registration) -> Vec<PublicKey> {
    let keys = registration.keys("sig");
    keys.filter_map(|jwk| PublicKey::try_from(jwk).ok()).collect()
}

/// The thumbprint of the one key that plaintext is encrypted to.
pub(crate) fn encryption_jkt(registration: &Registration) -> Option<String> {
    let jwk = registration.keys("enc").next()?;
    PublicKey::try_from(jwk).ok().map(|key| key.thumbprint())
}

fn require(kept: bool, member: impl Into<String>) -> Result<(), Refusal> {
    if kept {
        return Ok(());
    }
    let member = member.into();
    Err(Refusal::Registration { member })
}

fn check_domains(domains: &[String]) -> Result<(), Refusal> {
    let names: BTreeSet<_> = domains.iter().collect();
    let counted = (1..=MAX_DOMAINS).contains(&domains.len()) && names.len() == domains.len();
    require(counted, "/domains")?;
    for (at, domain) in domains.iter().enumerate() {
        require(is_host_name(domain), format!("/domains/{at}"))?;
    }
    Ok(())
}

fn check_uses(uses: &[IntendedUse]) -> Result<(), Refusal> {
    let purposes: BTreeSet<_> = uses.iter().map(|intended| &intended.purpose).collect();
    let counted = (1..=MAX_USES).contains(&uses.len()) && purposes.len() == uses.len();
    require(counted, "/intended_uses")?;
    for (at, intended) in uses.iter().enumerate() {
        check_use(intended).or_else(|member| require(false, format!("/intended_uses/{at}{member}")))?;
    }
    Ok(())
}

/// Checks one use; the error is the member that breaks its rule.
fn check_use(intended: &IntendedUse) -> Result<(), &'static str> {
    let IntendedUse {
        purpose,
        checks,
        fields,
        legal_basis,
        retention_days,
        notice_uri,
    } = intended;
    let rules = [
        (
            is_text(purpose, MAX_PURPOSE) && purpose.len() <= MAX_PURPOSE,
            "/purpose",
        ),
        (!checks.is_empty() || !fields.is_empty(), ""),
        (checks.is_empty() || distinct(checks).is_some(), "/checks"),
        (fields.is_empty() || distinct(fields).is_some(), "/fields"),
        (is_text(legal_basis, MAX_LEGAL_BASIS), "/legal_basis"),
        (
            (1..=MAX_RETENTION_DAYS).contains(retention_days),
            "/retention_days",
        ),
        (is_public_https(notice_uri), "/notice_uri"),
    ];
    rules
        .into_iter()
        .try_for_each(|(kept, member)| kept.then_some(()).ok_or(member))
}

/// At least one key to sign with, exactly one to encrypt to, no key twice, and all of the platform's suite.
fn check_keys(keys: &[Jwk], suite: Suite) -> Result<(), Refusal> {
    let mut thumbprints = BTreeSet::new();
    for (at, jwk) in keys.iter().enumerate().take(MAX_KEYS + 1) {
        let thumbprint = key_thumbprint(jwk, suite);
        let fresh = thumbprint.is_some_and(|thumbprint| thumbprints.insert(thumbprint));
        require(fresh, format!("/jwks/keys/{at}"))?;
    }
    let count = |use_| {
        keys.iter()
            .filter(|jwk| jwk.use_.as_deref() == Some(use_))
            .count()
    };
    let counted = keys.len() <= MAX_KEYS && count("sig") >= 1 && count("enc") == 1;
    require(counted, "/jwks")
}

/// The thumbprint of a key that says what it is for, and nothing that it is not.
fn key_thumbprint(jwk: &Jwk, suite: Suite) -> Option<String> {
    let algorithm = match jwk.use_.as_deref() {
        Some("sig") => suite.signing_alg(),
        Some("enc") => suite.agreement_alg(),
        _ => return None,
    };
    let key = PublicKey::try_from(jwk).ok()?;
    let thumbprint = (key.suite() == suite).then(|| key.thumbprint())?;
    let fits = jwk.alg.as_deref().is_none_or(|alg| alg == algorithm)
        && jwk.kid.as_deref().is_none_or(|kid| kid == thumbprint);
    fits.then_some(thumbprint)
}

/// A text that can be shown as it is: not blank, no space around it, not too long, nothing in it that is not seen.
fn is_text(text: &str, most: usize) -> bool {
    let length = text.chars().count();
    let bare = !text.is_empty() && text.trim() == text;
    bare && length <= most && !text.chars().any(|c| c.is_control() || is_unseen(c))
}

/// Characters that change how a text reads and are not seen themselves: a holder has to see the name that is there
/// (T12). Unicode's `Bidi_Control` and `Default_Ignorable_Code_Point`, the line and paragraph separators, and the
/// annotation characters.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A host name of two labels or more, RFC 1123 section 2.1, in lower case; what is not ASCII stands in its A-labels
/// (RFC 5890).
fn is_host_name(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let numeric = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253
        && labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
        && !labels.last().is_some_and(numeric)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// An `https` address of a host with a public name: no literal address, no private zone, no credentials, no fragment.
fn is_public_https(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else {
        return false;
    };
    let host = matches!(url.host(), Some(Host::Domain(name)) if is_host_name(name) && !is_private(name));
    address.len() <= MAX_URI
        && url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && host
}

fn is_private(name: &str) -> bool {
    PRIVATE_ZONES
        .iter()
        .any(|zone| name == *zone || name.ends_with(&format!(".{zone}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_names_of_hosts() {
        for name in ["bank.example", "xn--fiq228c.example", "a.b-c.example", "360.cn"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in [
            "",
            "bank",
            "Bank.example",
            "bank..example",
            "-a.example",
            "a-.example",
            "银行.example",
            "bank.example.",
            "1.2.3.4",
            "bank.example/x",
            "bank.example:443",
            "a b.example",
        ] {
            assert!(!is_host_name(name), "{name}");
        }
    }

    #[test]
    fn a_text_reads_as_it_is_written() {
        for text in ["Example Bank", "示例银行（北京）有限公司", "Café – Nº 1"] {
            assert!(is_text(text, MAX_NAME), "{text}");
        }
        for text in [
            "",
            " ",
            " Example Bank",
            "Example Bank\u{3000}",
            "Example\nBank",
            "Shop\u{202e}knaB elpmaxE",
            "Exam\u{200b}ple Bank",
            "Example Bank\u{2028}You agree to nothing.",
            "\u{3164}",
            "Example\u{e0041} Bank",
        ] {
            assert!(!is_text(text, MAX_NAME), "{text:?}");
        }
        assert!(!is_text(&"银".repeat(MAX_NAME + 1), MAX_NAME));
    }

    #[test]
    fn addresses_are_public_and_https() {
        assert!(is_public_https("https://bank.example/events?v=1"));
        assert!(is_public_https("https://bank.example:8443/"));
        for address in [
            "http://bank.example/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://10.0.0.7/",
            "https://8.8.8.8/",
            "https://[::1]/",
            "https://localhost/",
            "https://db.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://router.home.arpa/",
            "https://intranet/",
            "https://user@bank.example/",
            "https://bank.example/#part",
            "javascript:alert(1)",
            "//bank.example/",
            "",
        ] {
            assert!(!is_public_https(address), "{address}");
        }
    }
}
