//! What the commands of everybody outside the platform share: its address, their state, their keys, words for values.

mod confirm;
mod home;
mod input;
mod keys;
mod repin;
mod server;
mod values;

pub(crate) use confirm::{NoTerminal, confirm, terminal};
pub(crate) use home::Home;
pub(crate) use input::{read_bytes, read_text, read_text_of};
pub(crate) use keys::{ClientKey, SandboxKeys, call_as};
pub(crate) use repin::Repin;
pub(crate) use server::Server;
pub(crate) use values::{checks, fields, moment, names};

/// An error with its causes, for a person to read.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::super::Cli;

    fn teaches(command: &Command) -> bool {
        let example = command
            .get_after_long_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        command.get_long_about().is_some() && example.contains("Example") && example.contains("cyberid ")
    }

    /// The commands below this one that do not teach.
    fn silent(command: &Command, path: &str) -> Vec<String> {
        let below = command.get_subcommands().flat_map(|command| {
            let path = format!("{path} {}", command.get_name());
            let own = (!teaches(command)).then(|| path.clone());
            own.into_iter().chain(silent(command, &path))
        });
        below.collect()
    }

    #[test]
    fn every_command_teaches_by_an_example() {
        assert_eq!(silent(&Cli::command(), "cyberid"), Vec::<String>::new());
    }
}
