//! `cyberid source`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use cyberid_client::Client;
use cyberid_domain::happening::Happening;
use cyberid_identity_source::Fault;
use serde::de::value::{Error as NotAFault, StrDeserializer};
use serde::de::{Deserialize as _, IntoDeserializer as _};
use serde_json::{Value, json};

use super::Outcome;
use super::holder::person::PersonSource;
use super::outside::Failure;
use crate::terminal::Show;

const HELP: &str = "\
Examples:
  cyberid source lose --server http://127.0.0.1:8080 --sandbox-person 1
  cyberid source renew --source http://127.0.0.1:8091 --person me.json --json
  cyberid source rename 王维 --sandbox-person 2
  cyberid source fault down";

/// Let something happen at a synthetic identity source: to somebody, or to itself.
///
/// The platform is told when it next asks, within seconds. No real register can be told anything of this.
#[derive(Debug, Subcommand)]
#[command(after_long_help = HELP)]
pub(crate) enum Source {
    // Each command describes itself: a description here would hide its own.
    Die(Die),
    Lose(Lose),
    Withdraw(Withdraw),
    Renew(Renew),
    Rename(Rename),
    Fault(SetFault),
}

/// Let somebody die: their identifier ends.
///
/// Every device of theirs is refused from then on, and nobody enrols as them again.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid source die --sandbox-person 1")]
pub(crate) struct Die {
    #[command(flatten)]
    whom: Whom,
}

/// Let somebody lose their document: their identifier is suspended until they prove a valid one.
///
/// `cyberid holder document` proves it, after `renew` has given them one.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid source lose --person me.json")]
pub(crate) struct Lose {
    #[command(flatten)]
    whom: Whom,
}

/// Withdraw somebody's document: their identifier is suspended until they prove a valid one.
///
/// `cyberid holder document` proves it, after `renew` has given them one.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid source withdraw --person me.json")]
pub(crate) struct Withdraw {
    #[command(flatten)]
    whom: Whom,
}

/// Give somebody a new document, with another number and a later end.
///
/// The answer holds it, and new evidence.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid source renew --sandbox-person 1 --json")]
pub(crate) struct Renew {
    #[command(flatten)]
    whom: Whom,
}

/// Correct somebody's name.
///
/// The record at the key holders is replaced; no relying party is told.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid source rename 王维 --sandbox-person 1")]
pub(crate) struct Rename {
    /// The name from now on.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    whom: Whom,
}

/// Make a source misbehave, until it is told `none`.
///
/// It has to have been started with `--faults`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  cyberid source fault down\n  cyberid source fault none --json")]
pub(crate) struct SetFault {
    /// `none`, `slow`, `wrong`, `unreadable`, `other_key`, `old`, `down`, `garbage`, `not_json`, `html`, `huge` or `truncated`.
    #[arg(value_name = "KIND", value_parser = fault)]
    kind: Fault,
    #[command(flatten)]
    at: At,
}

/// To whom it happens.
#[derive(Debug, Args)]
struct Whom {
    #[command(flatten)]
    person: PersonSource,
    #[command(flatten)]
    at: At,
}

/// Which source.
#[derive(Debug, Args)]
struct At {
    /// The source's address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8091")]
    source: String,
    /// Take the source of the sandbox at this address instead.
    #[arg(long, value_name = "URL", conflicts_with = "source")]
    server: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Source {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Die(Die { whom }) => whom.meets(Happening::Died, None).await,
            Self::Lose(Lose { whom }) => whom.meets(Happening::DocumentLost, None).await,
            Self::Withdraw(Withdraw { whom }) => whom.meets(Happening::DocumentWithdrawn, None).await,
            Self::Renew(Renew { whom }) => whom.meets(Happening::DocumentRenewed, None).await,
            Self::Rename(Rename { name, whom }) => whom.meets(Happening::NameCorrected, Some(name)).await,
            Self::Fault(fault) => fault.run().await,
        }
    }
}

impl Whom {
    async fn meets(self, happening: Happening, name: Option<String>) -> Outcome {
        let client = self.at.client().await?;
        let (document, _) = self.person.read(&client).await?.stated();
        let mut body = json!({
            "type": document.kind.as_str(), "number": document.number.expose(), "happening": happening.as_str(),
        });
        if let (Some(body), Some(name)) = (body.as_object_mut(), name) {
            body.insert("name".into(), name.into());
        }
        let happened: Value = client.post("/sandbox/happenings", &body).await?;
        Show::json(self.at.json).result(&happened, |happened| {
            let seq = happened.get("seq").unwrap_or(&Value::Null);
            format!("It happened, as number {seq} of this source. Platforms are told when they next ask.")
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl SetFault {
    async fn run(self) -> Outcome {
        let client = self.at.client().await?;
        let body = json!({"kind": self.kind});
        client.post_no_content("/v1/faults", &body).await?;
        Show::json(self.at.json).result(&body, |_| match self.kind {
            Fault::None => "The source does not misbehave.".into(),
            _ => "The source misbehaves from now on.".into(),
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl At {
    async fn client(&self) -> Result<Client, Failure> {
        let Some(server) = &self.server else {
            return Ok(Client::new(&self.source)?);
        };
        let told: Value = Client::new(server)?.get("/sandbox/source").await?;
        let url = told.get("url").and_then(Value::as_str);
        Ok(Client::new(
            url.ok_or("the sandbox does not say where its source is")?,
        )?)
    }
}

fn fault(kind: &str) -> Result<Fault, NotAFault> {
    let kind: StrDeserializer<'_, NotAFault> = kind.into_deserializer();
    Fault::deserialize(kind)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;

    fn parses(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn something_happens_to_one_person_at_one_source() {
        for what in ["die", "lose", "withdraw", "renew", "rename 王维"] {
            let line = format!("cyberid source {what}");
            assert!(parses(&format!("{line} --sandbox-person 1 --json")));
            assert!(parses(&format!("{line} --person - --source http://127.0.0.1:9")));
            assert!(parses(&format!(
                "{line} --person p.json --server http://127.0.0.1:8080"
            )));
            assert!(!parses(&line), "to whom");
        }
        assert!(!parses("cyberid source rename --sandbox-person 1"));
        assert!(!parses(
            "cyberid source die --sandbox-person 1 --source http://a --server http://b"
        ));
    }

    #[test]
    fn a_fault_is_one_that_a_source_can_have() {
        for kind in ["none", "down", "other_key", "not_json", "truncated"] {
            assert!(parses(&format!("cyberid source fault {kind} --json")), "{kind}");
        }
        assert!(!parses("cyberid source fault tired"));
        assert!(!parses("cyberid source fault"));
    }
}
