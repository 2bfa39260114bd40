//! What a person at a terminal sees: sentences, or with `--json` one object; colours only on a terminal; progress on
//! long work.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Sentences for people.
    Words,
    /// One JSON object for machines.
    Json,
}

impl Show {
    /// JSON if asked for.
    pub(crate) const fn json(asked: bool) -> Self {
        if asked { Self::Json } else { Self::Words }
    }

    /// Prints a result: as JSON, or as the words that `words` makes of it.
    pub(crate) fn result<T: Serialize>(self, value: &T, words: impl FnOnce(&T) -> String) {
        match self {
            Self::Words => line(&words(value)),
            Self::Json => line(&serde_json::to_string_pretty(value).unwrap_or_default()),
        }
    }
}

/// Prints a line. A reader that went away ends the output, not the program.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line for people while standard output stays clean.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Paints text on a terminal that wants colours (`NO_COLOR` is respected).
pub(crate) fn paint(code: &str, text: &str) -> String {
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if colours {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// A progress bar on standard error, invisible where that is not a terminal.
pub(crate) fn progress(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Prints an error with its causes, each on its own line.
pub(crate) fn failure(error: &dyn std::error::Error) {
    note(&format!("error: {error}"));
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes {
        note(&format!("  because: {cause}"));
    }
}
