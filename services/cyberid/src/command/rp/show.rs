//! `cyberid rp show`

use std::process::ExitCode;

use clap::Args;
use cyberid_client::{ClientError, KeyRole};
use cyberid_domain::check::Check;
use cyberid_domain::field::Field;
use cyberid_domain::relying_party::RegistrationStatus;
use cyberid_protocol::registration::{Registered, RegistrationCertificate};

use super::Common;
use super::party::Party;
use crate::command::Outcome;
use crate::command::outside::{moment, names};

const HELP: &str = "\
Examples:
  cyberid rp show";

/// Show where the registration stands, and fetch its certificates.
///
/// Each certificate is the platform's signed word on one purpose: what may be asked, on which basis, and until when.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct ShowRegistration {
    #[command(flatten)]
    common: Common,
}

/// The platform does not let the relying party in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the platform does not let this relying party in: a second operator has not approved it, or its keys changed"
)]
struct NotActive;

impl ShowRegistration {
    pub(super) async fn run(self) -> Outcome {
        let party = Party::open(&self.common)?;
        let registered = match read(&party).await {
            Err(ClientError::TokenRefused { .. }) => {
                // Keys that were announced may be in force by now, or were cancelled.
                let other = party.open_with_other_keys(&self.common)?.ok_or(NotActive)?;
                read(&other).await.map_err(|_| NotActive)?
            }
            answer => answer?,
        };
        let mut uses = String::new();
        for compact in &registered.registration_certificates {
            let opened = party.rp.platform().open(KeyRole::Registration, compact);
            uses.push_str(&use_words(&opened.await?));
        }
        party.keep_registration(&registered)?;
        self.common
            .show()
            .result(&registered, |registered| standing_words(registered) + &uses);
        Ok(ExitCode::SUCCESS)
    }
}

async fn read(party: &Party) -> Result<Registered, ClientError> {
    let path = format!("/v1/relying-parties/{}", party.rp.client_id());
    party.rp.session().get(&path).await
}

fn standing_words(registered: &Registered) -> String {
    let end = registered.expires_at.map(|end| {
        let over = registered.status == RegistrationStatus::Expired;
        format!(", {} {}", if over { "since" } else { "until" }, moment(end))
    });
    let keys = registered
        .waiting_keys
        .as_ref()
        .map(|keys| format!("\nOther keys come into force at {}.", moment(keys.in_force_at)));
    let renewal = registered.waiting_renewal.as_ref().map(|renewal| {
        let (days, since) = (renewal.expires_in_days, moment(renewal.applied_at));
        format!("\nA renewal for {days} days waits for a second operator since {since}.")
    });
    format!(
        "{} is {}{}.{}{}",
        registered.client_id,
        registered.status.as_str(),
        end.unwrap_or_default(),
        keys.unwrap_or_default(),
        renewal.unwrap_or_default()
    )
}

fn use_words(certificate: &RegistrationCertificate) -> String {
    let RegistrationCertificate {
        name,
        domain,
        intended_use,
        exp,
        ..
    } = certificate;
    let checks = names(&intended_use.checks, Check::as_str);
    let fields = names(&intended_use.fields, Field::as_str);
    format!(
        "\n{}: {name} ({domain}), until {}\n  checks: {checks}\n  plaintext: {}",
        intended_use.purpose,
        moment(*exp),
        if fields.is_empty() { "none" } else { &fields },
    )
}
