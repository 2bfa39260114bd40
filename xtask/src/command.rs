//! Starting other programs, from the root of the workspace.

use std::process::{Command, Stdio};

use crate::failure::Failure;

/// Shows a command, runs it with our own output, and fails when it does.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<(), Failure> {
    let command = line(program, args);
    eprintln!("> {command}");
    let status = Command::new(program)
        .args(args)
        .status()
        .map_err(|error| not_started(program, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Command {
            command,
            code: status.code(),
        })
    }
}

/// Runs a command unseen and returns what it wrote to its standard output; its errors are shown.
pub(crate) fn output(program: &str, args: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new(program)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(program, &error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Failure::Command {
            command: line(program, args),
            code: output.status.code(),
        })
    }
}

/// Whether a command exists and succeeds; it is run unseen.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command as one would type it.
fn line(program: &str, args: &[&str]) -> String {
    std::iter::once(program)
        .chain(args.iter().copied())
        .collect::<Vec<_>>()
        .join(" ")
}

fn not_started(program: &str, error: &std::io::Error) -> Failure {
    Failure::NotStarted {
        program: program.into(),
        cause: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_named_with_its_code() {
        let failure = run("sh", &["-c", "exit 7"]).unwrap_err();
        assert_eq!(
            failure,
            Failure::Command {
                command: "sh -c exit 7".into(),
                code: Some(7)
            }
        );
    }

    #[test]
    fn a_program_that_does_not_exist_is_no_success() {
        assert!(!succeeds("no-such-program-anywhere", &[]));
        assert!(matches!(
            run("no-such-program-anywhere", &[]),
            Err(Failure::NotStarted { .. })
        ));
    }

    #[test]
    fn output_is_what_was_written() {
        assert_eq!(output("printf", &["two\nlines"]).unwrap(), b"two\nlines");
        assert!(output("false", &[]).is_err());
    }
}
