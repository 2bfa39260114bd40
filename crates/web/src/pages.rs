//! The problems' pages, embedded: what a caller finds at a problem's `type`.

use cyberid_protocol::problem::ProblemType;

macro_rules! pages {
    ($($kind:ident = $slug:literal;)*) => {
        /// The page of a problem, in Markdown: English, then Chinese.
        pub const fn page(kind: ProblemType) -> &'static str {
            match kind {
                $(ProblemType::$kind => include_str!(concat!("../../../docs/problems/", $slug, ".md")),)*
            }
        }
    };
}

pages! {
    MalformedRequest = "malformed-request";
    UnsupportedMediaType = "unsupported-media-type";
    RequestTooLarge = "request-too-large";
    NotFound = "not-found";
    MethodNotAllowed = "method-not-allowed";
    Unauthenticated = "unauthenticated";
    UseDpopNonce = "use-dpop-nonce";
    Forbidden = "forbidden";
    RateLimited = "rate-limited";
    RequestTimeout = "request-timeout";
    Unavailable = "unavailable";
    Internal = "internal";
    InvalidMessage = "invalid-message";
    ExpiredMessage = "expired-message";
    ReplayedMessage = "replayed-message";
    UnknownNonce = "unknown-nonce";
    EnrolmentRefused = "enrolment-refused";
    EvidenceRefused = "evidence-refused";
    DeviceRefused = "device-refused";
    DeviceCoolingOff = "device-cooling-off";
    LastDevice = "last-device";
    OverAsking = "over-asking";
    UnregisteredUse = "unregistered-use";
    UnknownCode = "unknown-code";
    RequestClosed = "request-closed";
    ReleaseNotGranted = "release-not-granted";
    ReleaseVoid = "release-void";
    AlreadyRedeemed = "already-redeemed";
    AlreadyWithdrawn = "already-withdrawn";
    ConsentMismatch = "consent-mismatch";
    WitnessUnavailable = "witness-unavailable";
    IdempotencyMismatch = "idempotency-mismatch";
    RelyingPartyInactive = "relying-party-inactive";
    TwoPersonsRequired = "two-persons-required";
    OrderTooWide = "order-too-wide";
    OfficialRefused = "official-refused";
    InvalidRegistration = "invalid-registration";
    IdentifierInactive = "identifier-inactive";
    PinUnacceptable = "pin-unacceptable";
    InvalidSub = "invalid-sub";
    WarrantRefused = "warrant-refused";
    StaleConsistency = "stale-consistency";
    SourceUnavailable = "source-unavailable";
}

/// The same page for a browser: no script, no style, nothing fetched; each language marked as what it is.
pub fn html(kind: ProblemType) -> String {
    let (english, chinese) = page(kind).split_once("\n## ").unwrap_or((page(kind), ""));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} · CyberID</title>\n\
         </head>\n<body>\n<main>\n<article lang=\"en\">\n{english}</article>\n\
         <article lang=\"zh-CN\">\n{chinese}</article>\n</main>\n</body>\n</html>\n",
        title = escaped(kind.title()),
        english = article(english, "h1"),
        chinese = article(chinese, "h2"),
    )
}

/// One language's half of a page: a heading, and paragraphs.
fn article(markdown: &str, heading: &str) -> String {
    let mut blocks = markdown
        .split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty());
    let title = blocks.next().unwrap_or_default().trim_start_matches("# ");
    let mut html = format!("<{heading}>{}</{heading}>\n", inline(title));
    for block in blocks {
        html.extend(["<p>", &inline(block), "</p>\n"]);
    }
    html
}

/// The two marks within a paragraph that the pages use: bold, and code.
fn inline(text: &str) -> String {
    let marked = marked(&escaped(text), "**", ["<strong>", "</strong>"]);
    self::marked(&marked, "`", ["<code>", "</code>"])
}

/// Replaces each pair of marks by a pair of tags.
fn marked(text: &str, mark: &str, [open, close]: [&str; 2]) -> String {
    let mut parts = text.split(mark);
    let mut html = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        html.push_str(if index % 2 == 0 { open } else { close });
        html.push_str(part);
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every page says, in both languages.
    const SAID: [[&str; 3]; 2] = [
        ["\n**Cause:** ", "\n**What to do:** ", "\n**Retry:** "],
        ["\n**原因:** ", "\n**处理:** ", "\n**重试:** "],
    ];

    #[test]
    fn every_problem_has_its_own_page() {
        for kind in ProblemType::ALL {
            assert!(
                page(*kind).starts_with(&format!("# {}\n", kind.title())),
                "{kind}"
            );
            assert!(
                page(*kind).contains(&format!("\n`{kind}` · {}\n", kind.status())),
                "{kind}"
            );
        }
    }

    #[test]
    fn every_page_says_the_cause_the_cure_and_whether_to_retry_in_both_languages() {
        for kind in ProblemType::ALL {
            let (english, chinese) = page(*kind).split_once("\n## ").unwrap();
            for (half, said) in [english, chinese].into_iter().zip(SAID) {
                for name in said {
                    let (_, text) = half.split_once(name).unwrap_or_else(|| panic!("{kind}: {name}"));
                    let text = text.lines().next().unwrap_or_default();
                    assert!(text.chars().count() >= 4, "{kind}: {name} {text:?}");
                }
            }
            assert!(
                !chinese.contains("Cause") && chinese.lines().next().is_some_and(|title| !title.is_ascii()),
                "{kind}"
            );
            let retry = english.split_once(SAID[0][2]).unwrap().1;
            let chinese_retry = chinese.split_once(SAID[1][2]).unwrap().1;
            assert_eq!(
                retry.starts_with("yes"),
                !chinese_retry.starts_with("不"),
                "{kind}: the two languages say the same of a retry: {retry} {chinese_retry}"
            );
        }
    }

    #[test]
    fn a_browser_gets_the_same_words_in_well_formed_html() {
        for kind in ProblemType::ALL {
            let html = html(*kind);
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{kind}");
            assert_eq!(html.matches("<h1>").count(), 1, "{kind}");
            assert!(html.contains("<article lang=\"zh-CN\">\n<h2>"), "{kind}");
            for tag in ["h1", "h2", "p", "strong", "code", "article", "main"] {
                let (opened, closed) = (format!("<{tag}"), format!("</{tag}>"));
                assert_eq!(
                    html.matches(&opened).count(),
                    html.matches(&closed).count(),
                    "{kind}: {tag}"
                );
            }
            assert!(
                !html.contains("**") && !html.contains('`') && !html.contains("<script"),
                "{kind}"
            );
            assert_eq!(html.matches("<strong>").count(), 6, "{kind}");
        }
    }

    #[test]
    fn text_stays_text() {
        assert_eq!(
            inline("**Cause:** `a<b>` & c"),
            "<strong>Cause:</strong> <code>a&lt;b&gt;</code> &amp; c"
        );
    }
}
