//! Asking a person, who has to be there: nothing is agreed to in the name of a script by default.

use std::io::{BufRead, IsTerminal as _};

use crate::terminal::note;

/// Nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no terminal to ask at: say `--yes` to agree, or `--decline` to refuse")]
pub(crate) struct NoTerminal;

/// Standard input, where a person sits at it.
pub(crate) fn terminal() -> Result<impl BufRead, NoTerminal> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        Ok(stdin.lock())
    } else {
        Err(NoTerminal)
    }
}

/// Asks a question on standard error; anything but a yes is a no.
pub(crate) fn confirm(question: &str, answers: &mut dyn BufRead) -> bool {
    note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    let read = answers.read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, agreed) in [
            ("y\n", true),
            (" YES \n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yep\n", false),
        ] {
            assert_eq!(confirm("?", &mut answer.as_bytes()), agreed, "{answer:?}");
        }
    }

    #[test]
    fn each_question_takes_one_line() {
        let mut answers = "y\nn\ny\n".as_bytes();
        let given: Vec<bool> = (0..4).map(|_| confirm("?", &mut answers)).collect();
        assert_eq!(given, [true, false, true, false]);
    }
}
