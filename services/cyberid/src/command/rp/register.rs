//! `cyberid rp register`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use cyberid_domain::clock::SystemClock;
use cyberid_domain::relying_party::{IntendedUse, RegistrationStatus};
use cyberid_protocol::registration::{Registered, Registration};
use cyberid_relying_party::{Particulars, Platform, registration};
use serde_json::Value;

use super::Common;
use super::operators::{Operators, sessions};
use super::party::Newcomer;
use crate::command::Outcome;
use crate::command::outside::{ClientKey, Failure, read_bytes};

const HELP: &str = r#"An intended use, as in use.json:
  {"purpose": "register", "checks": ["real_person", "age_over_18"], "fields": [],
   "legal_basis": "Cybersecurity Law, article 24", "retention_days": 30,
   "notice_uri": "https://shop.example/privacy"}

Example:
  cyberid rp register --name 'Example Shop' --domain shop.example --contact support@shop.example \
    --deletion-contact privacy@shop.example --use use.json --sandbox"#;

/// Register with the platform, through its operators.
///
/// Makes keys, and has one operator apply and another approve: no single person lets a service in. What a service may
/// ask is fixed here, use by use, and a public leaf says so.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Register {
    /// The name that people are shown.
    #[arg(long)]
    name: String,
    /// The domains that it acts under; the first is shown to people.
    #[arg(long = "domain", value_name = "DOMAIN", required = true)]
    domains: Vec<String>,
    /// Whom people ask.
    #[arg(long)]
    contact: String,
    /// Whom people ask for deletion.
    #[arg(long, value_name = "CONTACT")]
    deletion_contact: String,
    /// An intended use, or a list of them, in a JSON file; `-` is standard input.
    #[arg(long = "use", value_name = "FILE", required = true)]
    uses: Vec<PathBuf>,
    /// Where events are pushed: `https`, at a public address.
    #[arg(long, value_name = "URL")]
    events_uri: Option<String>,
    #[command(flatten)]
    operators: Operators,
    #[command(flatten)]
    common: Common,
}

impl Register {
    pub(super) async fn run(self) -> Outcome {
        let uses = intended_uses(&self.uses)?;
        let client = self.common.server.client(None)?;
        let operators = self.operators.read(&client).await?;
        let platform = Platform::contact(client, Arc::new(SystemClock)).await?;
        let newcomer = Newcomer::begin(&self.common, platform.suite())?;
        let show = self.common.show();
        let body = registration(self.particulars(uses), newcomer.keys());
        let registered = submit(&platform, &operators, &body, |applied| {
            newcomer.registered(&platform, applied)
        });
        let registered = registered.await?;
        newcomer.registered(&platform, &registered)?;
        show.result(&registered, words);
        Ok(ExitCode::SUCCESS)
    }

    fn particulars(self, intended_uses: Vec<IntendedUse>) -> Particulars {
        Particulars {
            name: self.name,
            domains: self.domains,
            contact: self.contact,
            deletion_contact: self.deletion_contact,
            intended_uses,
            events_uri: self.events_uri,
        }
    }
}

/// The first operator applies; the second, if there is one, approves. `applied` hears of it in between.
async fn submit(
    platform: &Platform,
    operators: &[ClientKey],
    body: &Registration,
    applied: impl FnOnce(&Registered) -> Result<(), Failure>,
) -> Result<Registered, Failure> {
    let (applicant, approver) = sessions(platform, operators)?;
    let registered: Registered = applicant.post("/v1/relying-parties", body).await?;
    applied(&registered)?;
    let Some(approver) = approver else {
        return Ok(registered);
    };
    let path = format!("/v1/relying-parties/{}/approve", registered.client_id);
    Ok(approver.post_empty(&path, &[]).await?)
}

/// The intended uses of every file: one, or a list.
fn intended_uses(files: &[PathBuf]) -> Result<Vec<IntendedUse>, Failure> {
    let mut uses = Vec::new();
    for file in files {
        let read = parse_uses(&read_bytes(file)?);
        let read = read.map_err(|error| format!("{} is no intended use: {error}", file.display()))?;
        uses.extend(read);
    }
    Ok(uses)
}

fn parse_uses(bytes: &[u8]) -> Result<Vec<IntendedUse>, serde_json::Error> {
    match serde_json::from_slice(bytes)? {
        list @ Value::Array(_) => serde_json::from_value(list),
        one => serde_json::from_value(one).map(|one| vec![one]),
    }
}

fn words(registered: &Registered) -> String {
    let id = &registered.client_id;
    match registered.status {
        RegistrationStatus::Applied => format!(
            "Applied, as {id}. Now another operator has to approve: POST /v1/relying-parties/{id}/approve. \
             After that, `cyberid rp show` brings the certificates."
        ),
        RegistrationStatus::Approved => {
            format!(
                "Registered and approved, as {id}, for {} uses.",
                registered.registration_certificates.len()
            )
        }
        status => format!("{id} is {}.", status.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USE: &str = r#"{"purpose": "register", "checks": ["real_person"], "fields": [], "legal_basis": "contract",
        "retention_days": 30, "notice_uri": "https://shop.example/privacy"}"#;

    #[test]
    fn a_file_holds_one_use_or_a_list() {
        assert_eq!(parse_uses(USE.as_bytes()).unwrap().len(), 1);
        assert_eq!(parse_uses(format!("[{USE}, {USE}]").as_bytes()).unwrap().len(), 2);
        assert!(parse_uses(br#"{"purpose": "register"}"#).is_err());
        assert!(parse_uses(USE.replace("fields", "columns").as_bytes()).is_err());
    }
}
